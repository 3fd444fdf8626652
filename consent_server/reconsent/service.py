"""Who needs to be asked again: the rule on read, and the flags that lists and campaigns read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from consent_server import clock
from consent_server.consents.facts import ConsentState
from consent_server.consents.models import ConsentRecord
from consent_server.db import db
from consent_server.policies.published import SiteView
from consent_server.reconsent.rules import Delta, needs_reconsent

BATCH = 500


@dataclass(frozen=True)
class Counts:
    """How many records are flagged, by kind of holder: to be asked again, and to be told only."""

    ask: dict[str, int]
    tell: dict[str, int]
    all: dict[str, int]


def delta_of(site: SiteView, state: ConsentState | None, *, now: datetime) -> Delta | None:
    """Return what a visitor in this state has to be asked or told now. Never reads a flag."""
    return needs_reconsent(state, site.facts, clock.to_ms(now), site.profile)


def flag(site: SiteView, record: ConsentRecord, *, now: datetime) -> None:
    """Set or clear a record's flag by the rule."""
    delta = delta_of(site, ConsentState.from_json(record.state), now=now)
    current = site.current
    if delta is None or current is None:
        record.flag = record.flag_version_id = record.flag_purposes = record.flagged_at = None
        return
    kind = "ask" if delta.ask else "tell"
    if (record.flag, record.flag_version_id, record.flag_purposes) != (kind, current.id, list(delta.ask)):
        record.flag, record.flag_version_id = kind, current.id
        record.flag_purposes, record.flagged_at = list(delta.ask), now


def flag_batch(
    site: SiteView, after: tuple[str, str] | None, *, now: datetime, size: int = BATCH
) -> tuple[tuple[str, str] | None, int]:
    """Evaluate the next records in key order; return where to go on (None at the end) and how many were seen.

    The rows are locked: a decision that comes meanwhile waits, and then clears the flag that it answers.
    """
    query = select(ConsentRecord).where(ConsentRecord.site_id == site.id)
    if after is not None:
        kind, holder = after
        query = query.where(
            (ConsentRecord.holder_kind > kind)
            | ((ConsentRecord.holder_kind == kind) & (ConsentRecord.holder > holder))
        )
    rows = db.session.scalars(
        query.order_by(ConsentRecord.holder_kind, ConsentRecord.holder).limit(size).with_for_update()
    ).all()
    for record in rows:
        flag(site, record, now=now)
    db.session.flush()
    last = (rows[-1].holder_kind, rows[-1].holder) if len(rows) == size else None
    return last, len(rows)


def counts(site_id: int) -> Counts:
    """Count the site's flags."""
    rows = db.session.execute(
        select(ConsentRecord.holder_kind, ConsentRecord.flag, func.count())
        .where(ConsentRecord.site_id == site_id)
        .group_by(ConsentRecord.holder_kind, ConsentRecord.flag)
    ).all()
    found = Counts({}, {}, {})
    for kind, each, number in rows:
        found.all[kind] = found.all.get(kind, 0) + number
        if each is not None:
            (found.ask if each == "ask" else found.tell)[kind] = number
    return found


def flagged(
    site_id: int, *, kind: str = "subject", flag_kind: str = "ask", after: str = "", limit: int = 100
) -> Sequence[ConsentRecord]:
    """Return flagged records in the order of their holders, beginning after one."""
    return db.session.scalars(
        select(ConsentRecord)
        .where(
            ConsentRecord.site_id == site_id,
            ConsentRecord.flag == flag_kind,
            ConsentRecord.holder_kind == kind,
            ConsentRecord.holder > after,
        )
        .order_by(ConsentRecord.holder)
        .limit(limit)
    ).all()
