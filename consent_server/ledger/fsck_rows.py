"""fsck, part one: each row of a log against its own payload, and blank rows against the erase leaves.

The payload's bytes are the truth: the stored hash and the other columns are compared with them, never used in their
stead. Only of a blanked row nothing else is left than its hash; that one the tree above vouches for.
"""

import hashlib
import uuid
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, select
from sqlalchemy.exc import OperationalError

from consent_server.ledger.integrate import LogName
from consent_server.ledger.leaf_rules import DECISION, instant
from consent_server.ledger.models import Receipt

PAGE = 2_048
HIGHEST = 2**63 - 1
_UNREADABLE = (ValueError, TypeError, OperationalError)
_COLUMNS = (
    Receipt.idx,
    Receipt.receipt_id,
    Receipt.kid,
    Receipt.visitor_id,
    Receipt.issued_at,
    Receipt.entry,
    Receipt.payload,
)


class Row(NamedTuple):
    """A receipt's columns."""

    idx: int
    receipt_id: uuid.UUID
    kid: str
    visitor_id: uuid.UUID | None
    issued_at: datetime
    entry: bytes
    payload: bytes | None


Page = list[tuple[int, Row | None]]


def rows(connection: Connection, log: LogName) -> Iterator[Page]:
    """Return a log's rows by index, a page at a time; a row with a value that its type does not have is None."""
    after: int | None = None
    while True:
        try:
            page: Page = [(row[0], Row(*row)) for row in _page(connection, log, _COLUMNS, after, PAGE)]
        except _UNREADABLE:
            page = _one_by_one(connection, log, after)
        if not page:
            return
        yield page
        after = page[-1][0]


def _page(connection: Connection, log: LogName, columns: Any, after: int | None, count: int) -> Any:
    query = select(*columns).where(Receipt.site_id == log.site_id, Receipt.epoch == log.epoch)
    if after is not None:
        query = query.where(Receipt.idx > after)
    return connection.execute(query.order_by(Receipt.idx).limit(count)).all()


def _one_by_one(connection: Connection, log: LogName, after: int | None) -> Page:
    page: Page = []
    for (idx,) in _page(connection, log, [Receipt.idx], after, PAGE):
        try:
            row = Row(*_page(connection, log, _COLUMNS, after, 1)[0])
        except _UNREADABLE:
            page.append((idx, None))
        else:
            page.append((idx, row))
        after = idx
    return page


def claims_of(payload: bytes | None) -> Mapping[str, Any] | None:
    """Return a payload's members, or None if it is not a JSON object."""
    try:
        claims = orjson.loads(payload or b"")
    except orjson.JSONDecodeError:
        return None
    return claims if isinstance(claims, dict) else None


def contradictions(row: Row, claims: Mapping[str, Any] | None, kids: Collection[str]) -> Iterator[str]:
    """Return what in a row contradicts its payload, or what cannot be."""
    if row.kid not in kids:
        yield f"it names key {row.kid}, which this server does not have"
    if row.payload is None and row.visitor_id is not None:
        yield "its payload was blanked, but it still names a visitor"
    if row.payload is None:
        return
    if hashlib.sha256(row.payload).digest() != row.entry:
        yield "the stored hash is not the payload's"
    yield from _columns(row, claims) if claims is not None else ("the payload is not a JSON object",)


def _columns(row: Row, claims: Mapping[str, Any]) -> Iterator[str]:
    stated = (
        ("receipt_id", claims.get("receipt_id"), _text(row.receipt_id)),
        ("visitor_id", claims.get("visitor_id"), _text(row.visitor_id)),
        ("issued_at", instant(claims.get("issued_at")), row.issued_at),
    )
    for name, said, value in stated:
        if said != value and (name in claims or claims.get("schema") == DECISION):
            yield f"column {name} is not what the payload says"


def _text(value: uuid.UUID | None) -> str | None:
    return None if value is None else str(value)


class Bits:
    """A set of small whole numbers, one bit each: ten million leaves take a megabyte."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def add(self, number: int) -> None:
        """Put a number in."""
        if number >> 3 >= len(self._bytes):
            self._bytes.extend(bytes((number >> 3) + 1 - len(self._bytes)))
        self._bytes[number >> 3] |= 1 << (number & 7)

    def without(self, other: "Bits") -> Iterator[int]:
        """Return the numbers that are not in the other set, ascending."""
        for place, byte in enumerate(self._bytes):
            left = byte & ~(other._bytes[place] if place < len(other._bytes) else 0)
            yield from (place * 8 + bit for bit in range(8) if left >> bit & 1)


@dataclass
class Erasures:
    """Of one site's log of one epoch: which rows are blank, and which of them an erase leaf names."""

    size: int
    blank: Bits = field(default_factory=Bits)
    named: Bits = field(default_factory=Bits)

    def name(self, indexes: Any) -> bool:
        """Take an erase leaf's indexes; False if it is not a list of indexes of this log."""
        if not isinstance(indexes, list):
            return False
        good = [index for index in indexes if type(index) is int and 0 <= index < self.size]
        for index in good:
            self.named.add(index)
        return len(good) == len(indexes)
