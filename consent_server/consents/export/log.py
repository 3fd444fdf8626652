"""A log, or a range of it, as newline-delimited JSON with proofs: constant memory however long it is.

The first line names the log and carries the signed checkpoint; each further line is one entry with the proof that it
stands in the checkpoint's tree. `docs/export.md` has the format; `ledger/verify_log.py` checks it.
Rows are read in keyset pages, each in a read transaction of its own: entries below a checkpoint never change, except
that erasure may blank them, and no long transaction holds the database's clean-up back.
"""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import select

from consent_server.db import db
from consent_server.keys import KeyRing
from consent_server.ledger import jws, merkle, tiles
from consent_server.ledger.api import NotIntegrated, UnknownLog
from consent_server.ledger.integrate import LogName, TreeRefused, newest_checkpoint, tile_hashes
from consent_server.ledger.models import Log, Receipt
from consent_server.problems import InvalidInput
from consent_server.sites.service import site_by_key

SCHEMA = "consent-log/1"
PAGE = 1_000
TILES_KEPT = 64  # lists of 256 hashes; neighbours share all tiles but the lowest
SUBTREES_KEPT = 4_096  # neighbours share all subtrees but a few


@dataclass(frozen=True)
class LogRange:
    """What is to be exported: the entries from `first` to before `end`, under one checkpoint."""

    log: LogName
    origin: str
    checkpoint: str
    size: int
    first: int
    end: int


def log_range(site_key: str, *, epoch: int | None = None, first: int = 0, end: int | None = None) -> LogRange:
    """Return the range of a site's log (by default its newest epoch, and all that its checkpoint covers).

    Raises:
        UnknownLog, NotIntegrated: there is no such epoch, or no checkpoint yet.
        InvalidInput: the range is not inside the checkpoint's tree.
    """
    site = site_by_key(site_key)
    query = select(Log).where(Log.site_id == site.id).order_by(Log.epoch.desc()).limit(1)
    log = db.session.scalar(query if epoch is None else query.where(Log.epoch == epoch))
    if log is None:
        raise UnknownLog(f"The site has no log of epoch {epoch}.")
    name = LogName(log.site_id, log.epoch)
    signed = newest_checkpoint(name)
    if signed is None:
        raise NotIntegrated("Start the server or a worker; it signs within a second.")
    stop = signed.size if end is None else end
    if not 0 <= first < stop <= signed.size:
        raise InvalidInput(
            f"The newest checkpoint covers {signed.size} entries; choose a range inside it.",
            errors={"from": [first], "to": [stop]},
        )
    return LogRange(name, log.origin, signed.note, signed.size, first, stop)


def header(wanted: LogRange, *, erasures: Sequence[str] = ()) -> bytes:
    """Return the first line. `erasures` are signed erase leaves of later epochs that name entries of this one."""
    members = {
        "schema": SCHEMA,
        "log": wanted.origin,
        "size": wanted.size,
        "from": wanted.first,
        "to": wanted.end,
        "checkpoint": wanted.checkpoint,
        "erasures": list(erasures),
    }
    return orjson.dumps(members) + b"\n"


def entries(wanted: LogRange, *, ring: KeyRing) -> Iterator[bytes]:
    """Yield a line for each entry of the range."""
    read = reader(wanted.log, wanted.size)
    at = wanted.first
    while at < wanted.end:
        page = _page(wanted, at)
        lines = [_line(row, wanted, read=read, ring=ring) for row in page]
        db.session.rollback()
        yield from lines
        if not page or page[0].idx != at or page[-1].idx != at + len(page) - 1:
            raise TreeRefused(f"entries after {at} are missing")
        at += len(page)


def _page(wanted: LogRange, at: int) -> Sequence[Any]:
    return db.session.execute(
        select(Receipt.idx, Receipt.kid, Receipt.entry, Receipt.payload)
        .where(
            Receipt.site_id == wanted.log.site_id,
            Receipt.epoch == wanted.log.epoch,
            Receipt.idx >= at,
            Receipt.idx < min(at + PAGE, wanted.end),
        )
        .order_by(Receipt.idx)
    ).all()


def _line(row: Any, wanted: LogRange, *, read: merkle.Read, ring: KeyRing) -> bytes:
    proof = merkle.proof(merkle.inclusion_path(row.idx, wanted.size), read)
    signed = None
    if row.payload is not None:
        signed = jws.sign(row.payload, key=ring.receipt_keys[row.kid], log=wanted.origin, idx=row.idx)
    members = {
        "index": row.idx,
        "entry": _b64(row.entry),
        "payload": None if row.payload is None else row.payload.decode(),
        "receipt": signed,
        "proof": [_b64(each) for each in proof],
    }
    return orjson.dumps(members) + b"\n"


def reader(log: LogName, size: int) -> merkle.Read:
    """Return a reader of a tree's subtrees that keeps what the next entries need again, and no more."""

    @lru_cache(maxsize=TILES_KEPT)
    def tile(level: int, n: int) -> list[bytes]:
        return tile_hashes(log, level, n, size)

    return lru_cache(maxsize=SUBTREES_KEPT)(tiles.reader(tile))


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
