"""Bring facets and daily counts up to the log's end, a few thousand receipts a transaction.

The mark moves in the transaction that writes what lies before it, and its row is locked meanwhile: whenever the work is
interrupted it goes on where it stopped, and no receipt counts twice, however many processes try.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, func, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from consent_server.bulk import Line, Sql, instant_of
from consent_server.columns import BIGINT, INTEGER
from consent_server.db import db, is_sqlite
from consent_server.evidence.facets import DECISION, WIDTH, pack, unpack
from consent_server.evidence.kinds import ERASED, Kind, Kinds
from consent_server.evidence.models import DayCount, Facet, FacetMark
from consent_server.jobs.giving_way import give_way
from consent_server.ledger.models import Log

BATCH, SLICE = 2_048, 256  # receipts a transaction, and at a time
_kinds = Kinds()
CountKey = tuple[date, str, str, str, str, str]  # day, version, language, layer, purpose, choice
_RECEIPTS = Sql(
    "SELECT idx, CASE WHEN visitor_id IS NULL THEN 0 ELSE 1 END, issued_at, payload FROM receipt"
    " WHERE site_id = :site_id AND epoch = :epoch AND idx >= :start AND idx < :end ORDER BY idx",
    site_id=INTEGER,
    epoch=INTEGER,
    start=BIGINT,
    end=BIGINT,
)


@dataclass
class Found:
    """The members of one facet in one block, and the instants between which they were issued."""

    first_at: datetime
    last_at: datetime
    members: int = 0  # bit n stands for index n of the block

    def add(self, members: int, first_at: datetime, last_at: datetime) -> None:
        """Take in more members."""
        self.members |= members
        self.first_at, self.last_at = min(self.first_at, first_at), max(self.last_at, last_at)


@dataclass
class Read:
    """What a run over receipts found: facets by (name, block), and counts."""

    facets: dict[tuple[str, int], Found] = field(default_factory=dict)
    counts: Counter[CountKey] = field(default_factory=Counter)


def behind() -> Sequence[tuple[int, int]]:
    """Return the logs, as (site, epoch), that have receipts behind their mark."""
    rows = db.session.execute(
        select(Log.site_id, Log.epoch)
        .outerjoin(FacetMark, and_(FacetMark.site_id == Log.site_id, FacetMark.epoch == Log.epoch))
        .where(Log.size > func.coalesce(FacetMark.upto, 0))
        .order_by(Log.site_id, Log.epoch)
    )
    return [(row.site_id, row.epoch) for row in rows]


def marks(site_id: int) -> dict[int, int]:
    """Return for each epoch of a site's log the index before which everything has been read."""
    rows = db.session.execute(select(FacetMark.epoch, FacetMark.upto).where(FacetMark.site_id == site_id))
    return {row.epoch: row.upto for row in rows}


def project(site_id: int, epoch: int, *, limit: int = BATCH) -> int:
    """Read the next receipts of a log in the caller's transaction; return how many entries there were, 0 at the end."""
    mark = _locked_mark(site_id, epoch)
    begun, alike = mark.upto, Alike()
    for rows in _slices(site_id, epoch, begun, begun + limit):
        alike.take_in(rows)
        mark.upto = rows[-1][0] + 1
        give_way()
    if mark.upto == begun:
        return 0
    read = alike.read()
    _add_facets(site_id, epoch, read.facets)
    _add_counts(site_id, read.counts)
    db.session.flush()
    return mark.upto - begun


def forget(site_id: int, epoch: int, indexes: Sequence[int]) -> None:
    """Take erased receipts out of every facet but that of all decisions; what was chosen is then told nowhere.

    The counts stay: they are sums over many and tell of nobody.
    """
    _locked_mark(site_id, epoch)
    gone: dict[int, int] = {}
    for idx in indexes:
        gone[idx // WIDTH] = gone.get(idx // WIDTH, 0) | 1 << idx % WIDTH
    rows = db.session.scalars(
        select(Facet).where(
            Facet.site_id == site_id,
            Facet.epoch == epoch,
            Facet.block.in_(gone),
            Facet.name != DECISION,
        )
    )
    for row in rows.all():
        left = unpack(row.members) & ~gone[row.block]
        if left:
            row.members = pack(left)
        else:
            db.session.delete(row)
    db.session.flush()


def _locked_mark(site_id: int, epoch: int) -> FacetMark:
    insert = sqlite_insert if is_sqlite() else postgresql_insert
    db.session.execute(
        insert(FacetMark)
        .values(site_id=site_id, epoch=epoch, upto=0)
        .on_conflict_do_nothing(index_elements=["site_id", "epoch"])
    )
    return db.session.get_one(FacetMark, (site_id, epoch), with_for_update=True, populate_existing=True)


def _slices(site_id: int, epoch: int, start: int, end: int) -> Iterator[list[Any]]:
    """Yield the receipts of a log from `start` to before `end`, as far as there are, some at a time."""
    line = Line()
    line.plan_for(start)
    for at in range(start, end, SLICE):
        rows = line.ask(_RECEIPTS, site_id=site_id, epoch=epoch, start=at, end=min(at + SLICE, end))()
        if rows:
            yield rows
        if len(rows) < SLICE:
            return


class Alike:
    """Receipts by kind, block and day, each with its place in its block and its instant."""

    def __init__(self) -> None:
        self._found: dict[tuple[Kind, int, date], list[tuple[int, datetime]]] = {}

    def take_in(self, rows: Sequence[Any]) -> None:
        """Sort in rows of `_RECEIPTS`."""
        for idx, visited, issued_at, packed in rows:
            if not visited and packed is not None:
                continue  # a leaf about something else
            kind, at = ERASED if packed is None else _kinds.of(packed), instant_of(issued_at)
            self._found.setdefault((kind, idx // WIDTH, at.date()), []).append((idx % WIDTH, at))

    def read(self) -> Read:
        """Return what the receipts have, seen once for all of one kind, block and day."""
        read = Read()
        for (kind, block, day), members in self._found.items():
            alike = _together(members)
            for name in kind.facets:
                found = read.facets.setdefault((name, block), Found(alike.first_at, alike.last_at))
                found.add(alike.members, alike.first_at, alike.last_at)
            for counted in kind.counts:
                read.counts[day, *counted] += len(members)
        return read


def _together(members: Sequence[tuple[int, datetime]]) -> Found:
    bits = bytearray(WIDTH // 8)
    for number, _ in members:
        bits[number >> 3] |= 1 << (number & 7)
    instants = [at for _, at in members]
    return Found(min(instants), max(instants), int.from_bytes(bits, "little"))


def _add_facets(site_id: int, epoch: int, facets: Mapping[tuple[str, int], Found]) -> None:
    blocks = {block for _, block in facets}
    there = db.session.scalars(
        select(Facet).where(Facet.site_id == site_id, Facet.epoch == epoch, Facet.block.in_(blocks))
    )
    standing = {(row.name, row.block): row for row in there}
    for (name, block), found in facets.items():
        row = standing.get((name, block))
        if row is None:
            row = Facet(site_id=site_id, epoch=epoch, name=name, block=block)
            db.session.add(row)
        else:
            found.add(unpack(row.members), row.first_at, row.last_at)
        row.members, row.first_at, row.last_at = pack(found.members), found.first_at, found.last_at


def _add_counts(site_id: int, counts: Mapping[CountKey, int]) -> None:
    if not counts:
        return
    insert = sqlite_insert if is_sqlite() else postgresql_insert
    names = ("day", "version", "language", "layer", "purpose", "choice")
    statement = insert(DayCount)
    db.session.execute(
        statement.on_conflict_do_update(
            index_elements=["site_id", *names],
            set_={"count": DayCount.count + statement.excluded.count},
        ),
        [
            {"site_id": site_id, **dict(zip(names, key, strict=True)), "count": number}
            for key, number in sorted(counts.items())
        ],
    )


def is_behind(site_id: int) -> bool:
    """Tell whether a site's receipts are not all read yet."""
    return (
        db.session.scalar(
            select(
                select(Log)
                .outerjoin(FacetMark, and_(FacetMark.site_id == Log.site_id, FacetMark.epoch == Log.epoch))
                .where(Log.site_id == site_id, Log.size > func.coalesce(FacetMark.upto, 0))
                .exists()
            )
        )
        is True
    )
