"""Invite people by e-mail: one use, an end, and the roles that they get.

A link is signed under a key outside the database and names the invitation's row, so that a stolen dump holds no working
link, and a job can make it anew when it sends the mail.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from http import HTTPStatus

from itsdangerous import BadData
from sqlalchemy import select, update

from consent_server.accounts import members, service
from consent_server.accounts.models import Account, Invitation
from consent_server.audit import service as audit
from consent_server.db import db
from consent_server.jobs import service as jobs
from consent_server.keys import KeyRing
from consent_server.problems import NotFound, Problem

LIFE = timedelta(days=7)
PURPOSE = "invitation"
MAIL = "accounts.mail_invitation"


class InvitationUsed(Problem):
    slug, status = "invitation-used", HTTPStatus.GONE
    title = "This invitation has been used, withdrawn, or has ended"


def invite(
    *,
    email: str,
    name: str,
    language: str,
    role: str,
    site_id: int | None,
    now: datetime,
    actor: str,
    mail: bool,
) -> Invitation:
    """Invite somebody to a role at a site, or at all sites.

    Args:
        email: where the invitation goes, and the account's address.
        name: how the console will call them; may be empty.
        language: of the mail and of the console.
        role: what they may do.
        site_id: where; None for all sites.
        now: the instant of the action.
        actor: who invites.
        mail: whether this server sends the link; without, the inviter hands it over.

    Raises:
        InvalidInput: the address cannot be used, or there is no such role.
        EmailTaken: there is an account with this address; give it the role instead.
    """
    address = service.checked_address(email)
    if service.account_by_email(address) is not None:
        raise service.EmailTaken("Give this account the role instead.")
    members.checked_role(role)
    made = Invitation(
        email=address,
        name=name.strip()[:120],
        language=language,
        role=role,
        site_id=site_id,
        nonce=secrets.token_hex(8),
        invited_by=actor,
        created_at=now,
        expires_at=now + LIFE,
    )
    db.session.add(made)
    db.session.flush()
    audit.record(
        "accounts.invite", actor=actor, now=now, site_id=site_id, target=f"invitation:{made.id}", role=role
    )
    if mail:
        jobs.enqueue(MAIL, {"invitation_id": made.id}, now=now)
    return made


def token_of(invitation: Invitation, *, ring: KeyRing) -> str:
    """Return what the link of an invitation carries."""
    return str(ring.serializer(PURPOSE).dumps([invitation.id, invitation.nonce]))


def by_token(token: str, *, ring: KeyRing, now: datetime) -> Invitation:
    """Return the open invitation of a link.

    Raises:
        InvitationUsed: used, withdrawn, ended, or never made here.
    """
    try:
        number, nonce = ring.serializer(PURPOSE).loads(token)
    except (BadData, ValueError, TypeError):
        number, nonce = 0, ""
    found = db.session.get(Invitation, number)
    if found is None or found.nonce != nonce or not is_open(found, now=now):
        raise InvitationUsed("Ask for a new one.")
    return found


def accept(invitation: Invitation, *, password: str | None, now: datetime, name: str = "") -> Account:
    """Make the account with its role, once.

    Raises:
        InvitationUsed: somebody was faster, or it has ended.
        InvalidInput: the password cannot be used.
        EmailTaken: an account with this address was made meanwhile.
    """
    taken = db.session.execute(
        update(Invitation)
        .where(
            Invitation.id == invitation.id,
            Invitation.used_at.is_(None),
            Invitation.withdrawn_at.is_(None),
            Invitation.expires_at > now,
        )
        .values(used_at=now)
    )
    if taken.rowcount != 1:  # type: ignore[attr-defined]  # an UPDATE's result has it
        raise InvitationUsed("Ask for a new one.")
    account = service.create_account(
        email=invitation.email,
        name=name or invitation.name,
        password=password,
        language=invitation.language,
        now=now,
        actor=invitation.invited_by,
    )
    members.grant(
        account, role=invitation.role, site_id=invitation.site_id, now=now, actor=invitation.invited_by
    )
    audit.record(
        "accounts.accept_invitation",
        actor=service.actor_of(account),
        now=now,
        site_id=invitation.site_id,
        target=f"invitation:{invitation.id}",
    )
    return account


def accept_for(email: str, *, name: str, now: datetime) -> Account | None:
    """Accept the newest open invitation to an address that the organisation's sign-in has verified."""
    query = select(Invitation).where(Invitation.email == email).order_by(Invitation.id.desc())
    found = next((each for each in db.session.scalars(query) if is_open(each, now=now)), None)
    return None if found is None else accept(found, password=None, name=name, now=now)


def withdraw(invitation: Invitation, *, now: datetime, actor: str) -> None:
    """End an invitation; its link is void at once."""
    invitation.withdrawn_at = invitation.withdrawn_at or now
    audit.record(
        "accounts.withdraw_invitation",
        actor=actor,
        now=now,
        site_id=invitation.site_id,
        target=f"invitation:{invitation.id}",
    )


def open_at(site_id: int | None, *, now: datetime) -> Sequence[Invitation]:
    """Return the open invitations to a site, those to all sites included; the newest first."""
    query = select(Invitation).where(Invitation.used_at.is_(None)).order_by(Invitation.id.desc())
    return [
        each
        for each in db.session.scalars(query)
        if each.site_id in (None, site_id) and is_open(each, now=now)
    ]


def invitation_at(site_id: int, invitation_id: int) -> Invitation:
    """Return an invitation that counts at this site.

    Raises:
        NotFound: there is none with this id.
    """
    found = db.session.get(Invitation, invitation_id)
    if found is None or found.site_id not in (None, site_id):
        raise NotFound("The site's page of people lists the invitations.")
    return found


def is_open(invitation: Invitation, *, now: datetime) -> bool:
    """Tell whether an invitation can be accepted."""
    return invitation.used_at is None and invitation.withdrawn_at is None and invitation.expires_at > now
