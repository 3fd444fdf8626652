"""Write and read the audit log."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from consent_server.audit.models import AuditEvent
from consent_server.db import db


def record(
    action: str, *, actor: str, now: datetime, site_id: int | None = None, target: str = "", **detail: Any
) -> AuditEvent:
    """Add one row in the caller's transaction, so that action and row stand or fall together."""
    event = AuditEvent(at=now, actor=actor, action=action, site_id=site_id, target=target, detail=detail)
    db.session.add(event)
    db.session.flush()
    return event


def newest(*, site_id: int | None = None, before: int | None = None, limit: int = 50) -> Sequence[AuditEvent]:
    """Return the newest rows first, of one site or of all; `before` is the id that a page ended with."""
    query = select(AuditEvent).order_by(AuditEvent.id.desc()).limit(limit)
    if before is not None:
        query = query.where(AuditEvent.id < before)
    if site_id is not None:
        query = query.where(AuditEvent.site_id == site_id)
    return db.session.scalars(query).all()
