"""Who needs to be asked again: the rule on read, and the flags that lists and campaigns read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from consent_server import clock
from consent_server.consents.facts import ConsentState
from consent_server.consents.models import ConsentRecord
from consent_server.db import db
from consent_server.policies.facts import VersionFacts
from consent_server.policies.published import SiteView
from consent_server.reconsent.rules import Delta, needs_reconsent

BATCH = 500
PREVIEW_BATCH = 2_000
PREVIEW_CAP = 50_000  # records; a page must not take minutes


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


@dataclass(frozen=True)
class Preview:
    """What publishing a version would do, by kind of holder.

    `ask` and `tell` count those who would be asked again, or told only; `already` those among `ask` whom the versions
    published so far ask anyway. `seen` records were looked at; `capped` says that there are more.
    """

    ask: dict[str, int]
    tell: dict[str, int]
    already: dict[str, int]
    seen: int
    capped: bool


def preview(site: SiteView, candidate: VersionFacts, *, now: datetime, cap: int = PREVIEW_CAP) -> Preview:
    """Count whom a version would touch if it were published now. Reads only, in batches, at most `cap` records."""
    found = Preview({}, {}, {}, 0, False)
    known: dict[Any, tuple[bool, bool, bool]] = {}
    ms, seen = clock.to_ms(now), 0
    for kind, data in _states(site.id, cap + 1):
        seen += 1
        if seen > cap:
            return replace(found, seen=cap, capped=True)
        state = ConsentState.from_json(data)
        # Few different answers stand behind many records; each is judged once.
        alike = (
            state.version,
            tuple((k, e.choice, e.version, e.by, ms >= e.until) for k, e in state.purposes.items()),
        )
        if alike not in known:
            after = needs_reconsent(state, (*site.facts, candidate), ms, site.profile)
            before = needs_reconsent(state, site.facts, ms, site.profile)
            known[alike] = (
                bool(after and after.ask),
                bool(after and not after.ask),
                bool(before and before.ask),
            )
        asked, told, was_asked = known[alike]
        for counted, each in ((asked, found.ask), (told, found.tell), (asked and was_asked, found.already)):
            each[kind] = each.get(kind, 0) + counted
    return replace(found, seen=seen)


def _states(site_id: int, limit: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield kind and state of the site's records, a batch a query."""
    after = ("", "")
    while limit > 0:
        rows = db.session.execute(
            select(ConsentRecord.holder_kind, ConsentRecord.holder, ConsentRecord.state)
            .where(
                ConsentRecord.site_id == site_id,
                (ConsentRecord.holder_kind > after[0])
                | ((ConsentRecord.holder_kind == after[0]) & (ConsentRecord.holder > after[1])),
            )
            .order_by(ConsentRecord.holder_kind, ConsentRecord.holder)
            .limit(min(limit, PREVIEW_BATCH))
        ).all()
        yield from ((kind, state) for kind, _, state in rows)
        if len(rows) < min(limit, PREVIEW_BATCH):
            return
        after, limit = (rows[-1][0], rows[-1][1]), limit - len(rows)
