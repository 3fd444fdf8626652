"""Sign in, sign out, and the signed-in person's own page."""

from http import HTTPStatus

from flask import Blueprint, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consent_server import clock, i18n
from consent_server.accounts import passwords, service
from consent_server.accounts.access import actor, cookie_name, load_account
from consent_server.accounts.models import Account
from consent_server.auth import auth
from consent_server.db import transaction
from consent_server.http import settings
from consent_server.problems import InvalidInput, Problem
from consent_server.rate_limit import limiter
from consent_server.screens import done, local_path, page, text

bp = Blueprint("accounts", __name__, url_prefix="/console")
BY_LINK = "signed-in-by-link"  # in the form session: who came by a link need not know the old password


@bp.get("/sign-in")
@auth("public")
def sign_in() -> ResponseReturnValue:
    """Show the sign-in form; who is signed in already goes on."""
    load_account()
    if g.account is not None:
        return redirect(local_path(request.args.get("next")))
    return page("accounts/sign_in.html", next=local_path(request.args.get("next")))


@bp.post("/sign-in")
@limiter.limit(lambda: settings().sign_in_rate)
@auth("public")
def sign_in_with_password() -> ResponseReturnValue:
    """Sign in with address and password."""
    target, email = local_path(request.form.get("next")), text("email")
    try:
        account = service.check_password(email, request.form.get("password", ""))
    except service.WrongCredentials as problem:
        return page("accounts/sign_in.html", problem=problem, next=target, email=email)
    return _signed_in(account, target)


@bp.get("/sign-in/<token>")
@auth("public")
def link(token: str) -> ResponseReturnValue:
    """Ask for a click: programs that open links in mails must not spend them."""
    return page("accounts/link.html")


@bp.post("/sign-in/<token>")
@limiter.limit(lambda: settings().sign_in_rate)
@auth("public")
def use_link(token: str) -> ResponseReturnValue:
    """Spend a one-time link."""
    instant = clock.now()
    try:
        with transaction():
            account = service.use_sign_in_link(token, now=instant)
    except service.LinkUsed as problem:
        return page("accounts/link.html", problem=problem)
    return _signed_in(account, url_for("sites.index"), by_link=True)


@bp.post("/sign-out")
@auth("public")
def sign_out() -> ResponseReturnValue:
    """End the session, on the server too."""
    token = request.cookies.get(cookie_name())
    if token:
        with transaction():
            service.end_session(token, now=clock.now())
    session.clear()
    response = redirect(url_for("accounts.sign_in"), HTTPStatus.SEE_OTHER)
    response.delete_cookie(cookie_name(), secure=_is_secure(), httponly=True, samesite="Lax")
    return response


@bp.post("/language")
@auth("public")
def choose_language() -> ResponseReturnValue:
    """Choose the language of pages: of the account when signed in, else of this browser."""
    load_account()
    chosen = request.form.get("language", "")
    response = redirect(local_path(request.form.get("next")), HTTPStatus.SEE_OTHER)
    if chosen not in i18n.LANGUAGES:
        return response
    if g.account is not None:
        with transaction():
            service.choose_language(g.account, chosen, now=clock.now(), actor=actor())
    response.set_cookie(
        i18n.COOKIE, chosen, max_age=31_536_000, secure=_is_secure(), httponly=True, samesite="Lax"
    )
    return response


@bp.get("/profile")
@auth("staff")
def profile() -> ResponseReturnValue:
    """Show the signed-in person's own page."""
    return _profile()


@bp.post("/profile/password")
@limiter.limit(lambda: settings().sign_in_rate)
@auth("staff")
def set_password() -> ResponseReturnValue:
    """Set a password; all other sessions of the account end."""
    instant = clock.now()
    try:
        _check_current()
        if request.form.get("password") != request.form.get("again"):
            raise InvalidInput("The two passwords differ.", errors={"again": ["The two passwords differ."]})
        with transaction():
            service.set_password(g.account, request.form.get("password", ""), now=instant, actor=actor())
            token = service.start_session(g.account, now=instant)
    except Problem as problem:
        return _profile(problem)
    session.pop(BY_LINK, None)
    return _with_cookie(
        done(_("Your password is set. Other browsers are signed out."), "accounts.profile"), token
    )


def _profile(problem: Problem | None = None) -> ResponseReturnValue:
    return page(
        "accounts/profile.html",
        problem=problem,
        needs_current=_needs_current(),
        shortest=passwords.SHORTEST,
    )


def _needs_current() -> bool:
    return g.account.password_hash is not None and not session.get(BY_LINK)


def _check_current() -> None:
    if not _needs_current():
        return
    try:
        service.check_password(g.account.email, request.form.get("current", ""))
    except service.WrongCredentials as problem:
        raise InvalidInput(
            "This is not your password.", errors={"current": ["This is not your password."]}
        ) from problem


def _signed_in(account: Account, target: str, *, by_link: bool = False) -> Response:
    with transaction():
        token = service.start_session(account, now=clock.now())
    session.clear()  # a form token from before signing in is void after it
    if by_link:
        session[BY_LINK] = True
    return _with_cookie(redirect(target, HTTPStatus.SEE_OTHER), token)


def _with_cookie(response: Response, token: str) -> Response:
    response.set_cookie(cookie_name(), token, secure=_is_secure(), httponly=True, samesite="Lax", path="/")
    return response


def _is_secure() -> bool:
    return settings().public_url.startswith("https://")
