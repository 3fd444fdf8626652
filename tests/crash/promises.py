"""What was promised against what is there: nothing acknowledged lost, nothing doubled or moved, every log sound."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from flask import Flask
from sqlalchemy import Connection, func, select

from consent_server.consents.models import ConsentRecord
from consent_server.db import db
from consent_server.ledger import fsck
from consent_server.ledger.models import Log, Receipt, Tree


def broken(app: Flask, site_id: int, acknowledged: Mapping[str, bytes], *, anchors: Path) -> list[str]:
    """Return what is broken of the promises made so far; servers may go on answering meanwhile."""
    promised = dict(acknowledged)
    with app.app_context(), fsck.snapshot(db.engine) as connection:
        # First: what is anchored after the snapshot's first query need not be in it.
        report = fsck.check(connection, app.extensions["keys"], anchor_file=anchors)
        fsck.check_file(connection, report)
        found = _receipts(connection, site_id, promised) + _logs(connection, site_id)
        return found + [str(each) for each in report.findings]


def lost(app: Flask, site_id: int, acknowledged: Mapping[str, bytes]) -> int:
    """Return how many of the acknowledged receipts are not there, or are not what the answer said."""
    with app.app_context(), fsck.snapshot(db.engine) as connection:
        return len(_receipts(connection, site_id, dict(acknowledged)))


def unasked(app: Flask, site_id: int, acknowledged: Mapping[str, bytes]) -> list[str]:
    """Return the ids of decisions that are stored though nobody was told; there are none once all retries are over."""
    with app.app_context(), fsck.snapshot(db.engine) as connection:
        rows = connection.execute(
            select(Receipt.receipt_id).where(Receipt.site_id == site_id, Receipt.visitor_id.is_not(None))
        )
        return sorted({str(each) for (each,) in rows} - acknowledged.keys())


def not_integrated(app: Flask, site_id: int) -> int:
    """Return how many receipts the site's tree does not hold yet."""
    with app.app_context(), fsck.snapshot(db.engine) as connection:
        size = connection.scalar(select(func.sum(Log.size)).where(Log.site_id == site_id))
        integrated = connection.scalar(select(func.sum(Tree.integrated)).where(Tree.site_id == site_id))
        return int(size or 0) - int(integrated or 0)


def misplaced_records(app: Flask, site_id: int) -> dict[str, int]:
    """Return the visitors whose consent record does not come from their newest receipt."""
    with app.app_context(), fsck.snapshot(db.engine) as connection:
        rows = connection.execute(
            select(Receipt.visitor_id, Receipt.idx)
            .where(Receipt.site_id == site_id, Receipt.visitor_id.is_not(None))
            .order_by(Receipt.idx)
        )
        newest = {str(visitor): idx for visitor, idx in rows}
        records = connection.execute(
            select(ConsentRecord.holder, ConsentRecord.idx).where(ConsentRecord.site_id == site_id)
        )
        return dict(newest.items() ^ {(holder, idx) for holder, idx in records})


def _receipts(connection: Connection, site_id: int, promised: Mapping[str, bytes]) -> list[str]:
    rows = connection.execute(
        select(Receipt.receipt_id, Receipt.idx, Receipt.payload).where(Receipt.site_id == site_id)
    ).all()
    times = Counter(str(row.receipt_id) for row in rows)
    stored = {str(row.receipt_id): (row.idx, row.payload) for row in rows}
    found = [f"{each} stands {count} times" for each, count in times.items() if count > 1]
    for receipt_id, answer in promised.items():
        if stored.get(receipt_id) != said(answer):
            found.append(f"{receipt_id} is not there as it was acknowledged")
    return found


def _logs(connection: Connection, site_id: int) -> list[str]:
    rows = connection.execute(select(Log.epoch, Log.state, Log.size).where(Log.site_id == site_id)).all()
    found = [f"log {row.epoch} is {row.state}" for row in rows if row.state != "open"]
    for epoch, _, size in rows:
        indexes = connection.scalars(
            select(Receipt.idx)
            .where(Receipt.site_id == site_id, Receipt.epoch == epoch)
            .order_by(Receipt.idx)
        ).all()
        if list(indexes) != list(range(size)):
            found.append(f"log {epoch} has not exactly one receipt at each of its {size} indexes")
    return found


def said(answer: bytes) -> tuple[int, bytes]:
    """Return index and payload of an acknowledgement."""
    members = json.loads(answer)
    payload = members["receipt"].split(".")[1]
    return members["log_index"], base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
