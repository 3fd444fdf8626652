"""Give people roles, at one site or at all, and take them away."""

from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus

from sqlalchemy import ColumnElement, or_, select

from consent_server.accounts.models import Account, Membership
from consent_server.accounts.roles import Role
from consent_server.audit import service as audit
from consent_server.db import db
from consent_server.problems import InvalidInput, NotFound, Problem


class LastOwner(Problem):
    slug, status = "last-owner", HTTPStatus.CONFLICT
    title = "Somebody must remain who owns all sites"


def checked_role(role: str) -> None:
    """Refuse what is no role.

    Raises:
        InvalidInput: there is no such role.
    """
    if role not in list(Role):
        raise InvalidInput("Choose one of the roles.", errors={"role": [role]})


def grant(account: Account, *, role: str, site_id: int | None, now: datetime, actor: str) -> Membership:
    """Give a person a role; one that they have already stays as it is.

    Args:
        account: the person.
        role: a value of `Role`.
        site_id: the site, or None for all, present and future.
        now: the instant of the action.
        actor: who gives it.

    Raises:
        InvalidInput: there is no such role.
    """
    checked_role(role)
    standing = db.session.scalar(
        select(Membership).where(
            Membership.account_id == account.id, Membership.role == role, _at_exactly(site_id)
        )
    )
    if standing is not None:
        return standing
    made = Membership(
        account_id=account.id, account=account, site_id=site_id, role=role, granted_at=now, granted_by=actor
    )
    db.session.add(made)
    db.session.flush()
    _audit("accounts.grant_role", made, actor=actor, now=now)
    return made


def revoke(membership: Membership, *, now: datetime, actor: str) -> None:
    """Take a role away.

    Raises:
        LastOwner: nobody would own all sites any more.
    """
    owns_all = membership.role == Role.OWNER and membership.site_id is None
    if owns_all and all(each.id == membership.id for each in owners_of_all()):
        raise LastOwner("Make another person the owner of all sites first.")
    _audit("accounts.revoke_role", membership, actor=actor, now=now)
    db.session.delete(membership)
    db.session.flush()


def owners_of_all() -> Sequence[Membership]:
    """Return the roles by which people own all sites whose account is not disabled.

    They are locked until the transaction ends, so that of two owners who remove each other one remains.
    """
    return db.session.scalars(
        select(Membership)
        .join(Account)
        .where(Membership.role == Role.OWNER, Membership.site_id.is_(None), Account.disabled_at.is_(None))
        .with_for_update(of=Membership)
    ).all()


def memberships_of(account_id: int, site_id: int | None = None) -> Sequence[Membership]:
    """Return a person's roles at a site, those at all sites included; without a site these alone."""
    return db.session.scalars(
        select(Membership).where(Membership.account_id == account_id, _at(site_id))
    ).all()


def site_ids_of(account_id: int) -> frozenset[int] | None:
    """Return the sites at which a person has a role; None means all."""
    found = frozenset(
        db.session.scalars(select(Membership.site_id).where(Membership.account_id == account_id))
    )
    return None if None in found else frozenset(each for each in found if each is not None)


def people_of(site_id: int | None) -> Sequence[Membership]:
    """Return all roles at a site by person, those at all sites included; without a site these alone."""
    return db.session.scalars(
        select(Membership).join(Account).where(_at(site_id)).order_by(Account.email, Membership.id)
    ).all()


def with_role(site_id: int, *roles: Role) -> list[Account]:
    """Return the people who have one of these roles at a site and whose account is not disabled."""
    found = {
        each.account.id: each.account
        for each in people_of(site_id)
        if each.role in roles and each.account.disabled_at is None
    }
    return list(found.values())


def membership_at(site_id: int, membership_id: int) -> Membership:
    """Return a role that counts at this site.

    Raises:
        NotFound: there is none with this id.
    """
    found = db.session.get(Membership, membership_id)
    if found is None or found.site_id not in (None, site_id):
        raise NotFound("The site's page of people lists the roles.")
    return found


def account_at(site_id: int, account_id: int) -> Account:
    """Return the account of somebody who has a role that counts at this site.

    Raises:
        NotFound: there is none with this id.
    """
    found = next((each.account for each in memberships_of(account_id, site_id)), None)
    if found is None:
        raise NotFound("The site's page of people lists those who have a role.")
    return found


def _at(site_id: int | None) -> ColumnElement[bool]:
    return or_(Membership.site_id.is_(None), _at_exactly(site_id))


def _at_exactly(site_id: int | None) -> ColumnElement[bool]:
    return Membership.site_id.is_(None) if site_id is None else Membership.site_id == site_id


def _audit(action: str, membership: Membership, *, actor: str, now: datetime) -> None:
    audit.record(
        action,
        actor=actor,
        now=now,
        site_id=membership.site_id,
        target=f"account:{membership.account_id}",
        role=membership.role,
    )
