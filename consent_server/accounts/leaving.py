"""People who leave: an account that is disabled opens nothing any more, and what it has done stays under its name."""

from datetime import datetime

from sqlalchemy import delete

from consent_server.accounts.members import LastOwner, owners_of_all
from consent_server.accounts.models import Account, ConsoleSession, KnownDevice, SignInLink
from consent_server.accounts.service import actor_of
from consent_server.audit import service as audit
from consent_server.db import db


def disable(account: Account, *, now: datetime, actor: str) -> None:
    """Disable an account: its sessions and links end at once; roles, approvals and drafts stay as they are.

    Raises:
        LastOwner: nobody would own all sites any more.
    """
    owners = owners_of_all()
    if owners and all(each.account_id == account.id for each in owners):
        raise LastOwner("Make another person the owner of all sites first.")
    account.disabled_at = account.disabled_at or now
    for model in (ConsoleSession, SignInLink, KnownDevice):
        db.session.execute(delete(model).where(model.account_id == account.id))
    audit.record("accounts.disable", actor=actor, now=now, target=actor_of(account))


def enable(account: Account, *, now: datetime, actor: str) -> None:
    """Let a disabled account in again, with the roles that it had."""
    account.disabled_at = None
    audit.record("accounts.enable", actor=actor, now=now, target=actor_of(account))
