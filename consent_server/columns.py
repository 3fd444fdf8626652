"""Kinds of values that statements of the decision path take, as each engine's driver wants them.

PostgreSQL gets them in the binary form of its protocol, which it names by type number (`pg_type.dat`); SQLite keeps
UUIDs as 32 hex digits, and instants as text without a zone, as SQLAlchemy's types read them.
"""

import struct
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from operator import attrgetter
from typing import Any

import orjson

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # PostgreSQL's: microseconds are counted from it
MICROSECOND = timedelta(microseconds=1)

_int4, _int8 = struct.Struct("!i"), struct.Struct("!q")
_array = struct.Struct("!iiiii")  # dimensions, whether any is null, type of the elements, length, lower bound
_NULL = _int4.pack(-1)


@dataclass(frozen=True)
class Kind:
    """One kind of value: PostgreSQL's type number, and how the value is written for each engine."""

    oid: int
    binary: Callable[[Any], bytes]
    sqlite: Callable[[Any], Any]


@dataclass(frozen=True)
class Column(Kind):
    """A list of values: an array on PostgreSQL. `element` writes one of them for SQLite."""

    element: Callable[[Any], Any]


def _same(value: Any) -> Any:
    return value


@lru_cache(maxsize=1_024)  # the decisions of a batch share their instants
def _micros(value: datetime) -> bytes:
    return _int8.pack((value - EPOCH) // MICROSECOND)


def _text(value: datetime) -> str:
    return value.replace(tzinfo=None).isoformat(" ", "microseconds")


def _column(
    oid: int,
    of: int,
    binary: Callable[[Any], bytes],
    sqlite: Callable[[Any], Any] = _same,
    *,
    width: int | None = None,
) -> Column:
    """Return the kind of a list; `width` is the length in bytes of its values where all have the same."""
    length, pack = _int4.pack(width or 0), _int4.pack

    def array(values: Sequence[Any]) -> bytes:
        present = [None if value is None else binary(value) for value in values]
        head = _array.pack(1, 1 if None in present else 0, of, len(present), 1)
        if width and None not in present:
            return head + b"".join([length + body for body in present])  # type: ignore[operator]  # none is None
        return head + b"".join([_NULL if body is None else pack(len(body)) + body for body in present])

    def element(value: Any) -> Any:
        return None if value is None else sqlite(value)

    def listed(values: Sequence[Any]) -> str:
        return orjson.dumps([element(value) for value in values]).decode()  # for `json_each`

    return Column(oid, array, listed, element)


INTEGER = Kind(23, _int4.pack, _same)
BIGINT = Kind(20, _int8.pack, _same)
BIGINTS = _column(1016, 20, _int8.pack, width=8)
TEXTS = _column(1009, 25, str.encode)
BYTES = _column(1001, 17, bytes)
UUIDS = _column(2951, 2950, attrgetter("bytes"), attrgetter("hex"), width=16)
INSTANTS = _column(1185, 1184, _micros, _text, width=8)

_readers: dict[int, Callable[[bytes], Any]] = {
    23: lambda body: _int4.unpack(body)[0],
    20: lambda body: _int8.unpack(body)[0],
    25: bytes.decode,
    1043: bytes.decode,
    17: bytes,
    2950: lambda body: uuid.UUID(bytes=bytes(body)),
    1184: lambda body: EPOCH + timedelta(microseconds=_int8.unpack(body)[0]),
}


def reader(oid: int) -> Callable[[bytes], Any]:
    """Return what reads the values of a PostgreSQL column in binary form, but for nulls.

    Raises:
        KeyError: a type that no statement of the decision path returns.
    """
    return _readers[oid]
