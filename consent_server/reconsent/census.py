"""Count how many of a site's consent records say the same, so that a rule can be tried on all of them at once.

Few different answers stand behind many records: what the re-consent rule reads of a record is the version, and for each
purpose the choice, its version, who gave it and whether it has expired. A small site is counted while a page waits; a large
one by a job, batch by batch, whose result every page then reads.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from consent_server import clock
from consent_server.consents.facts import ConsentState, Entry
from consent_server.consents.models import ConsentRecord
from consent_server.db import db
from consent_server.jobs import service as jobs
from consent_server.jobs.models import Job
from consent_server.reconsent.models import Census

COUNT = "reconsent.count"
BATCH = 2_000
SMALL = 10_000  # records that a page counts while it waits: a fraction of a second
_EVER = 2**53 - 1  # the last instant that both languages of the rule can name, in milliseconds
Alike = tuple[Any, ...]  # what makes records one group
Place = tuple[str, str]  # kind and holder of the record where a batch ended


@dataclass(frozen=True)
class Group:
    """Records that say the same: the kind of their holders, the language of their last decision, and how many."""

    kind: str
    language: str
    state: ConsentState
    count: int


@dataclass(frozen=True)
class Counted:
    """All records of a site in groups, as of an instant. What expired later still counts as it was then."""

    taken_at: datetime
    records: int
    groups: tuple[Group, ...]


def counted(site_id: int, *, now: datetime) -> Counted | None:
    """Return the site's groups: of a small site counted now, of a large one as the last job found them, if one has."""
    if is_small(site_id):
        found: Counter[Alike] = Counter()
        place: Place | None = ("", "")
        while place is not None:
            place, _seen = add_batch(found, site_id, place, now=now)
        return Counted(now, found.total(), _groups([*alike, n] for alike, n in found.items()))
    kept = db.session.get(Census, site_id)
    return None if kept is None else Counted(kept.taken_at, kept.records, _groups(kept.tally))


def is_small(site_id: int) -> bool:
    """Return whether a page can count the site's records itself."""
    some = select(ConsentRecord.site_id).where(ConsentRecord.site_id == site_id).limit(SMALL + 1)
    return (db.session.scalar(select(func.count()).select_from(some.subquery())) or 0) <= SMALL


def ask_count(site_id: int, *, now: datetime) -> Job:
    """Have a job count the site, unless one is about to."""
    newest = jobs.newest(site_id=site_id, name=COUNT, limit=1)
    if newest and newest[0].state in ("queued", "running"):
        return newest[0]
    return jobs.enqueue(COUNT, {"site_id": site_id}, now=now, site_id=site_id)


def add_batch(
    found: Counter[Alike], site_id: int, after: Place, *, now: datetime
) -> tuple[Place | None, int]:
    """Count the records that follow a place; return where to go on (None at the end) and how many they were."""
    kind, holder = after
    rows = db.session.execute(
        select(ConsentRecord.holder_kind, ConsentRecord.holder, ConsentRecord.language, ConsentRecord.state)
        .where(
            ConsentRecord.site_id == site_id,
            (ConsentRecord.holder_kind > kind)
            | ((ConsentRecord.holder_kind == kind) & (ConsentRecord.holder > holder)),
        )
        .order_by(ConsentRecord.holder_kind, ConsentRecord.holder)
        .limit(BATCH)
    ).all()
    ms = clock.to_ms(now)
    found.update(_alike(row.holder_kind, row.language, row.state, ms) for row in rows)
    return ((rows[-1].holder_kind, rows[-1].holder) if len(rows) == BATCH else None), len(rows)


def keep(site_id: int, found: Counter[Alike], *, taken_at: datetime) -> None:
    """Store what a job has counted, in place of what was counted before."""
    row = db.session.get(Census, site_id)
    if row is None:
        row = Census(site_id=site_id)
        db.session.add(row)
    row.taken_at, row.records = taken_at, found.total()
    row.tally = [[*alike, n] for alike, n in found.items()]
    db.session.flush()


def _alike(kind: str, language: str, state: dict[str, Any], ms: int) -> Alike:
    entries = tuple(
        (key, entry["choice"], entry["version"], entry["by"], ms >= entry["until"])
        for key, entry in state["purposes"].items()
    )
    return kind, language, state["version"], entries


def _groups(rows: Iterable[list[Any]]) -> tuple[Group, ...]:
    return tuple(
        Group(kind, language, _state(version, entries), n) for kind, language, version, entries, n in rows
    )


def _state(version: str, entries: Iterable[Any]) -> ConsentState:
    """Return a state that the rule judges as it judges those of the group."""
    return ConsentState(
        version,
        {
            key: Entry(choice, since, 0, 0 if expired else _EVER, by)
            for key, choice, since, by, expired in entries
        },
    )
