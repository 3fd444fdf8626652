"""A thousand times one bit, anywhere in what the log is stored as: fsck or the anchor finds every one."""

import random
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, LargeBinary, Table, literal, select, type_coerce, update
from sqlalchemy.exc import DataError, IntegrityError

from consent_server.db import Base, db
from consent_server.ledger import fsck
from consent_server.ledger.tasks import integrate_logs
from tests import make
from tests.ledger.filled import disarm, filled, found, ring

pytestmark = pytest.mark.timeout(900)
FLIPS = {"sqlite": 1_000, "postgresql": 100}  # what is read back is the same; the way there differs
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# How often each table is hit, and the columns that are; the integers with the bits that their type has.
TARGETS: dict[str, tuple[int, tuple[str, ...]]] = {
    "receipt": (
        8,
        ("site_id", "epoch", "idx", "receipt_id", "kid", "visitor_id", "issued_at", "entry", "payload"),
    ),
    "tile": (4, ("epoch", "level", "n", "hashes", "root")),
    "checkpoint": (4, ("epoch", "size", "root", "note", "signed_at")),
    "tree": (1, ("integrated", "frontier")),
    "log": (1, ("size",)),
}
BITS = {"site_id": 31, "epoch": 31, "level": 31}


def flip(data: bytes, place: int, bit: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]


def flipped(value: Any, chance: random.Random, bits: int) -> Any:
    """Return a value with one bit changed."""
    if isinstance(value, int):
        return value ^ 1 << chance.randrange(bits)
    if isinstance(value, bytes):
        return flip(value, chance.randrange(len(value)), chance.randrange(8))
    if isinstance(value, uuid.UUID):
        return uuid.UUID(int=value.int ^ 1 << chance.randrange(128))
    if isinstance(value, datetime):
        micros = (value - EPOCH) // timedelta(microseconds=1)
        return EPOCH + timedelta(microseconds=micros ^ 1 << chance.randrange(50))
    place = chance.choice([at for at, letter in enumerate(value) if letter.isascii()])
    changed = ord(value[place]) ^ 1 << chance.randrange(7)
    return value[:place] + chr(changed or ord("\x7f")) + value[place + 1 :]


def strike(
    connection: Connection, site_id: int, chance: random.Random, *tables: str
) -> tuple[str, str] | None:
    """Flip a bit of a random row of the log; None where the database itself refuses it."""
    weights = {name: weight for name, (weight, _) in TARGETS.items() if name in (tables or TARGETS)}
    name = chance.choices(list(weights), list(weights.values()))[0]
    table: Table = Base.metadata.tables[name]
    rows = connection.execute(select(*table.primary_key).where(table.c.site_id == site_id)).all()
    key = chance.choice(sorted(rows, key=tuple))
    row_is = [column == value for column, value in zip(table.primary_key, key, strict=True)]
    column = chance.choice(TARGETS[name][1])
    # Payloads as they lie there, packed.
    kind = LargeBinary() if column == "payload" else table.c[column].type
    value = connection.scalar(select(type_coerce(table.c[column], kind)).where(*row_is))
    if value is None:
        return None
    try:
        with connection.begin_nested():
            new = flipped(value, chance, BITS.get(column, 63))
            connection.execute(update(table).where(*row_is).values({column: literal(new, kind)}))
    except (IntegrityError, DataError):
        return None
    return name, column


def test_one_changed_bit_is_always_found(app: Flask, engine: str, tmp_path: Path) -> None:
    log = filled(app, tmp_path, 60, 100, 100, 30)  # one full tile, and an edge
    disarm()
    connection = db.session.connection()
    chance = random.Random(20260302)
    struck: Counter[tuple[str, str]] = Counter()
    missed = []

    while struck.total() < FLIPS[engine]:
        savepoint = connection.begin_nested()
        where = strike(connection, log.site_id, chance)
        if where is not None:
            struck[where] += 1
            if log.check().clean:
                missed.append(where)
        savepoint.rollback()

    assert missed == []
    assert found(log.check()) == ""
    assert {table for table, _ in struck} == TARGETS.keys()
    assert len(struck) == sum(len(columns) for _, columns in TARGETS.values())


def test_one_changed_bit_in_what_the_log_tells_is_always_found(app: Flask, client: FlaskClient) -> None:
    site = make.ready_site()
    make.decide(client, site)
    integrate_logs()
    disarm()
    connection = db.session.connection()
    chance = random.Random(20260304)
    struck: Counter[tuple[str, str]] = Counter()
    missed = []

    while struck.total() < 80:
        savepoint = connection.begin_nested()
        where = strike(connection, site.id, chance, "receipt")
        if where is not None:
            struck[where] += 1
            if fsck.check(connection, ring(app)).clean:
                missed.append(where)
        savepoint.rollback()

    assert missed == []
    assert fsck.check(connection, ring(app)).clean


def test_one_changed_bit_in_the_anchor_file_is_always_found(app: Flask, tmp_path: Path) -> None:
    log = filled(app, tmp_path, 3, 2, 4)
    whole = log.anchors.read_bytes()
    chance = random.Random(20260303)
    missed = []

    for place in chance.sample(range(len(whole)), 200):
        bit = chance.randrange(8)
        log.anchors.write_bytes(flip(whole, place, bit))
        if log.check().clean:
            missed.append((place, bit, whole[place - 5 : place + 5]))

    assert missed == []
