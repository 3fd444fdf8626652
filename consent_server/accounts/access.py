"""The gate of the console: a living session, or the sign-in page."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import g, redirect, request, url_for

from consent_server import clock
from consent_server.accounts import service
from consent_server.db import transaction
from consent_server.http import settings

COOKIE = "console_session"


def cookie_name() -> str:
    """Return the session cookie's name; under https the prefix binds it to this very host."""
    return f"__Host-{COOKIE}" if settings().public_url.startswith("https://") else COOKIE


def load_account() -> None:
    """Put the signed-in account into `g.account` and its session into `g.console_session`, or None."""
    g.account = g.console_session = None
    token = request.cookies.get(cookie_name())
    if not token:
        return
    instant = clock.now()
    session = service.session_of(token, now=instant, idle=timedelta(hours=settings().session_hours))
    if session is None:
        return
    if instant - session.seen_at > service.SEEN_EVERY:
        with transaction():
            service.keep_alive(token, now=instant)
        session = service.session_of(token, now=instant, idle=timedelta(hours=settings().session_hours))
    if session is not None:
        g.account, g.console_session = session.account, session
        g.page_language = session.account.language


def sign_in_gate() -> Any:
    """Send to the sign-in page, and from there back, who is not signed in; None for who is."""
    load_account()
    if g.account is not None:
        return None
    target = request.full_path.rstrip("?") if request.method == "GET" else _form_page()
    return redirect(url_for("accounts.sign_in", next=target))


def _form_page() -> str:
    """Return the page that a form was sent from: who signs in again finds there what the browser has kept."""
    sent_from = urlsplit(request.referrer or "")
    return sent_from.path if sent_from.netloc == request.host else url_for("sites.index")


def actor() -> str:
    """Return how the audit log names the person of this request."""
    return service.actor_of(g.account)
