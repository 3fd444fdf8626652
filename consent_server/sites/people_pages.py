"""The people of a site: who has which role, since when, and who is invited."""

from typing import Any

from flask import Blueprint, g, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from consent_server import clock, labels, mail
from consent_server.accounts import invitations, members
from consent_server.accounts.access import actor
from consent_server.accounts.roles import may
from consent_server.accounts.service import EmailTaken, account_by_email, names_of
from consent_server.accounts.signing_in import ring
from consent_server.accounts.step_up import proven
from consent_server.auth import auth
from consent_server.db import transaction
from consent_server.http import public_url, settings
from consent_server.i18n import LANGUAGES
from consent_server.problems import InvalidInput, Problem
from consent_server.screens import done, page, text
from consent_server.sites.access import RoleForbidden
from consent_server.sites.service import site_by_key, update_site

bp = Blueprint("people", __name__, url_prefix="/console/sites/<site_key>/people")
FOUR_EYES = {"auto": None, "always": True, "never": False}


@bp.get("")
@auth("staff", "people.read")
def index(site_key: str) -> ResponseReturnValue:
    """List who has which role."""
    return _page(site_key)


@bp.post("")
@proven
@auth("staff", "people.manage")
def grant(site_key: str) -> ResponseReturnValue:
    """Give somebody who has an account a role, here or at all sites."""
    try:
        with transaction():
            site_id: int | None = site_by_key(site_key).id
            if text("where") == "all":
                _check_everywhere()
                site_id = None
            account = account_by_email(text("email"))
            if account is None:
                raise InvalidInput(
                    "Look at the marked fields.",
                    errors={"email": _("There is no account with this address.")},
                )
            if text("role") not in labels.ROLE:
                raise InvalidInput("Look at the marked fields.", errors={"role": _("Choose one.")})
            members.grant(account, role=text("role"), site_id=site_id, now=clock.now(), actor=actor())
    except InvalidInput as problem:
        return _page(site_key, problem=problem)
    return done(_("The role is given."), "people.index", site_key=site_key)


@bp.post("/<int:membership_id>/revoke")
@proven
@auth("staff", "people.manage")
def revoke(site_key: str, membership_id: int) -> ResponseReturnValue:
    """Take a role away."""
    try:
        with transaction():
            membership = members.membership_at(site_by_key(site_key).id, membership_id)
            if membership.site_id is None:
                _check_everywhere()
            members.revoke(membership, now=clock.now(), actor=actor())
    except members.LastOwner as problem:
        return _page(site_key, problem=problem)
    return done(_("The role is taken away."), "people.index", site_key=site_key)


@bp.post("/invitations")
@proven
@auth("staff", "people.manage")
def invite(site_key: str) -> ResponseReturnValue:
    """Invite somebody who has no account yet, and show the link, this once."""
    try:
        with transaction():
            site_id: int | None = site_by_key(site_key).id
            if text("where") == "all":
                _check_everywhere()
                site_id = None
            if text("role") not in labels.ROLE:
                raise InvalidInput("Look at the marked fields.", errors={"invited_role": _("Choose one.")})
            made = invitations.invite(
                email=text("invited"),
                name=text("name"),
                language=text("language") if text("language") in LANGUAGES else "en",
                role=text("role"),
                site_id=site_id,
                now=clock.now(),
                actor=actor(),
                mail=_mails(),
            )
            token = invitations.token_of(made, ring=ring())
    except InvalidInput as problem:
        errors = (
            {"invited": _("Write the address as name@host.")} if "email" in problem.extra["errors"] else {}
        )
        return _page(site_key, problem=problem, errors=errors)
    except EmailTaken as problem:
        return _page(site_key, problem=problem)
    return _page(site_key, link=f"{public_url()}{url_for('invitation.show', token=token)}", mailed=_mails())


@bp.post("/invitations/<int:invitation_id>/withdraw")
@proven
@auth("staff", "people.manage")
def withdraw(site_key: str, invitation_id: int) -> ResponseReturnValue:
    """End an invitation before it is used."""
    with transaction():
        found = invitations.invitation_at(site_by_key(site_key).id, invitation_id)
        if found.site_id is None:
            _check_everywhere()
        invitations.withdraw(found, now=clock.now(), actor=actor())
    return done(_("The invitation is withdrawn."), "people.index", site_key=site_key)


def _mails() -> bool:
    """Tell whether this server can mail a link; a job knows the address of the console from the settings only."""
    return mail.is_configured(settings()) and bool(settings().public_url)


@bp.post("/four-eyes")
@auth("staff", "people.manage")
def four_eyes(site_key: str) -> ResponseReturnValue:
    """Say whether a second person approves what the site publishes."""
    with transaction():
        chosen = FOUR_EYES.get(text("four_eyes"))
        update_site(site_by_key(site_key), now=clock.now(), actor=actor(), four_eyes=chosen)
    return done(_("The rule is saved."), "people.index", site_key=site_key)


def _check_everywhere() -> None:
    if not may(g.wide_roles, "people.manage"):
        raise RoleForbidden(roles=["owner"])


def _page(site_key: str, *, problem: Problem | None = None, **shown: Any) -> ResponseReturnValue:
    site = site_by_key(site_key)
    people = members.people_of(site.id)
    return page(
        "people/index.html",
        problem=problem,
        site=site,
        people=people,
        invitations=invitations.open_at(site.id, now=clock.now()),
        mails=_mails(),
        names=names_of({each.granted_by for each in people}),
        four_eyes=next(name for name, value in FOUR_EYES.items() if value is site.four_eyes),
        owns_all=may(g.wide_roles, "people.manage"),
        **shown,
    )
