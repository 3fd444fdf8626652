"""The one module through which every receipt is appended.

The index is given in the transaction that stores the receipt: the log's row is locked, so indexes are contiguous
and no two receipts of one site share one. Nothing is acknowledged before the caller's transaction has committed,
and nothing is signed before that either: a signature on what was rolled back would be a false receipt.
"""

import hashlib
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select

from consent_server.bulk import Answer, Line, Sql, uuid_of
from consent_server.columns import BIGINT, BIGINTS, BYTES, INSTANTS, INTEGER, TEXTS, UUIDS
from consent_server.db import db
from consent_server.ledger.advice import ADVICE
from consent_server.ledger.models import Receipt
from consent_server.packing import PAYLOAD, pack, unpack
from consent_server.problems import Unavailable


class LogClosed(Unavailable):
    slug = "log-closed"
    title = "This site's log takes no receipts"


class Entry(NamedTuple):
    """What goes into the log. `payload` is canonical JSON and carries a nonce, so that its hash tells nothing.

    `packed` is the payload as it lies in the database, where that is known already.
    """

    receipt_id: uuid.UUID
    visitor_id: uuid.UUID | None
    issued_at: datetime
    kid: str
    payload: bytes
    packed: bytes | None = None


class Stored(NamedTuple):
    """A receipt's row, as far as an answer needs it; `payload` is None when it was erased."""

    epoch: int
    idx: int
    receipt_id: uuid.UUID
    kid: str
    payload: bytes | None


@dataclass(slots=True)
class OpenLog:
    """A log whose row this transaction has locked. `size` is the index that the next receipt gets.

    `line` is the transaction's connection: what it asks now sees what is there while the lock is held.
    """

    site_id: int
    epoch: int
    origin: str
    size: int
    line: Line


_LOCK = Sql(
    "SELECT epoch, origin, size, state FROM log WHERE site_id = :site_id ORDER BY epoch DESC LIMIT 1 FOR UPDATE",
    site_id=INTEGER,
)
_STANDING = Sql(
    "SELECT epoch, idx, receipt_id, kid, payload FROM receipt"
    " WHERE site_id = :site_id AND receipt_id = ANY(:receipt_ids)",
    site_id=INTEGER,
    receipt_ids=UUIDS,
)
_INSERT = Sql.insert(
    "receipt",
    site_id=INTEGER,
    epoch=INTEGER,
    idx=BIGINTS,
    receipt_id=UUIDS,
    kid=TEXTS,
    visitor_id=UUIDS,
    issued_at=INSTANTS,
    entry=BYTES,
    payload=BYTES,
)
_GROW = Sql(
    "UPDATE log SET size = :size WHERE site_id = :site_id AND epoch = :epoch",
    size=BIGINT,
    site_id=INTEGER,
    epoch=INTEGER,
)


def lock_log(site_id: int) -> OpenLog:
    """Lock the site's newest log until the transaction ends; every append to a site goes through this row.

    Raises:
        LogClosed: the log is sealed or forked.
    """
    return ask_locked(Line(), site_id)()


def ask_locked(line: Line, site_id: int) -> Answer[OpenLog]:
    """Ask for the same lock. What is asked after it in one go is read once the lock is held: each statement sees its own now.

    The answer raises `LogClosed`.
    """
    rows = line.ask(_LOCK, site_id=site_id)

    def locked() -> OpenLog:
        [(epoch, origin, size, state)] = rows()
        if state != "open":
            raise LogClosed(f"Nothing was stored. {ADVICE[state]}")
        line.plan_for(size)
        return OpenLog(site_id, epoch, origin, size, line)

    return locked


def find(site_id: int, receipt_id: uuid.UUID) -> Receipt | None:
    """Return the receipt of this id, or None."""
    return db.session.scalar(
        select(Receipt).where(Receipt.site_id == site_id, Receipt.receipt_id == receipt_id)
    )


def ask_standing(
    line: Line, site_id: int, receipt_ids: Collection[uuid.UUID]
) -> Answer[dict[uuid.UUID, Stored]]:
    """Ask for the receipts of these ids that there are, in whichever epoch of the site's log."""
    rows = line.ask(_STANDING, site_id=site_id, receipt_ids=list(receipt_ids))

    def standing() -> dict[uuid.UUID, Stored]:
        found = [
            Stored(epoch, idx, uuid_of(key), kid, None if packed is None else unpack(packed))
            for epoch, idx, key, kid, packed in rows()
        ]
        return {each.receipt_id: each for each in found}

    return standing


def append_many(log: OpenLog, entries: Sequence[Entry]) -> list[Stored]:
    """Store entries at the next indexes of a locked log, in their order."""
    if not entries:
        return []
    first = log.size
    log.size = first + len(entries)
    log.line.tell_many(
        _INSERT,
        site_id=log.site_id,
        epoch=log.epoch,
        idx=range(first, log.size),
        receipt_id=[entry.receipt_id for entry in entries],
        kid=[entry.kid for entry in entries],
        visitor_id=[entry.visitor_id for entry in entries],
        issued_at=[entry.issued_at for entry in entries],
        entry=[hashlib.sha256(entry.payload).digest() for entry in entries],
        payload=[entry.packed or pack(entry.payload, PAYLOAD) for entry in entries],
    )
    log.line.tell(_GROW, site_id=log.site_id, epoch=log.epoch, size=log.size)
    return [
        Stored(log.epoch, idx, entry.receipt_id, entry.kid, entry.payload)
        for idx, entry in enumerate(entries, first)
    ]


def append(log: OpenLog, entry: Entry) -> Receipt:
    """Store one entry at the next index of a locked log and return its row."""
    stored = append_many(log, [entry])[0]
    return db.session.get_one(Receipt, (log.site_id, log.epoch, stored.idx))
