"""Go on after a fork: seal the log that lost its tail, open the next epoch, take back what holders kept.

The new log begins with a *recovery leaf* that cites the newest anchored head of the old one. Everyone can see from then
on that something was lost, and how much; nothing is covered up. Who holds a receipt from the lost part can bring it: our
own signature on it proves that it was acknowledged.
"""

import hashlib
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

from sqlalchemy import select

from consent_server import clock
from consent_server.audit import service as audit
from consent_server.db import db
from consent_server.keys import KeyRing
from consent_server.ledger import anchor_file, append, jws, leaves, names
from consent_server.ledger.anchor_file import Head
from consent_server.ledger.canonical import canonical
from consent_server.ledger.integrate import LogName, newest_checkpoint
from consent_server.ledger.leaf_rules import RECOVERY
from consent_server.ledger.models import Log, Receipt
from consent_server.problems import NotFound, Problem


class NoSuchLog(NotFound):
    slug = "no-such-log"
    title = "No log has this name"


class NotForked(Problem):
    slug, status = "log-not-forked", HTTPStatus.CONFLICT
    title = "Only a forked log can be recovered"


class NotOurs(Problem):
    slug, status = "receipt-not-ours", HTTPStatus.UNPROCESSABLE_ENTITY
    title = "This is not a receipt that this server signed"


class OtherEntry(Problem):
    slug, status = "receipt-id-taken", HTTPStatus.CONFLICT
    title = "Another receipt is stored under the same id"


@dataclass(frozen=True)
class Reimported:
    """A receipt that a holder brought. `created` is False if it was in the database already."""

    site_id: int
    epoch: int
    idx: int
    claims: dict[str, Any]
    created: bool


def recover(name: str, *, ring: KeyRing, anchors: Path | None, actor: str, now: datetime) -> Log:
    """Seal a forked log and return the open one of the next epoch, which begins with the recovery leaf.

    After it stands everything that the sealed log told of.

    Raises:
        NoSuchLog, NotForked: as their names say.
    """
    old = _locked(name)
    if old.state != "forked":
        raise NotForked(f"The log is {old.state}; the server found nothing wrong with it when it started.")
    head = _last_head(old, anchors)
    old.state = "sealed"
    host, _, _ = old.origin.rpartition(f"/log/{name}")
    stem = name.removesuffix(f".{old.epoch}")
    fresh = names.open_log(old.site_id, host=host, name=f"{stem}.{old.epoch + 1}", epoch=old.epoch + 1)
    receipt_id = uuid.uuid4()
    members = {
        "schema": RECOVERY,
        "receipt_id": str(receipt_id),
        "issued_at": clock.iso(now),
        "origin": old.origin,
        "size": head.size if head else 0,
        "root": head.root.hex() if head else hashlib.sha256(b"").hexdigest(),
        "checkpoint": head.note if head else "",
        "kept": old.size,
        "nonce": secrets.token_hex(16),
    }
    entry = append.Entry(receipt_id, None, now, ring.receipt_key.kid, canonical(members))
    opened = append.lock_log(old.site_id)
    append.append(opened, entry)
    leaves.tell(opened, now=now)
    audit.record(
        "ledger.recover", actor=actor, now=now, site_id=old.site_id, target=name, anchored=members["size"]
    )
    return fresh


def reimport(text: str, *, ring: KeyRing, actor: str, now: datetime) -> Reimported:
    """Store a receipt that a holder brought as an entry of the site's open log, unless it is there already.

    Raises:
        NotOurs: not a receipt, not signed by one of our receipt keys, or of a log that this database never had.
        OtherEntry: the id is taken by another decision.
    """
    parsed, old = _checked(text, ring)
    receipt_id = uuid.UUID(parsed.claims["receipt_id"])
    log = append.lock_log(old.site_id)
    leaves.tell(log, now=now)
    standing = append.find(old.site_id, receipt_id)
    created = standing is None
    if standing is None:
        entry = append.Entry(
            receipt_id,
            uuid.UUID(parsed.claims["visitor_id"]),
            datetime.fromisoformat(parsed.claims["issued_at"]),
            parsed.header["kid"],
            parsed.payload,
        )
        standing = append.append(log, entry)
        audit.record(
            "ledger.reimport",
            actor=actor,
            now=now,
            site_id=old.site_id,
            target=log.origin[-128:],
            idx=standing.idx,
        )
    _same(standing, parsed)
    return Reimported(old.site_id, standing.epoch, standing.idx, parsed.claims, created)


def known(name: str) -> Log:
    """Return the log of this name.

    Raises:
        NoSuchLog: there is none.
    """
    found = names.log_named(name)
    if found is None:
        raise NoSuchLog(
            f"Not {name!r}: a site's first log is named by the site's key, the next one adds `.2`."
        )
    return found


def _locked(name: str) -> Log:
    found = known(name)
    return db.session.scalars(
        select(Log)
        .where(Log.site_id == found.site_id, Log.epoch == found.epoch)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def _last_head(old: Log, path: Path | None) -> Head | None:
    """Return the newest anchored head; without an anchor file, the newest that the database itself has."""
    anchored = anchor_file.newest(path).get(old.origin) if path is not None else None
    if anchored is not None:
        return anchored
    signed = newest_checkpoint(LogName(old.site_id, old.epoch))
    if signed is None:
        return None
    return Head(old.origin, signed.size, signed.root, signed.signed_at, signed.note)


def _checked(text: str, ring: KeyRing) -> tuple[jws.ParsedReceipt, Log]:
    try:
        parsed = jws.parse(text.strip())
    except jws.BadReceipt as error:
        raise NotOurs(f"It cannot be read: {error}.") from error
    if jws.signer(ring, parsed) is None:
        raise NotOurs("No receipt key of this server signed these bytes.")
    log = names.log_of_origin(str(parsed.header.get("log")))
    if log is None or not {"receipt_id", "visitor_id", "issued_at"} <= parsed.claims.keys():
        raise NotOurs("The log that it names is not in this database, or it is no visitor's decision.")
    return parsed, log


def _same(standing: Receipt, parsed: jws.ParsedReceipt) -> None:
    if standing.entry != hashlib.sha256(parsed.payload).digest():
        raise OtherEntry(
            "The one in the database stays; keep this one, it is evidence that something was lost."
        )
