"""The file of erasures: erase leaves outside the database, because a restored backup knows nothing of later ones.

Each line is one erase leaf as the log has it, signed, with the hashes of the entries that it names: a replay knows
them by hash, whatever stands at their index after a rollback. A line names no person.
Order of effects: append → fsync → note in the database that it is kept. A crash between the last two writes a line
twice, which no reader minds.
"""

import fcntl
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import select, update

from consent_server.db import db, transaction
from consent_server.keys import KeyRing
from consent_server.ledger import jws
from consent_server.ledger.models import Log, Receipt
from consent_server.retention.models import Erasure
from consent_server.retention.rules import parse_leaf

BATCH = 200


def has_unkept() -> bool:
    """Tell whether an erase leaf is not in the file yet."""
    return db.session.scalar(select(Erasure.idx).where(Erasure.kept_at.is_(None)).limit(1)) is not None


def keep(path: Path, *, ring: KeyRing, now: datetime) -> int:
    """Append every erase leaf that is not in the file yet, make it durable, and return how many there were.

    Opens transactions of its own.

    Raises:
        OSError: the file cannot be written; nothing is noted as kept.
    """
    kept = 0
    while batch := _unkept():
        append_durably(path, [line(each, ring=ring) for each in batch])
        with transaction():
            for site_id, epoch, idx in [(e.site_id, e.epoch, e.idx) for e in batch]:
                db.session.execute(
                    update(Erasure)
                    .where(Erasure.site_id == site_id, Erasure.epoch == epoch, Erasure.idx == idx)
                    .values(kept_at=now)
                )
        kept += len(batch)
    db.session.rollback()  # ends the read; SQLite would keep its WAL for it
    return kept


def line(erasure: Erasure, *, ring: KeyRing) -> bytes:
    """Return the file's line of one erase leaf, with the newline."""
    row = db.session.get_one(Receipt, (erasure.site_id, erasure.epoch, erasure.idx))
    payload = row.payload or b""
    leaf = parse_leaf(payload)
    if leaf is None:
        raise ValueError(f"entry {erasure.idx} is no erase leaf")
    origins = _origins(erasure.site_id)
    members: dict[str, Any] = {
        "log": origins[erasure.epoch],
        "index": erasure.idx,
        "of": origins[erasure.of_epoch],
        "entries": _entries(erasure.site_id, erasure.of_epoch, leaf.indexes),
        "receipt": jws.sign(
            payload, key=ring.receipt_keys[row.kid], log=origins[erasure.epoch], idx=erasure.idx
        ),
    }
    return orjson.dumps(members) + b"\n"


def append_durably(path: Path, lines: Sequence[bytes]) -> None:
    """Append lines to a file and return when they are on the disk; writers wait for each other."""
    new = not path.exists()
    with path.open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        torn = _ends_torn(file)
        file.write((b"\n" if torn else b"") + b"".join(lines))
        file.flush()
        os.fsync(file.fileno())
    if new:
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _ends_torn(file: Any) -> bool:
    """Tell whether the last line was cut off by a crash: then the next must not be glued to it."""
    size = file.seek(0, os.SEEK_END)
    if size == 0:
        return False
    file.seek(size - 1)
    return bool(file.read(1) != b"\n")


def _unkept() -> Sequence[Erasure]:
    return db.session.scalars(
        select(Erasure)
        .where(Erasure.kept_at.is_(None))
        .order_by(Erasure.site_id, Erasure.epoch, Erasure.idx)
        .limit(BATCH)
    ).all()


def _origins(site_id: int) -> dict[int, str]:
    rows = db.session.execute(select(Log.epoch, Log.origin).where(Log.site_id == site_id))
    return {row.epoch: row.origin for row in rows}


def _entries(site_id: int, epoch: int, indexes: Sequence[int]) -> list[str]:
    rows = db.session.execute(
        select(Receipt.idx, Receipt.entry).where(
            Receipt.site_id == site_id, Receipt.epoch == epoch, Receipt.idx.in_(indexes)
        )
    )
    found = {row.idx: row.entry.hex() for row in rows}
    return [found[index] for index in indexes]
