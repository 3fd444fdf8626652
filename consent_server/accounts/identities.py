"""Whose account it is that the organisation's sign-in vouches for."""

from datetime import datetime
from http import HTTPStatus

from sqlalchemy import select

from consent_server.accounts import invitations
from consent_server.accounts.models import Account, ExternalIdentity
from consent_server.accounts.oidc import Person
from consent_server.accounts.service import account_by_email, actor_of
from consent_server.audit import service as audit
from consent_server.db import db
from consent_server.problems import Problem


class NotInvited(Problem):
    slug, status = "not-invited", HTTPStatus.FORBIDDEN
    title = "Nobody has invited you to this console"


def account_of(person: Person, *, now: datetime) -> Account:
    """Return the account that this person has, or gets by an invitation to a verified address.

    The provider's own name for the person decides; an address only ties the two together the first time.

    Raises:
        NotInvited: there is neither, or the account is disabled.
    """
    tied = db.session.get(ExternalIdentity, (person.issuer, person.subject))
    if tied is not None:
        account: Account | None = db.session.get_one(Account, tied.account_id)
    else:
        account = _by_address(person, now=now)
    if account is None or account.disabled_at is not None:
        raise NotInvited("Ask an owner to invite the address that the organisation's sign-in knows you by.")
    return account


def _by_address(person: Person, *, now: datetime) -> Account | None:
    if not person.email:
        return None
    account = account_by_email(person.email) or invitations.accept_for(
        person.email, name=person.name, now=now
    )
    if account is None or account.disabled_at is not None:
        return None
    other = select(ExternalIdentity).where(
        ExternalIdentity.account_id == account.id, ExternalIdentity.issuer == person.issuer
    )
    if db.session.scalar(other) is not None:
        return None  # the address has gone to another person: the account stays with the first
    db.session.add(
        ExternalIdentity(issuer=person.issuer, subject=person.subject, account_id=account.id, created_at=now)
    )
    audit.record("accounts.tie_identity", actor=actor_of(account), now=now, target=actor_of(account))
    return account
