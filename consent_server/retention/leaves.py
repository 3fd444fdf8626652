"""Erase leaves as signed receipts."""

from sqlalchemy import select

from consent_server.db import db
from consent_server.keys import KeyRing
from consent_server.ledger import jws
from consent_server.ledger.models import Log, Receipt
from consent_server.retention.models import Erasure


def later_leaves(site_id: int, epoch: int, *, ring: KeyRing) -> list[str]:
    """Return the signed erase leaves of later epochs that name entries of this one."""
    rows = db.session.execute(
        select(Receipt.kid, Receipt.payload, Receipt.idx, Log.origin)
        .join(
            Erasure,
            (Erasure.site_id == Receipt.site_id)
            & (Erasure.epoch == Receipt.epoch)
            & (Erasure.idx == Receipt.idx),
        )
        .join(Log, (Log.site_id == Receipt.site_id) & (Log.epoch == Receipt.epoch))
        .where(
            Receipt.site_id == site_id,
            Erasure.site_id == site_id,
            Log.site_id == site_id,
            Erasure.of_epoch == epoch,
            Erasure.epoch > epoch,
        )
        .order_by(Receipt.epoch, Receipt.idx)
    ).all()
    return [
        jws.sign(row.payload, key=ring.receipt_keys[row.kid], log=row.origin, idx=row.idx)
        for row in rows
        if row.payload is not None
    ]
