"""The people of a site: who has which role, since when, and who is invited."""

from typing import Any

from flask import Blueprint, g, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from consent_server import clock, labels, mail
from consent_server.accounts import invitations, leaving, members
from consent_server.accounts.access import actor
from consent_server.accounts.models import Account
from consent_server.accounts.roles import may
from consent_server.accounts.service import EmailTaken, account_by_email, names_of
from consent_server.accounts.signing_in import ring
from consent_server.accounts.step_up import proven
from consent_server.auth import auth
from consent_server.db import transaction
from consent_server.http import public_url, settings
from consent_server.i18n import LANGUAGES
from consent_server.problems import InvalidInput, Problem
from consent_server.screens import confirm, done, page, text
from consent_server.sites.access import RoleForbidden
from consent_server.sites.models import Site
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
            role, site_id = _role_and_place(site_key, field="role")
            account = account_by_email(text("email"))
            if account is None:
                raise InvalidInput(
                    "Look at the marked fields.",
                    errors={"email": _("There is no account with this address.")},
                )
            members.grant(account, role=role, site_id=site_id, now=clock.now(), actor=actor())
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


@bp.get("/accounts/<int:account_id>/disable")
@auth("staff", "people.manage")
def ask_disable(site_key: str, account_id: int) -> ResponseReturnValue:
    """Ask whether somebody shall be shut out."""
    site, account = _person(site_key, account_id)
    return confirm(
        title=_("Disable the account of %(name)s?", name=account.name),
        text=_(
            "%(email)s is signed out everywhere at once and can no longer sign in, at this site or any other. Roles, "
            "approvals and drafts stay, under this name. The account can be enabled again.",
            email=account.email,
        ),
        button=_("Disable the account"),
        back=url_for("people.index", site_key=site_key),
        site=site,
        active="people",
    )


@bp.post("/accounts/<int:account_id>/disable")
@proven
@auth("staff", "people.manage")
def disable(site_key: str, account_id: int) -> ResponseReturnValue:
    """Shut somebody out of all sites at once."""
    try:
        with transaction():
            _site, account = _person(site_key, account_id)
            leaving.disable(account, now=clock.now(), actor=actor())
    except members.LastOwner as problem:
        return _page(site_key, problem=problem)
    return done(_("The account is disabled."), "people.index", site_key=site_key)


@bp.get("/accounts/<int:account_id>/enable")
@auth("staff", "people.manage")
def ask_enable(site_key: str, account_id: int) -> ResponseReturnValue:
    """Ask whether somebody shall be let in again."""
    site, account = _person(site_key, account_id)
    return confirm(
        title=_("Enable the account of %(name)s?", name=account.name),
        text=_(
            "%(email)s can sign in again, with the roles that the account has, at this site and any other.",
            email=account.email,
        ),
        button=_("Enable the account"),
        back=url_for("people.index", site_key=site_key),
        site=site,
        active="people",
    )


@bp.post("/accounts/<int:account_id>/enable")
@proven
@auth("staff", "people.manage")
def enable(site_key: str, account_id: int) -> ResponseReturnValue:
    """Let somebody in again."""
    with transaction():
        _site, account = _person(site_key, account_id)
        leaving.enable(account, now=clock.now(), actor=actor())
    return done(_("The account is enabled."), "people.index", site_key=site_key)


@bp.post("/invitations")
@proven
@auth("staff", "people.manage")
def invite(site_key: str) -> ResponseReturnValue:
    """Invite somebody who has no account yet, and show the link, this once."""
    try:
        with transaction():
            role, site_id = _role_and_place(site_key, field="invited_role")
            made = invitations.invite(
                email=text("invited"),
                name=text("name"),
                language=text("language") if text("language") in LANGUAGES else "en",
                role=role,
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


def _role_and_place(site_key: str, *, field: str) -> tuple[str, int | None]:
    """Return the role that a form names, and the id of the site where it is to hold, None for all.

    Raises:
        RoleForbidden: the person does not own all sites, and names them.
        InvalidInput: there is no such role; the message stands at `field`.
    """
    site_id: int | None = site_by_key(site_key).id
    if text("where") == "all":
        _check_everywhere()
        site_id = None
    if text("role") not in labels.ROLE:
        raise InvalidInput("Look at the marked fields.", errors={field: _("Choose one.")})
    return text("role"), site_id


def _person(site_key: str, account_id: int) -> tuple[Site, Account]:
    """Return a site and somebody who has a role there, for an owner of all sites: an account is good at all of them.

    Raises:
        RoleForbidden: the person owns some sites only.
        NotFound: nobody of this id has a role there.
    """
    _check_everywhere()
    site = site_by_key(site_key)
    return site, members.account_at(site.id, account_id)


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
