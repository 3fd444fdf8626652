"""Find receipts: newest first, a page at a time, by what a regulator or a visitor may bring, in any combination.

Who brings an id, a visitor or a known user is led by the receipts' own indexes; every other question by the facets. What
no facet covers yet, the receipts of the last seconds, is read one by one. The receipt itself always has the last word.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import islice
from typing import Any

import orjson
from sqlalchemy import ColumnElement, and_, or_, select

from consent_server.consents.subjects import visitors_of
from consent_server.db import db
from consent_server.evidence import facets
from consent_server.evidence.facets import WIDTH
from consent_server.evidence.models import Facet
from consent_server.evidence.projecting import marks
from consent_server.ledger.models import Log, Receipt

PAGE = 25
FIRST_READ, READ = 32, 500  # receipts a statement: the first ones mostly do
FIRST_BLOCKS, BLOCKS = 2, 256  # blocks a statement
MOST_READ = 5_000  # receipts a page; where the last seconds are an import of a million, the next page goes on


@dataclass(frozen=True)
class Filter:
    """What to look for; what is None does not matter. `since` is inclusive, `before` is not.

    `purpose` and `choice` together mean that choice of that purpose; a purpose alone, that it was stated at all; a choice
    alone, that it was made for at least one purpose.
    """

    receipt_id: uuid.UUID | None = None
    visitor_id: uuid.UUID | None = None
    subject: str | None = None
    version: str | None = None
    language: str | None = None
    purpose: str | None = None
    choice: str | None = None
    action: str | None = None
    since: datetime | None = None
    before: datetime | None = None

    @property
    def names_somebody(self) -> bool:
        """Whether an index of the receipts leads to all that can fit."""
        return self.receipt_id is not None or self.visitor_id is not None or self.subject is not None

    @cached_property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """The facets that a receipt must have: one of each group."""
        found: list[tuple[str, ...]] = [(facets.DECISION,)]
        if self.version is not None:
            found.append((facets.version_facet(self.version),))
        if self.language is not None:
            found.append((facets.language_facet(self.language),))
        if self.action is not None:
            found.append((facets.action_facet(self.action),))
        if self.purpose is not None or self.choice is not None:
            choices = ("granted", "denied") if self.choice is None else (self.choice,)
            found.append(tuple(facets.choice_facet(self.purpose or "", each) for each in choices))
        return tuple(found)

    def fits(self, row: Receipt) -> bool:
        """Tell whether a receipt is what is looked for."""
        if row.visitor_id is None and row.payload is not None:
            return False  # a leaf about something else
        if self.since is not None and row.issued_at < self.since:
            return False
        if self.before is not None and row.issued_at >= self.before:
            return False
        claims = None if row.payload is None else orjson.loads(row.payload)
        return self._has_facets(claims)

    def _has_facets(self, claims: Mapping[str, Any] | None) -> bool:
        if claims is not None and not facets.is_decision(claims):
            return False
        if len(self.groups) == 1:
            return True
        there = set(facets.facets_of(claims))
        return all(not there.isdisjoint(group) for group in self.groups)


@dataclass(frozen=True)
class Found:
    """One page of receipts and where the next one begins, or None. `partial`: there was too much to read at once."""

    receipts: Sequence[Receipt]
    next_cursor: str | None
    partial: bool = False


Place = tuple[int, int]  # epoch and index; what is looked for stands before it


def find_receipts(site_id: int, wanted: Filter, *, cursor: str | None = None, limit: int = PAGE) -> Found:
    """Return the site's receipts that fit, newest first. A cursor that is no cursor begins at the newest."""
    found: list[Receipt] = []
    for seen, row in enumerate(_candidates(site_id, wanted, _place(cursor)), 1):
        if wanted.fits(row):
            found.append(row)
        if len(found) > limit:
            return Found(found[:limit], _cursor(found[limit - 1]))
        if seen >= MOST_READ:
            return Found(found, _cursor(row), partial=True)
    return Found(found, None)


def all_receipts(site_id: int, wanted: Filter, *, cursor: str | None = None) -> Iterator[Receipt]:
    """Yield every receipt that fits, newest first; to be read in one go."""
    return (row for row in _candidates(site_id, wanted, _place(cursor)) if wanted.fits(row))


def _candidates(site_id: int, wanted: Filter, place: Place | None) -> Iterator[Receipt]:
    """Yield receipts among which all are that fit, newest first."""
    if wanted.names_somebody:
        yield from _of_somebody(site_id, wanted, place)
        return
    read_upto = marks(site_id)
    logs = db.session.execute(
        select(Log.epoch, Log.size).where(Log.site_id == site_id).order_by(Log.epoch.desc())
    ).all()
    for epoch, size in logs:
        if place is not None and epoch > place[0]:
            continue
        end = min(size, place[1]) if place is not None and epoch == place[0] else size
        upto = min(read_upto.get(epoch, 0), end)
        yield from _unread(site_id, epoch, upto, end)
        yield from _by_facets(site_id, epoch, upto, wanted)


def _of_somebody(site_id: int, wanted: Filter, place: Place | None) -> Iterator[Receipt]:
    conditions = _conditions(site_id, wanted)
    size = FIRST_READ
    while True:
        query = select(Receipt).where(*conditions)
        if place is not None:
            epoch, idx = place
            query = query.where(or_(Receipt.epoch < epoch, and_(Receipt.epoch == epoch, Receipt.idx < idx)))
        rows = db.session.scalars(query.order_by(Receipt.epoch.desc(), Receipt.idx.desc()).limit(size)).all()
        yield from rows
        if len(rows) < size:
            return
        place, size = (rows[-1].epoch, rows[-1].idx), READ


def _conditions(site_id: int, wanted: Filter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [Receipt.site_id == site_id]
    if wanted.receipt_id is not None:
        conditions.append(Receipt.receipt_id == wanted.receipt_id)
    if wanted.visitor_id is not None:
        conditions.append(Receipt.visitor_id == wanted.visitor_id)
    if wanted.subject is not None:
        # Asked apart: a subquery hides from the planner how few they are, and it walks the whole log instead.
        conditions.append(Receipt.visitor_id.in_(visitors_of(site_id, wanted.subject)))
    return conditions


def _unread(site_id: int, epoch: int, start: int, end: int) -> Iterator[Receipt]:
    """Yield what no facet covers yet, from before `end` back to `start`."""
    size = FIRST_READ
    while end > start:
        begin = max(start, end - size)
        yield from db.session.scalars(
            select(Receipt)
            .where(
                Receipt.site_id == site_id, Receipt.epoch == epoch, Receipt.idx >= begin, Receipt.idx < end
            )
            .order_by(Receipt.idx.desc())
        ).all()
        end, size = begin, READ


def _by_facets(site_id: int, epoch: int, end: int, wanted: Filter) -> Iterator[Receipt]:
    """Yield the receipts before index `end` that have the facets."""
    indexes = _indexes(site_id, epoch, end, wanted)
    # A block at an end of the time that is looked for holds more than fits: the database need not send that.
    time = [] if wanted.since is None else [Receipt.issued_at >= wanted.since]
    time += [] if wanted.before is None else [Receipt.issued_at < wanted.before]
    size = FIRST_READ
    while part := list(islice(indexes, size)):
        yield from db.session.scalars(
            select(Receipt)
            .where(Receipt.site_id == site_id, Receipt.epoch == epoch, Receipt.idx.in_(part), *time)
            .order_by(Receipt.idx.desc())
        ).all()
        size = READ


def _indexes(site_id: int, epoch: int, end: int, wanted: Filter) -> Iterator[int]:
    last, blocks = (end - 1) // WIDTH, FIRST_BLOCKS
    while last >= 0:
        first = max(0, last - blocks + 1)
        sets = _sets(site_id, epoch, first, last, wanted)
        for block in sorted(sets, reverse=True):
            members = facets.of_all(wanted.groups, sets[block])
            if (block + 1) * WIDTH > end:
                members &= (1 << end - block * WIDTH) - 1
            yield from (block * WIDTH + place for place in facets.newest_first(members))
        last, blocks = first - 1, BLOCKS


def _sets(site_id: int, epoch: int, first: int, last: int, wanted: Filter) -> dict[int, dict[str, int]]:
    """Return the sets of the wanted facets in these blocks, where they can hold something of the wanted time."""
    query = select(Facet.block, Facet.name, Facet.members).where(
        Facet.site_id == site_id,
        Facet.epoch == epoch,
        Facet.name.in_([name for group in wanted.groups for name in group]),
        Facet.block >= first,
        Facet.block <= last,
    )
    if wanted.since is not None:
        query = query.where(Facet.last_at >= wanted.since)
    if wanted.before is not None:
        query = query.where(Facet.first_at < wanted.before)
    found: dict[int, dict[str, int]] = {}
    for block, name, members in db.session.execute(query):
        found.setdefault(block, {})[name] = facets.unpack(members)
    return found


def _cursor(row: Receipt) -> str:
    return f"{row.epoch}.{row.idx}"


def _place(cursor: str | None) -> Place | None:
    epoch, _, idx = (cursor or "").partition(".")
    if not (epoch.isdecimal() and idx.isdecimal() and len(epoch) < 10 and len(idx) < 19):
        return None
    return int(epoch), int(idx)
