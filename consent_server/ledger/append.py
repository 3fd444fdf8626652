"""The one module through which every receipt is appended.

The index is given in the transaction that stores the receipt: the log's row is locked, so indexes are contiguous
and no two receipts of one site share one. Nothing is acknowledged before the caller's transaction has committed,
and nothing is signed before that either: a signature on what was rolled back would be a false receipt.
"""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from consent_server.db import db
from consent_server.ledger.models import Log, Receipt
from consent_server.problems import Unavailable


class LogClosed(Unavailable):
    slug = "log-closed"
    title = "This site's log takes no receipts"


@dataclass(frozen=True)
class Entry:
    """What goes into the log. `payload` is canonical JSON and carries a nonce, so that its hash tells nothing."""

    receipt_id: uuid.UUID
    visitor_id: uuid.UUID | None
    issued_at: datetime
    kid: str
    payload: bytes


def open_log(site_id: int, *, host: str, name: str, epoch: int = 1) -> Log:
    """Make a log; its origin is its address without the scheme, which is what C2SP recommends."""
    opened = Log(site_id=site_id, epoch=epoch, name=name, origin=f"{host}/log/{name}", state="open", size=0)
    db.session.add(opened)
    db.session.flush()
    return opened


def lock_log(site_id: int) -> Log:
    """Lock the site's newest log until the transaction ends; every append to a site goes through this row.

    Raises:
        LogClosed: the log is sealed or forked.
    """
    log = db.session.scalars(
        select(Log)
        .where(Log.site_id == site_id)
        .order_by(Log.epoch.desc())
        .limit(1)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if log.state != "open":
        raise LogClosed(f"The log is {log.state}.")
    return log


def find(site_id: int, receipt_id: uuid.UUID) -> Receipt | None:
    """Return the receipt of this id, or None."""
    return db.session.scalar(
        select(Receipt).where(Receipt.site_id == site_id, Receipt.receipt_id == receipt_id)
    )


def append(log: Log, entry: Entry) -> Receipt:
    """Store an entry at the next index of a locked log and return its row."""
    receipt = Receipt(
        site_id=log.site_id,
        epoch=log.epoch,
        idx=log.size,
        receipt_id=entry.receipt_id,
        kid=entry.kid,
        visitor_id=entry.visitor_id,
        issued_at=entry.issued_at,
        entry=hashlib.sha256(entry.payload).digest(),
        payload=entry.payload,
    )
    log.size += 1
    db.session.add(receipt)
    db.session.flush()
    return receipt
