"""Logs with real receipts in them, made through the ledger's own door, and ways to damage them."""

import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import orjson
from flask import Flask
from sqlalchemy import select, text

from consent_server import clock
from consent_server.db import db, transaction
from consent_server.keys import KeyRing
from consent_server.ledger import anchor_file, append, fsck
from consent_server.ledger.anchor_file import Head
from consent_server.ledger.findings import Report
from consent_server.ledger.integrate import LogName, integrate
from consent_server.ledger.models import Log, SignedCheckpoint
from tests import make


@dataclass
class Filled:
    """A log, its keys, and the file in which its checkpoints are anchored."""

    name: LogName
    origin: str
    ring: KeyRing
    anchors: Path

    @property
    def site_id(self) -> int:
        return self.name.site_id

    def check(self) -> Report:
        """Run fsck over everything that this test's transaction sees."""
        return fsck.check(db.session.connection(), self.ring, anchor_file=self.anchors)


def ring(app: Flask) -> KeyRing:
    found: KeyRing = app.extensions["keys"]
    return found


def entry(keys: KeyRing, now: datetime, **members: object) -> append.Entry:
    """Return a decision's entry, or with `schema` another leaf's."""
    receipt_id, visitor_id = uuid.uuid4(), uuid.uuid4()
    claims = {
        "schema": "consent-receipt/1",
        "receipt_id": str(receipt_id),
        "visitor_id": str(visitor_id),
        "issued_at": clock.iso(now),
        "choices": {"analytics": "granted"},
        "nonce": secrets.token_hex(16),
    } | members
    payload = orjson.dumps(claims, option=orjson.OPT_SORT_KEYS)
    visitor = visitor_id if claims["visitor_id"] is not None else None
    return append.Entry(receipt_id, visitor, now, keys.receipt_key.kid, payload)


def fill(log: "Filled", count: int, *, now: datetime = make.NOW) -> None:
    """Append decisions and integrate and anchor them."""
    with transaction():
        entries = [entry(log.ring, now + timedelta(milliseconds=n)) for n in range(count)]
        append.append_many(append.lock_log(log.site_id), entries)
    sign(log, now=now)


def sign(log: "Filled", *, now: datetime = make.NOW) -> None:
    """Integrate what was appended, and anchor the checkpoint."""
    with transaction():
        integrate(log.name, origin=log.origin, key=log.ring.checkpoint_key, now=now)
    anchor_file.append(log.anchors, heads(log)[-1:])


def heads(log: "Filled") -> list[Head]:
    rows = db.session.scalars(
        select(SignedCheckpoint)
        .where(SignedCheckpoint.site_id == log.site_id, SignedCheckpoint.epoch == log.name.epoch)
        .order_by(SignedCheckpoint.size)
    )
    return [Head(log.origin, each.size, each.root, each.signed_at, each.note) for each in rows]


def filled(app: Flask, folder: Path, *counts: int) -> Filled:
    """Make a site whose log has a checkpoint after each of these many more receipts."""
    site = make.site()
    row = db.session.scalars(select(Log).where(Log.site_id == site.id)).one()
    log = Filled(LogName(site.id, 1), row.origin, ring(app), folder / "anchors.jsonl")
    for step, count in enumerate(counts):
        fill(log, count, now=make.NOW + timedelta(seconds=step))
    return log


def disarm() -> None:
    """Drop the triggers that keep receipts as they are, as somebody with the database's password can."""
    connection = db.session.connection()
    if connection.dialect.name == "postgresql":
        connection.execute(text("ALTER TABLE receipt DISABLE TRIGGER USER"))
        db.session.commit()
        return
    names = connection.execute(
        text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'receipt'")
    )
    for (name,) in names.all():
        connection.execute(text(f"DROP TRIGGER {name}"))
    db.session.commit()


def found(report: Report) -> str:
    """Return all findings as text."""
    return "\n".join(map(str, report.findings))
