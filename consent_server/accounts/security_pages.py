"""Sign-in and security of one's own account: authenticator app, passkeys, recovery codes, open sessions."""

from datetime import timedelta

import segno
from flask import Blueprint, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from consent_server import clock
from consent_server.accounts import factors, passkeys, sessions, signing_in, throttle, totp
from consent_server.accounts.access import actor
from consent_server.accounts.models import TotpSecret
from consent_server.accounts.step_up import proven
from consent_server.auth import auth
from consent_server.db import db, transaction
from consent_server.http import settings
from consent_server.problems import InvalidInput, Problem
from consent_server.rate_limit import limiter
from consent_server.screens import confirm, done, page, require, text

bp = Blueprint("security", __name__, url_prefix="/console/profile/security")


@bp.get("")
@auth("staff", "console.enter")
def show() -> ResponseReturnValue:
    """Show how this account signs in and where it is signed in."""
    return _security()


@bp.post("/app")
@proven
@auth("staff", "console.enter")
def start_app() -> ResponseReturnValue:
    """Begin to set up an authenticator app."""
    with transaction():
        factors.start_app(g.account, ring=signing_in.ring(), now=clock.now())
    return redirect(url_for("security.app"))


@bp.get("/app")
@auth("staff", "console.enter")
def app() -> ResponseReturnValue:
    """Show the QR code of the app that is being set up."""
    return _app()


@bp.post("/app/confirm")
@limiter.limit(lambda: settings().sign_in_rate)
@auth("staff", "console.enter")
def confirm_app() -> ResponseReturnValue:
    """Switch the app on with its first code, and show recovery codes if there are none yet."""
    try:
        with transaction():
            factors.confirm_app(
                g.account, text("code"), ring=signing_in.ring(), now=clock.now(), actor=actor()
            )
            codes = _first_codes()
            g.console_session.proved_at = clock.now()
    except InvalidInput as problem:
        return _app(problem)
    return _codes(codes) if codes else done(_("The app is set up."), "security.show")


@bp.get("/app/remove")
@auth("staff", "console.enter")
def ask_remove_app() -> ResponseReturnValue:
    """Ask whether the app shall go."""
    return confirm(
        title=_("Remove the authenticator app?"),
        text=_("Its codes are refused at once. Without another second factor the password alone signs in."),
        button=_("Remove the app"),
        back=url_for("security.show"),
        active="profile",
    )


@bp.post("/app/remove")
@proven
@auth("staff", "console.enter")
def remove_app() -> ResponseReturnValue:
    """Remove the app."""
    with transaction():
        factors.remove_app(g.account, now=clock.now(), actor=actor())
    return done(_("The app is removed."), "security.show")


@bp.get("/passkey")
@auth("staff", "console.enter")
def passkey() -> ResponseReturnValue:
    """Show the form that makes a passkey."""
    return _passkey()


@bp.post("/passkey")
@proven
@auth("staff", "console.enter")
def add_passkey() -> ResponseReturnValue:
    """Keep a passkey, and show recovery codes if there are none yet."""
    challenge = signing_in.take_challenge("register")
    try:
        wrong = require(name=(text("name"), 60))
        if wrong:
            raise InvalidInput("Look at the marked fields.", errors=wrong)
        with transaction():
            passkeys.register(
                g.account,
                request.form.get("answer", ""),
                name=text("name"),
                party=signing_in.party(),
                challenge=challenge,
                now=clock.now(),
                actor=actor(),
            )
            codes = _first_codes()
            g.console_session.proved_at = clock.now()
    except InvalidInput as problem:
        return _passkey(problem)
    return _codes(codes) if codes else done(_("The passkey is kept."), "security.show")


@bp.get("/passkey/<int:passkey_id>/remove")
@auth("staff", "console.enter")
def ask_remove_passkey(passkey_id: int) -> ResponseReturnValue:
    """Ask whether a passkey shall go."""
    return confirm(
        title=_("Remove the passkey?"),
        text=_("It is refused at once. Without another second factor the password alone signs in."),
        button=_("Remove the passkey"),
        back=url_for("security.show"),
        active="profile",
    )


@bp.post("/passkey/<int:passkey_id>/remove")
@proven
@auth("staff", "console.enter")
def remove_passkey(passkey_id: int) -> ResponseReturnValue:
    """Remove a passkey."""
    with transaction():
        passkeys.remove(g.account, passkey_id, now=clock.now(), actor=actor())
    return done(_("The passkey is removed."), "security.show")


@bp.post("/codes")
@proven
@auth("staff", "console.enter")
def new_codes() -> ResponseReturnValue:
    """Replace the recovery codes and show the new ones, this once."""
    if not factors.has_second_factor(g.account):
        return redirect(url_for("security.show"))
    with transaction():
        codes = factors.new_recovery_codes(g.account, now=clock.now(), actor=actor())
    return _codes(codes)


@bp.post("/sessions/<handle>/end")
@auth("staff", "console.enter")
def end_session(handle: str) -> ResponseReturnValue:
    """Sign another browser out."""
    with transaction():
        sessions.end_one(g.account, handle, now=clock.now(), actor=actor())
    return done(_("The browser is signed out."), "security.show")


@bp.post("/sessions/end-others")
@auth("staff", "console.enter")
def end_others() -> ResponseReturnValue:
    """Sign all other browsers out, and treat them as strangers' from here on."""
    with transaction():
        sessions.end_others(g.account, this=g.console_session, now=clock.now(), actor=actor())
        throttle.forget_devices(g.account)
    return done(_("All other browsers are signed out."), "security.show")


def _security() -> ResponseReturnValue:
    idle = timedelta(hours=settings().session_hours)
    return page(
        "accounts/security.html",
        has_app=factors.has_app(g.account),
        passkeys=passkeys.passkeys_of(g.account),
        codes_left=factors.recovery_codes_left(g.account),
        sessions=sessions.sessions_of(g.account, this=g.console_session, now=clock.now(), idle=idle),
    )


def _app(problem: Problem | None = None) -> ResponseReturnValue:
    kept = db.session.get(TotpSecret, g.account.id)
    secret = factors.secret_being_set_up(kept, signing_in.ring())
    if secret is None:
        return redirect(url_for("security.show"))
    uri = totp.provisioning_uri(secret, account=g.account.email, issuer=passkeys.NAME)
    picture = segno.make(uri, error="m").svg_data_uri(scale=5, border=4, light="#ffffff")
    return page("accounts/app.html", problem=problem, picture=picture, secret=_in_groups(secret))


def _in_groups(secret: bytes) -> str:
    letters = totp.base32(secret)
    return " ".join(letters[at : at + 4] for at in range(0, len(letters), 4))


def _passkey(problem: Problem | None = None) -> ResponseReturnValue:
    options = passkeys.registration_options(
        g.account, party=signing_in.party(), challenge=signing_in.new_challenge("register")
    )
    return page("accounts/passkey.html", problem=problem, options=options, values=request.form)


def _first_codes() -> list[str]:
    if factors.recovery_codes_left(g.account):
        return []
    return factors.new_recovery_codes(g.account, now=clock.now(), actor=actor())


def _codes(codes: list[str]) -> ResponseReturnValue:
    return page("accounts/codes.html", codes=codes)
