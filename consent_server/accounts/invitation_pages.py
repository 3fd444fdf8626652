"""Accepting an invitation: the page behind the link in the mail."""

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from consent_server import clock
from consent_server.accounts import invitations, passwords, service, signing_in
from consent_server.auth import auth
from consent_server.db import transaction
from consent_server.http import settings
from consent_server.problems import InvalidInput, Problem
from consent_server.rate_limit import limiter
from consent_server.screens import page, text

bp = Blueprint("invitation", __name__, url_prefix="/console/invitation")


@bp.get("/<token>")
@auth("public")
def show(token: str) -> ResponseReturnValue:
    """Show the invitation; looking at it does not use it up."""
    return _page(token)


@bp.post("/<token>")
@limiter.limit(lambda: settings().sign_in_rate)
@auth("public")
def accept(token: str) -> ResponseReturnValue:
    """Make the account and sign it in."""
    instant, password = clock.now(), request.form.get("password", "")
    try:
        if password != request.form.get("again"):
            raise InvalidInput("The two passwords differ.", errors={"again": ["The two passwords differ."]})
        with transaction():
            found = invitations.by_token(token, ring=signing_in.ring(), now=instant)
            account = invitations.accept(found, password=password, name=text("name"), now=instant)
    except Problem as problem:
        return _page(token, problem)
    return signing_in.first_step_passed(account, url_for("sites.index"), method="link")


def _page(token: str, problem: Problem | None = None) -> ResponseReturnValue:
    try:
        found = invitations.by_token(token, ring=signing_in.ring(), now=clock.now())
    except invitations.InvitationUsed as used:
        return page("accounts/accept.html", problem=used, invitation=None)
    return page(
        "accounts/accept.html",
        problem=problem,
        invitation=found,
        inviter=service.names_of([found.invited_by]).get(found.invited_by),
        shortest=passwords.SHORTEST,
        provider=signing_in.provider_name(),
    )
