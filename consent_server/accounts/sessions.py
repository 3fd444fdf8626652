"""The browsers in which an account is signed in: list them, end one, end all others."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from consent_server.accounts.models import Account, ConsoleSession
from consent_server.accounts.service import actor_of
from consent_server.audit import service as audit
from consent_server.db import db
from consent_server.problems import NotFound

BROWSERS = (("Edge", r"Edg\w*/"), ("Opera", r"OPR/"), ("Firefox", r"Firefox/|FxiOS/"), ("Chrome", r"Chrom\w+/|CriOS/"),
            ("Safari", r"Safari/"))  # fmt: skip
SYSTEMS = (("Android", r"Android"), ("iOS", r"iPhone|iPad"), ("Windows", r"Windows"), ("macOS", r"Mac OS X"),
           ("Linux", r"Linux"))  # fmt: skip


@dataclass(frozen=True)
class OpenSession:
    """A signed-in browser as its owner sees it; `handle` names it in addresses and opens nothing."""

    handle: str
    device: str
    method: str
    created_at: datetime
    seen_at: datetime
    is_this: bool


def device_of(user_agent: str) -> str:
    """Return browser and system in two words, as in `Firefox, Windows`; the rest of the header is not kept."""
    named = (
        next((name for name, mark in table if re.search(mark, user_agent)), "")
        for table in (BROWSERS, SYSTEMS)
    )
    return ", ".join(name for name in named if name)


def sessions_of(
    account: Account, *, this: ConsoleSession, now: datetime, idle: timedelta
) -> list[OpenSession]:
    """Return the living sessions, the last used first."""
    return [
        OpenSession(
            handle_of(row), row.device, row.method, row.created_at, row.seen_at, row.digest == this.digest
        )
        for row in _rows(account)
        if now - row.seen_at <= idle
    ]


def end_one(account: Account, handle: str, *, now: datetime, actor: str) -> None:
    """End a session of this account.

    Raises:
        NotFound: it has none of this handle.
    """
    for row in _rows(account):
        if handle_of(row) == handle:
            db.session.delete(row)
            audit.record("accounts.end_session", actor=actor, now=now, target=actor_of(account))
            return
    raise NotFound("The session has ended already.")


def end_others(account: Account, *, this: ConsoleSession, now: datetime, actor: str) -> int:
    """End all sessions of the account but this one and return how many."""
    others = [row for row in _rows(account) if row.digest != this.digest]
    for row in others:
        db.session.delete(row)
    audit.record(
        "accounts.end_other_sessions", actor=actor, now=now, target=actor_of(account), ended=len(others)
    )
    return len(others)


def handle_of(row: ConsoleSession) -> str:
    """Return the name of a session in addresses: a hash of a hash of its token."""
    return hashlib.sha256(row.digest).hexdigest()[:24]


def _rows(account: Account) -> Sequence[ConsoleSession]:
    query = select(ConsoleSession).where(ConsoleSession.account_id == account.id)
    return db.session.scalars(query.order_by(ConsoleSession.seen_at.desc())).all()
