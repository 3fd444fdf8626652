"""The one module through which every receipt is appended.

The index is given in the transaction that stores the receipt: the log's row is locked, so indexes are contiguous
and no two receipts of one site share one. Nothing is acknowledged before the caller's transaction has committed,
and nothing is signed before that either: a signature on what was rolled back would be a false receipt.
"""

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import Executable, Table, bindparam, select, update

from consent_server.bulk import among, insert_rows, run
from consent_server.db import db, is_sqlite
from consent_server.ledger.advice import ADVICE
from consent_server.ledger.models import Log, Receipt
from consent_server.problems import Unavailable

_TABLE: Table = Receipt.__table__  # type: ignore[assignment]  # declarative models have a Table


class LogClosed(Unavailable):
    slug = "log-closed"
    title = "This site's log takes no receipts"


@dataclass(frozen=True, slots=True)
class Entry:
    """What goes into the log. `payload` is canonical JSON and carries a nonce, so that its hash tells nothing."""

    receipt_id: uuid.UUID
    visitor_id: uuid.UUID | None
    issued_at: datetime
    kid: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Stored:
    """A receipt's row, as far as an answer needs it; `payload` is None when it was erased."""

    epoch: int
    idx: int
    receipt_id: uuid.UUID
    kid: str
    payload: bytes | None


@dataclass(slots=True)
class OpenLog:
    """A log whose row this transaction has locked. `size` is the index that the next receipt gets."""

    site_id: int
    epoch: int
    origin: str
    size: int


_LOCK = (
    select(Log.epoch, Log.origin, Log.size, Log.state)
    .where(Log.site_id == bindparam("site_id"))
    .order_by(Log.epoch.desc())
    .limit(1)
    .with_for_update()
)
_GROW = (
    update(Log)
    .where(Log.site_id == bindparam("of_site"), Log.epoch == bindparam("of_epoch"))
    .values(size=bindparam("size"))
)


@cache
def _find(on_sqlite: bool) -> Executable:
    return select(Receipt.epoch, Receipt.idx, Receipt.receipt_id, Receipt.kid, Receipt.payload).where(
        Receipt.site_id == bindparam("site_id"), among(Receipt.receipt_id, "receipt_ids", on_sqlite=on_sqlite)
    )


def lock_log(site_id: int) -> OpenLog:
    """Lock the site's newest log until the transaction ends; every append to a site goes through this row.

    Raises:
        LogClosed: the log is sealed or forked.
    """
    row = run(_LOCK, {"site_id": site_id}).one()
    if row.state != "open":
        raise LogClosed(f"Nothing was stored. {ADVICE[row.state]}")
    return OpenLog(site_id, row.epoch, row.origin, row.size)


def find(site_id: int, receipt_id: uuid.UUID) -> Receipt | None:
    """Return the receipt of this id, or None."""
    return db.session.scalar(
        select(Receipt).where(Receipt.site_id == site_id, Receipt.receipt_id == receipt_id)
    )


def find_many(site_id: int, receipt_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Stored]:
    """Return the receipts of these ids that there are."""
    rows = run(_find(is_sqlite()), {"site_id": site_id, "receipt_ids": list(receipt_ids)})
    return {row.receipt_id: Stored(row.epoch, row.idx, row.receipt_id, row.kid, row.payload) for row in rows}


def append_many(log: OpenLog, entries: Sequence[Entry]) -> list[Stored]:
    """Store entries at the next indexes of a locked log, in their order."""
    if not entries:
        return []
    first = log.size
    insert_rows(
        _TABLE,
        [
            {
                "site_id": log.site_id,
                "epoch": log.epoch,
                "idx": idx,
                "receipt_id": entry.receipt_id,
                "kid": entry.kid,
                "visitor_id": entry.visitor_id,
                "issued_at": entry.issued_at,
                "entry": hashlib.sha256(entry.payload).digest(),
                "payload": entry.payload,
            }
            for idx, entry in enumerate(entries, first)
        ],
    )
    log.size = first + len(entries)
    run(_GROW, {"of_site": log.site_id, "of_epoch": log.epoch, "size": log.size})
    return [
        Stored(log.epoch, idx, entry.receipt_id, entry.kid, entry.payload)
        for idx, entry in enumerate(entries, first)
    ]


def append(log: OpenLog, entry: Entry) -> Receipt:
    """Store one entry at the next index of a locked log and return its row."""
    stored = append_many(log, [entry])[0]
    return db.session.get_one(Receipt, (log.site_id, log.epoch, stored.idx))
