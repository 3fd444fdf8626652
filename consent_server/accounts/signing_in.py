"""The way in, between pages: who has passed the first step goes on to the second, or gets a session.

Between the steps the signed cookie of forms says whose turn it is; nobody is signed in before the last step.
"""

import secrets
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from flask import current_app, redirect, request, session, url_for
from werkzeug.wrappers import Response

from consent_server import clock
from consent_server.accounts import factors, passkeys, sessions, throttle
from consent_server.accounts import service as accounts
from consent_server.accounts.access import cookie_name
from consent_server.accounts.models import Account
from consent_server.db import db, transaction
from consent_server.http import public_url, settings
from consent_server.keys import KeyRing, b64u, unb64u
from consent_server.problems import Problem

BY_LINK = "signed-in-by-link"  # in the form session: who came by a link need not know the old password
PENDING = "second-step"
PENDING_LIFE, CHALLENGE_LIFE = timedelta(minutes=10), timedelta(minutes=5)
DEVICE_COOKIE, DEVICE_DAYS = "console_device", 400  # browsers keep none for longer


def ring() -> KeyRing:
    """Return the server's keys."""
    found: KeyRing = current_app.extensions["keys"]
    return found


def is_secure() -> bool:
    """Tell whether browsers reach the server by https."""
    return settings().public_url.startswith("https://")


def first_step_passed(account: Account, target: str, *, method: str) -> Response:
    """Go on to the second step if the account has one, else sign in."""
    if not factors.has_second_factor(account):
        return sign_in(account, target, method=method)
    session.clear()
    session[PENDING] = {
        "account": account.id,
        "at": int(clock.now().timestamp()),
        "next": target,
        "method": method,
    }
    return redirect(url_for("second_factor.show"), HTTPStatus.SEE_OTHER)


def pending() -> tuple[Account, dict[str, Any]] | None:
    """Return whose second step it is and what is known of the first, or None."""
    kept = session.get(PENDING)
    if not kept or clock.now().timestamp() - kept["at"] > PENDING_LIFE.total_seconds():
        return None
    account = db.session.get(Account, kept["account"])
    return None if account is None or account.disabled_at is not None else (account, kept)


def sign_in(account: Account, target: str, *, method: str, proved: bool = False) -> Response:
    """Start a session, remember the browser, and go to the page that was wanted."""
    instant = clock.now()
    with transaction():
        token = accounts.start_session(
            account,
            now=instant,
            method=method,
            proved=proved,
            device=sessions.device_of(request.user_agent.string),
        )
        device = throttle.remember_device(account, request.cookies.get(device_cookie()), now=instant)
    session.clear()  # a form token from before signing in is void after it
    if method == "link":
        session[BY_LINK] = True
    response = with_session(redirect(target, HTTPStatus.SEE_OTHER), token)
    days = timedelta(days=DEVICE_DAYS)
    response.set_cookie(
        device_cookie(), device, max_age=days, secure=is_secure(), httponly=True, samesite="Lax", path="/"
    )
    return response


def with_session(response: Response, token: str) -> Response:
    """Give a response the session's cookie."""
    response.set_cookie(cookie_name(), token, secure=is_secure(), httponly=True, samesite="Lax", path="/")
    return response


def device_cookie() -> str:
    """Return the name of the cookie that tells a known browser."""
    return f"__Host-{DEVICE_COOKIE}" if is_secure() else DEVICE_COOKIE


def counter(email: str, *, kind: str) -> bytes:
    """Return what attempts of this request are counted under."""
    device = request.cookies.get(device_cookie())
    return throttle.counter(ring(), email, kind=kind, address=request.remote_addr, device=device)


def check_proof(account: Account, *, code: str, answer: str) -> None:
    """Check a second factor that a form brings: a code, or an authenticator's answer.

    Raises:
        WrongCode, PasskeyRefused: it is not this account's, or has been used.
        SignInDelayed: too many wrong ones before it.
    """
    instant, counted = clock.now(), counter(account.email, kind="second factor")
    challenge = take_challenge() if answer else b""
    throttle.check(counted, now=instant)
    try:
        with transaction():
            if answer:
                passkeys.authenticate(
                    answer, account=account, party=party(), challenge=challenge, now=instant
                )
            else:
                factors.check_code(account, code, ring=ring(), now=instant)
            throttle.succeeded(counted)
    except Problem:
        with transaction():
            throttle.failed(counted, account, now=instant)
        raise


def party() -> passkeys.Party:
    """Return this server as authenticators know it."""
    origin = urlsplit(public_url())
    return passkeys.Party(origin.hostname or "localhost", f"{origin.scheme}://{origin.netloc}")


def new_challenge(use: str = "prove") -> bytes:
    """Return a challenge for an authenticator, to `prove` or to `register`; the signed cookie of forms keeps it."""
    challenge = secrets.token_bytes(32)
    session[f"{use}-challenge"] = [b64u(challenge), int(clock.now().timestamp())]
    return challenge


def other_ways() -> dict[str, Any]:
    """Return what the other ways in need: the passkey's options, the name of the organisation's sign-in."""
    options = passkeys.authentication_options(None, party=party(), challenge=new_challenge())
    return {"passkey_options": options, "provider": provider_name()}


def provider_name() -> str:
    """Return what the organisation's sign-in is called; empty when there is none."""
    return settings().oidc_name if settings().oidc_issuer else ""


def take_challenge(use: str = "prove") -> bytes:
    """Return the challenge that this browser was given, once; empty, which nothing signs, when there is none."""
    text, at = session.pop(f"{use}-challenge", ["", 0])
    fresh = clock.now().timestamp() - at <= CHALLENGE_LIFE.total_seconds()
    return unb64u(text) if fresh else b""
