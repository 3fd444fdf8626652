"""Retention by age: walk a site's log from where the last sweep ended and erase what is due, a page at a time."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import and_, delete, or_, select

from consent_server.audit import service as audit
from consent_server.consents import records
from consent_server.db import db
from consent_server.jobs.models import Job
from consent_server.keys import KeyRing
from consent_server.ledger.append import lock_log
from consent_server.ledger.models import Receipt
from consent_server.policies.published import site_view
from consent_server.retention import people, rules, service
from consent_server.retention.models import RetentionMark
from consent_server.sites.models import Site

PAGE = 500
JOBS_KEPT = timedelta(days=1)  # finished jobs whose arguments name people
Where = tuple[int, int]  # epoch and index


@dataclass(frozen=True)
class Swept:
    """One page of a sweep: where to go on (None at the end), how many were looked at and blanked."""

    after: Where | None
    seen: int
    blanked: int


class Looked(NamedTuple):
    """What the sweep reads of a receipt."""

    epoch: int
    idx: int
    visitor_id: uuid.UUID | None
    payload: bytes | None
    issued_at: datetime


def start(site_id: int) -> Where:
    """Return where a site's sweep begins: before it, nothing personal is left."""
    mark = db.session.get(RetentionMark, site_id)
    return (mark.epoch, mark.idx) if mark else (1, 0)


def sweep_page(site: Site, place: Where, *, ring: KeyRing, now: datetime) -> Swept:
    """Erase what is due among the next receipts, in the caller's transaction."""
    retention, lifetime = timedelta(days=site.retention_days), timedelta(days=site.consent_days)
    newest = rules.horizon(retention=retention, lifetime=lifetime, now=now)
    rows = _page(site.id, place, newest)
    due, standing = [], None
    for row in rows:
        if row.payload is None or row.visitor_id is None:
            continue  # blank already, or a leaf that concerns no person
        if rules.is_due(row.payload, retention=retention, lifetime=lifetime, now=now):
            due.append(service.Place(row.epoch, row.idx, row.visitor_id))
        elif standing is None:
            standing = (row.epoch, row.idx)
    _erase(site, due, ring=ring, now=now)
    after = (rows[-1].epoch, rows[-1].idx + 1) if rows else None
    _move_mark(site.id, place, standing or after)
    return Swept(after if len(rows) == PAGE else None, len(rows), len(due))


def forget_old_jobs(site_id: int, *, now: datetime) -> None:
    """Delete finished jobs whose arguments name visitors or subjects."""
    db.session.execute(
        delete(Job)
        .where(
            Job.site_id == site_id,
            Job.name == records.EVALUATE,
            Job.state == "done",
            Job.finished_at < now - JOBS_KEPT,
        )
        .execution_options(synchronize_session=False)
    )


def _page(site_id: int, place: Where, newest: datetime) -> list[Looked]:
    epoch, idx = place
    found = db.session.execute(
        select(Receipt.epoch, Receipt.idx, Receipt.visitor_id, Receipt.payload, Receipt.issued_at)
        .where(
            Receipt.site_id == site_id,
            or_(Receipt.epoch > epoch, and_(Receipt.epoch == epoch, Receipt.idx >= idx)),
        )
        .order_by(Receipt.epoch, Receipt.idx)
        .limit(PAGE)
    )
    rows = [Looked(*row) for row in found]
    # The index orders, the clock only nearly so; what stands behind a younger receipt waits for the next sweep.
    cut = next((place for place, row in enumerate(rows) if row.issued_at > newest), len(rows))
    return rows[:cut]


def _erase(site: Site, due: Sequence[service.Place], *, ring: KeyRing, now: datetime) -> None:
    if not due:
        return
    log = lock_log(site.id)
    erased = service.blank(site, due, log=log, ring=ring, now=now)
    visitors: list[uuid.UUID] = sorted({each.visitor_id for each in due if each.visitor_id is not None})
    people.settle(site_view(site.key), visitors, now=now)
    audit.record(
        "retention.sweep",
        actor="system",
        now=now,
        site_id=site.id,
        target=site.key,
        receipts=erased.receipts,
        leaves=[f"{epoch}/{idx}" for epoch, idx in erased.leaves],
    )


def _move_mark(site_id: int, place: Where, to: Where | None) -> None:
    """Remember how far everything is done: only a page that begins at the mark can move it."""
    if to is None or to <= place or start(site_id) != place:
        return
    mark = db.session.get(RetentionMark, site_id)
    if mark is None:
        mark = RetentionMark(site_id=site_id)
        db.session.add(mark)
    mark.epoch, mark.idx = to
    db.session.flush()
