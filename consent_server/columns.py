"""Kinds of values that statements of the decision path take, as each engine's driver wants them.

PostgreSQL gets them in the binary form of its protocol, which it names by type number (`pg_type.dat`); SQLite keeps
UUIDs as 32 hex digits, and instants as text without a zone, as SQLAlchemy's types read them.
"""

import struct
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
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


def _micros(value: datetime) -> bytes:
    return _int8.pack((value - EPOCH) // MICROSECOND)


def _text(value: datetime) -> str:
    return value.replace(tzinfo=None).isoformat(" ", "microseconds")


def _hex(value: uuid.UUID) -> str:
    return value.hex


def _column(
    oid: int, of: int, binary: Callable[[Any], bytes], sqlite: Callable[[Any], Any] = _same
) -> Column:
    def array(values: Sequence[Any]) -> bytes:
        parts = [_array.pack(1, 1 if None in values else 0, of, len(values), 1)]
        for value in values:
            if value is None:
                parts.append(_NULL)
            else:
                body = binary(value)
                parts += (_int4.pack(len(body)), body)
        return b"".join(parts)

    def element(value: Any) -> Any:
        return None if value is None else sqlite(value)

    def listed(values: Sequence[Any]) -> str:
        return orjson.dumps([element(value) for value in values]).decode()  # for `json_each`

    return Column(oid, array, listed, element)


INTEGER = Kind(23, _int4.pack, _same)
BIGINT = Kind(20, _int8.pack, _same)
BIGINTS = _column(1016, 20, _int8.pack)
TEXTS = _column(1009, 25, str.encode)
BYTES = _column(1001, 17, bytes)
UUIDS = _column(2951, 2950, lambda value: value.bytes, _hex)
INSTANTS = _column(1185, 1184, _micros, _text)

_readers: dict[int, Callable[[bytes], Any]] = {
    23: lambda body: _int4.unpack(body)[0],
    20: lambda body: _int8.unpack(body)[0],
    25: bytes.decode,
    1043: bytes.decode,
    17: bytes,
    2950: lambda body: uuid.UUID(bytes=bytes(body)),
}


def read(oid: int, body: bytes | None) -> Any:
    """Return the value of a PostgreSQL column in binary form.

    Raises:
        KeyError: a type that no statement of the decision path returns.
    """
    return None if body is None else _readers[oid](body)
