"""Write and read the audit log."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select

from consent_server.audit.models import AuditEvent
from consent_server.db import db

BATCH = 1_000  # rows a statement


@dataclass(frozen=True)
class Filter:
    """What to look for; what is None does not matter. `since` is inclusive, `before` is not.

    `action` is one, as in `policies.publish`, or a slice with all its actions; `target` is one, as in `account:7`, or a kind
    with all its targets. Neither is a pattern.
    """

    site_id: int | None = None
    action: str | None = None
    actor: str | None = None
    target: str | None = None
    since: datetime | None = None
    before: datetime | None = None

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        """What a row must fulfil."""
        found: list[ColumnElement[bool]] = []
        if self.site_id is not None:
            found.append(AuditEvent.site_id == self.site_id)
        if self.action is not None:
            found.append(_is_or_begins(AuditEvent.action, self.action, "."))
        if self.actor is not None:
            found.append(AuditEvent.actor == self.actor)
        if self.target is not None:
            found.append(_is_or_begins(AuditEvent.target, self.target, ":"))
        if self.since is not None:
            found.append(AuditEvent.at >= self.since)
        if self.before is not None:
            found.append(AuditEvent.at < self.before)
        return found


def record(
    action: str, *, actor: str, now: datetime, site_id: int | None = None, target: str = "", **detail: Any
) -> AuditEvent:
    """Add one row in the caller's transaction, so that action and row stand or fall together."""
    event = AuditEvent(at=now, actor=actor, action=action, site_id=site_id, target=target, detail=detail)
    db.session.add(event)
    db.session.flush()
    return event


def newest(wanted: Filter, *, older_than: int | None = None, limit: int = 50) -> Sequence[AuditEvent]:
    """Return the newest rows that fit, newest first; `older_than` is the id that a page ended with."""
    query = select(AuditEvent).where(*wanted.conditions).order_by(AuditEvent.id.desc()).limit(limit)
    if older_than is not None:
        query = query.where(AuditEvent.id < older_than)
    return db.session.scalars(query).all()


def all_events(wanted: Filter) -> Iterator[Sequence[AuditEvent]]:
    """Yield all rows that fit, newest first, a batch at a time."""
    last: int | None = None
    while batch := newest(wanted, older_than=last, limit=BATCH):
        yield batch
        last = batch[-1].id


def count(wanted: Filter) -> int:
    """Return how many rows fit."""
    return db.session.scalar(select(func.count()).select_from(AuditEvent).where(*wanted.conditions)) or 0


def actors(site_id: int | None) -> Sequence[str]:
    """Return everybody who ever did something at a site, or without one anywhere."""
    return db.session.scalars(
        select(AuditEvent.actor).where(*Filter(site_id).conditions).distinct().order_by(AuditEvent.actor)
    ).all()


def _is_or_begins(column: Any, given: str, mark: str) -> ColumnElement[bool]:
    return or_(column == given, column.startswith(given + mark, autoescape=True))
