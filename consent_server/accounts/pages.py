"""Sign in, sign out, and the signed-in person's own page."""

from http import HTTPStatus

from flask import Blueprint, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from consent_server import clock, i18n
from consent_server.accounts import passwords, service, throttle
from consent_server.accounts.access import actor, cookie_name, load_account
from consent_server.accounts.signing_in import (
    BY_LINK,
    counter,
    first_step_passed,
    is_secure,
    other_ways,
    with_session,
)
from consent_server.accounts.step_up import proven
from consent_server.auth import auth
from consent_server.db import transaction
from consent_server.http import settings
from consent_server.problems import InvalidInput, Problem
from consent_server.rate_limit import limiter
from consent_server.screens import done, local_path, page, text

bp = Blueprint("accounts", __name__, url_prefix="/console")


@bp.get("/sign-in")
@auth("public")
def sign_in() -> ResponseReturnValue:
    """Show the sign-in form; who is signed in already goes on."""
    load_account()
    if g.account is not None:
        return redirect(local_path(request.args.get("next")))
    return page("accounts/sign_in.html", next=local_path(request.args.get("next")), **other_ways())


@bp.post("/sign-in")
@limiter.limit(lambda: settings().sign_in_rate)
@auth("public")
def sign_in_with_password() -> ResponseReturnValue:
    """Sign in with address and password."""
    target, email, instant = local_path(request.form.get("next")), text("email"), clock.now()
    counted = counter(email, kind="password")
    try:
        throttle.check(counted, now=instant)
        account = service.check_password(email, request.form.get("password", ""))
    except service.WrongCredentials as problem:
        with transaction():
            throttle.failed(counted, service.account_by_email(email), now=instant)
        return _sign_in_again(problem, target, email)
    except throttle.SignInDelayed as problem:
        return _sign_in_again(problem, target, email)
    with transaction():
        throttle.succeeded(counted)
    return first_step_passed(account, target, method="password")


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
    return first_step_passed(account, url_for("sites.index"), method="link")


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
    response.delete_cookie(cookie_name(), secure=is_secure(), httponly=True, samesite="Lax")
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
        i18n.COOKIE, chosen, max_age=31_536_000, secure=is_secure(), httponly=True, samesite="Lax"
    )
    return response


@bp.get("/profile")
@auth("staff", "console.enter")
def profile() -> ResponseReturnValue:
    """Show the signed-in person's own page."""
    return _profile()


@bp.post("/profile/password")
@proven
@limiter.limit(lambda: settings().sign_in_rate)
@auth("staff", "console.enter")
def set_password() -> ResponseReturnValue:
    """Set a password; all other sessions of the account end."""
    instant, here = clock.now(), g.console_session
    as_before = {"method": here.method, "proved": here.proved_at is not None, "device": here.device}
    try:
        _check_current()
        if request.form.get("password") != request.form.get("again"):
            raise InvalidInput("The two passwords differ.", errors={"again": ["The two passwords differ."]})
        with transaction():
            service.set_password(g.account, request.form.get("password", ""), now=instant, actor=actor())
            token = service.start_session(g.account, now=instant, **as_before)
    except Problem as problem:
        return _profile(problem)
    session.pop(BY_LINK, None)
    return with_session(
        done(_("Your password is set. Other browsers are signed out."), "accounts.profile"), token
    )


def _sign_in_again(problem: Problem, target: str, email: str) -> ResponseReturnValue:
    return page("accounts/sign_in.html", problem=problem, next=target, email=email, **other_ways())


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
