"""Bring a log's tree up to its size: new leaves, full tiles, a signed checkpoint, in one transaction.

Appending never waits for this. The order of effects: read leaves → extend the edge → sign → store tiles, checkpoint and
edge, the last by compare-and-swap → commit → only then is the checkpoint served. A crash anywhere before the commit
leaves the old state, from which the same code goes on.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, insert, select, update

from consent_server.db import db, is_sqlite
from consent_server.keys import SigningKey
from consent_server.ledger import merkle, tiles
from consent_server.ledger.models import Log, Receipt, SignedCheckpoint, Tile, Tree
from consent_server.ledger.notes import Checkpoint, sign_note

BATCH = 8_192  # leaves a transaction: bounds its length and its memory


class TreeRefused(Exception):
    """The stored tree contradicts itself, its receipts or the clock. Nothing is signed; a person must look."""


@dataclass(frozen=True)
class LogName:
    """Which log: all keys of the ledger begin with these two."""

    site_id: int
    epoch: int


def dirty_logs() -> Sequence[tuple[LogName, str]]:
    """Return the open logs with leaves that are not integrated yet, with their origins.

    A log that was closed because the database went back is never signed again: its name has another tree already.
    """
    rows = db.session.execute(
        select(Log.site_id, Log.epoch, Log.origin)
        .outerjoin(Tree, (Tree.site_id == Log.site_id) & (Tree.epoch == Log.epoch))
        .where(Log.state == "open", Log.size > 0, (Tree.integrated.is_(None)) | (Tree.integrated < Log.size))
        .order_by(Log.site_id)
    ).all()
    return [(LogName(site_id, epoch), origin) for site_id, epoch, origin in rows]


def integrate(log: LogName, *, origin: str, key: SigningKey, now: datetime) -> Checkpoint | None:
    """Integrate the next leaves of a log; None when another process is at it or nothing is new.

    Raises:
        TreeRefused: the leaves are not contiguous, the edge is not the last signed one, or time went back.
    """
    tree = _locked_tree(log)
    if tree is None:
        return None
    edge = _edge(tree)
    last = newest_checkpoint(log)
    _check(log, edge, last, now)
    aligned = edge.size // tiles.WIDTH * tiles.WIDTH
    entries = _entries(log, aligned, edge.size + BATCH)
    leaves = [merkle.leaf_hash(entry) for entry in entries]
    fresh = leaves[edge.size - aligned :]
    if not fresh:
        return None
    grown, _ = edge.extend(fresh)
    checkpoint = Checkpoint(origin, grown.size, grown.root())
    _store_tiles(log, leaves, first=aligned, old=edge.size, new=grown.size)
    if key.private is None:
        raise TreeRefused(f"the private half of checkpoint key {key.kid} is gone")
    note = sign_note(checkpoint.text(), [(origin, key.private)])
    db.session.add(
        SignedCheckpoint(
            site_id=log.site_id,
            epoch=log.epoch,
            size=grown.size,
            root=checkpoint.root,
            note=note,
            signed_at=now,
        )
    )
    moved = cast(
        "CursorResult[Any]",
        db.session.execute(
            update(Tree)
            .where(Tree.site_id == log.site_id, Tree.epoch == log.epoch, Tree.integrated == edge.size)
            .values(integrated=grown.size, frontier=b"".join(grown.hashes))
        ),
    )
    if moved.rowcount != 1:
        raise TreeRefused("another process moved the tree; its lock did not hold")
    return checkpoint


def newest_checkpoint(log: LogName) -> SignedCheckpoint | None:
    """Return the newest signed checkpoint, or None."""
    return db.session.scalar(
        select(SignedCheckpoint)
        .where(SignedCheckpoint.site_id == log.site_id, SignedCheckpoint.epoch == log.epoch)
        .order_by(SignedCheckpoint.size.desc())
        .limit(1)
    )


def tile_hashes(log: LogName, level: int, n: int, size: int) -> list[bytes]:
    """Return a tile's hashes as far as a tree of this size has them; full tiles are read, the edge is computed."""
    width = tiles.partial_width(level, n, size)
    if width == tiles.WIDTH:
        stored = db.session.get(Tile, (log.site_id, log.epoch, level, n))
        if stored is not None:
            return tiles.split(stored.hashes)
    first = n * tiles.WIDTH
    if level == 0:
        return [merkle.leaf_hash(entry) for entry in _entries(log, first, first + width)]
    return _roots(log, level - 1, first, first + width)


def _locked_tree(log: LogName) -> Tree | None:
    """Return the log's tree row, locked; None while another process holds it."""
    if db.session.get(Tree, (log.site_id, log.epoch)) is None:
        db.session.add(Tree(site_id=log.site_id, epoch=log.epoch, integrated=0, frontier=b""))
        db.session.flush()
    query = select(Tree).where(Tree.site_id == log.site_id, Tree.epoch == log.epoch)
    if not is_sqlite():
        query = query.with_for_update(skip_locked=True)
    return db.session.scalar(query.execution_options(populate_existing=True))


def _edge(tree: Tree) -> merkle.Frontier:
    hashes = tuple(tiles.split(tree.frontier))
    if len(hashes) != tree.integrated.bit_count():
        raise TreeRefused(f"the stored edge does not fit a tree of {tree.integrated}")
    return merkle.Frontier(tree.integrated, hashes)


def _check(log: LogName, edge: merkle.Frontier, last: SignedCheckpoint | None, now: datetime) -> None:
    if (last.size if last else 0) != edge.size:
        raise TreeRefused(f"the tree is at {edge.size}, the last checkpoint is not")
    if last is not None and last.root != edge.root():
        raise TreeRefused("the stored edge is not the tree that was signed")
    if last is not None and now < last.signed_at:
        raise TreeRefused(f"the clock went back behind {last.signed_at:%Y-%m-%d %H:%M:%S} UTC; set it right")


def _entries(log: LogName, start: int, end: int) -> list[bytes]:
    """Return the entries from `start` to before `end`, as far as there are; they must be contiguous."""
    rows = db.session.execute(
        select(Receipt.idx, Receipt.entry)
        .where(
            Receipt.site_id == log.site_id,
            Receipt.epoch == log.epoch,
            Receipt.idx >= start,
            Receipt.idx < end,
        )
        .order_by(Receipt.idx)
    ).all()
    for expected, (idx, _) in enumerate(rows, start):
        if idx != expected:
            raise TreeRefused(f"leaf {expected} is missing")
    return [entry for _, entry in rows]


def _store_tiles(log: LogName, leaves: Sequence[bytes], *, first: int, old: int, new: int) -> None:
    """Store every tile that became full between the sizes `old` and `new`; `leaves` begin at index `first`."""
    for n in range(old // tiles.WIDTH, new // tiles.WIDTH):
        start = n * tiles.WIDTH - first
        _store_tile(log, 0, n, leaves[start : start + tiles.WIDTH])
    level = 1
    while new >> (tiles.HEIGHT * (level + 1)):
        span = tiles.HEIGHT * (level + 1)
        for n in range(old >> span, new >> span):
            _store_tile(log, level, n, _roots(log, level - 1, n * tiles.WIDTH, (n + 1) * tiles.WIDTH))
        level += 1


def _store_tile(log: LogName, level: int, n: int, hashes: Sequence[bytes]) -> None:
    db.session.execute(
        insert(Tile).values(
            site_id=log.site_id,
            epoch=log.epoch,
            level=level,
            n=n,
            hashes=b"".join(hashes),
            root=tiles.roots_of_full(hashes),
        )
    )


def _roots(log: LogName, level: int, start: int, end: int) -> list[bytes]:
    rows = db.session.execute(
        select(Tile.n, Tile.root)
        .where(
            Tile.site_id == log.site_id,
            Tile.epoch == log.epoch,
            Tile.level == level,
            Tile.n >= start,
            Tile.n < end,
        )
        .order_by(Tile.n)
    ).all()
    if [n for n, _ in rows] != list(range(start, end)):
        raise TreeRefused(f"a tile of level {level} between {start} and {end} is missing")
    return [root for _, root in rows]


def entry_of(payload: bytes) -> bytes:
    """Return what the log commits to for a payload."""
    return hashlib.sha256(payload).digest()
