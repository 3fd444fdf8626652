"""Bring a log's tree up to its size: new leaves, full tiles, a signed checkpoint, in one transaction.

Appending never waits for this. The order of effects: read leaves → extend the edge → sign → store tiles, checkpoint and
edge, the last by compare-and-swap → commit → only then is the checkpoint served. A crash anywhere before the commit
leaves the old state, from which the same code goes on.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, Executable, Table, bindparam, insert, select, update

from consent_server.db import db, is_sqlite
from consent_server.jobs.giving_way import give_way
from consent_server.keys import SigningKey
from consent_server.ledger import merkle, tiles
from consent_server.ledger.models import Log, Receipt, SignedCheckpoint, Tile, Tree
from consent_server.ledger.notes import Checkpoint, sign_note

BATCH = 8_192  # leaves a transaction: bounds its length and its memory
SLICE = 512  # leaves that are hashed at a time


class TreeRefused(Exception):
    """The stored tree contradicts itself, its receipts or the clock. Nothing is signed; a person must look."""


@dataclass(frozen=True)
class LogName:
    """Which log: all keys of the ledger begin with these two."""

    site_id: int
    epoch: int


def _of_log(table: Table) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return table.c.site_id == bindparam("of_site"), table.c.epoch == bindparam("of_epoch")


# Built once and past the ORM: a thousand leaves take less time to hash than such statements take to put together.
_TREE: Table = Tree.__table__  # type: ignore[assignment]  # declarative models have a Table, here and below
_TILE: Table = Tile.__table__  # type: ignore[assignment]
_CHECKPOINT: Table = SignedCheckpoint.__table__  # type: ignore[assignment]
_RECEIPT: Table = Receipt.__table__  # type: ignore[assignment]
_EDGE = select(_TREE.c.integrated, _TREE.c.frontier).where(*_of_log(_TREE))
_LOCKED_EDGE = _EDGE.with_for_update(skip_locked=True)  # SQLite's transactions hold the only lock there is
_MOVE = (
    update(_TREE)
    .where(*_of_log(_TREE), _TREE.c.integrated == bindparam("old"))
    .values(integrated=bindparam("new"), frontier=bindparam("edge"))
)
_NEWEST = (
    select(_CHECKPOINT.c.size, _CHECKPOINT.c.root, _CHECKPOINT.c.signed_at)
    .where(*_of_log(_CHECKPOINT))
    .order_by(_CHECKPOINT.c.size.desc())
    .limit(1)
)
_NEWEST_NOTE = (
    select(SignedCheckpoint).where(*_of_log(_CHECKPOINT)).order_by(SignedCheckpoint.size.desc()).limit(1)
)
_ENTRIES = (
    select(_RECEIPT.c.idx, _RECEIPT.c.entry)
    .where(*_of_log(_RECEIPT), _RECEIPT.c.idx >= bindparam("start"), _RECEIPT.c.idx < bindparam("end"))
    .order_by(_RECEIPT.c.idx)
)
_HASHES = select(_TILE.c.hashes).where(
    *_of_log(_TILE), _TILE.c.level == bindparam("at_level"), _TILE.c.n == bindparam("at_n")
)
_ROOTS = (
    select(_TILE.c.n, _TILE.c.root)
    .where(
        *_of_log(_TILE),
        _TILE.c.level == bindparam("at_level"),
        _TILE.c.n >= bindparam("start"),
        _TILE.c.n < bindparam("end"),
    )
    .order_by(_TILE.c.n)
)


def dirty_logs() -> Sequence[tuple[LogName, str, int]]:
    """Return the open logs with leaves that are not integrated yet, with their origins and sizes.

    A log that was closed because the database went back is never signed again: its name has another tree already.
    """
    rows = db.session.execute(
        select(Log.site_id, Log.epoch, Log.origin, Log.size)
        .outerjoin(Tree, (Tree.site_id == Log.site_id) & (Tree.epoch == Log.epoch))
        .where(Log.state == "open", Log.size > 0, (Tree.integrated.is_(None)) | (Tree.integrated < Log.size))
        .order_by(Log.site_id)
    ).all()
    return [(LogName(site_id, epoch), origin, size) for site_id, epoch, origin, size in rows]


def integrate(log: LogName, *, origin: str, key: SigningKey, now: datetime) -> Checkpoint | None:
    """Integrate the next leaves of a log; None when another process is at it or nothing is new.

    Raises:
        TreeRefused: the leaves are not contiguous, the edge or the leaves behind it are not what was signed, or time
            went back.
    """
    edge = _locked_edge(log)
    if edge is None:
        return None
    _check(edge, _run(_NEWEST, log).one_or_none(), now)
    aligned = edge.size // tiles.WIDTH * tiles.WIDTH
    leaves = _hashed(_entries(log, aligned, edge.size + BATCH))
    if aligned + len(leaves) <= edge.size:
        return None
    grown, roots = _grow(edge, leaves)
    checkpoint = Checkpoint(origin, grown.size, grown.root())
    _store_tiles(log, leaves, roots, old=edge.size, new=grown.size)
    if key.private is None:
        raise TreeRefused(f"the private half of checkpoint key {key.kid} is gone")
    note = sign_note(checkpoint.text(), [(origin, key.private)])
    signed = {"size": grown.size, "root": checkpoint.root, "note": note, "signed_at": now}
    db.session.connection().execute(
        insert(_CHECKPOINT), {"site_id": log.site_id, "epoch": log.epoch, **signed}
    )
    moved = _run(_MOVE, log, old=edge.size, new=grown.size, edge=b"".join(grown.hashes))
    if moved.rowcount != 1:
        raise TreeRefused("another process moved the tree; its lock did not hold")
    return checkpoint


def newest_checkpoint(log: LogName) -> SignedCheckpoint | None:
    """Return the newest signed checkpoint, or None."""
    place = {"of_site": log.site_id, "of_epoch": log.epoch}
    return db.session.scalar(_NEWEST_NOTE, place)


def stored_edge(log: LogName, size: int) -> merkle.Frontier | None:
    """Return the right edge of the tree of this size; None when the tree has moved on."""
    row = _run(_EDGE, log).one_or_none()
    return edge_of(row.integrated, row.frontier) if row is not None and row.integrated == size else None


def tile_hashes(log: LogName, level: int, n: int, size: int) -> list[bytes]:
    """Return a tile's hashes as far as a tree of this size has them; full tiles are read, the edge is computed."""
    width = tiles.partial_width(level, n, size)
    if width == tiles.WIDTH:
        stored = _run(_HASHES, log, at_level=level, at_n=n).scalar_one_or_none()
        if stored is not None:
            return tiles.split(stored)
    first = n * tiles.WIDTH
    if level == 0:
        return merkle.leaf_hashes(_entries(log, first, first + width))
    return _roots(log, level - 1, first, first + width)


def _locked_edge(log: LogName) -> merkle.Frontier | None:
    """Return the right edge of the log's tree, its row locked; None while another process holds it."""
    query = _EDGE if is_sqlite() else _LOCKED_EDGE
    row = _run(query, log).one_or_none()
    if row is None and _run(_EDGE, log).one_or_none() is None:
        db.session.connection().execute(
            insert(_TREE), {"site_id": log.site_id, "epoch": log.epoch, "integrated": 0, "frontier": b""}
        )
        row = _run(query, log).one()
    return None if row is None else edge_of(row.integrated, row.frontier)


def edge_of(integrated: int, frontier: bytes) -> merkle.Frontier:
    """Return the right edge that the table `tree` holds.

    Raises:
        TreeRefused: it is none of a tree of this size.
    """
    hashes = tuple(tiles.split(frontier))
    if len(hashes) != integrated.bit_count():
        raise TreeRefused(f"the stored edge does not fit a tree of {integrated}")
    return merkle.Frontier(integrated, hashes)


def _check(edge: merkle.Frontier, last: Any, now: datetime) -> None:
    """Compare the stored edge and the clock with the newest checkpoint (size, root, signed_at), if there is one."""
    if (last.size if last else 0) != edge.size:
        raise TreeRefused(f"the tree is at {edge.size}, the last checkpoint is not")
    if last is not None and last.root != edge.root():
        raise TreeRefused("the stored edge is not the tree that was signed")
    if last is not None and now < last.signed_at:
        raise TreeRefused(f"the clock went back behind {last.signed_at:%Y-%m-%d %H:%M:%S} UTC; set it right")


def _grow(edge: merkle.Frontier, leaves: Sequence[bytes]) -> tuple[merkle.Frontier, list[bytes]]:
    """Return the new edge, and the roots of the tiles that the leaves fill.

    `leaves` begin where the last full tile ends, so some of them are in the old edge already: they are hashed again
    and must lead to what was signed. Then every inner node is computed once, for the tile and for the edge.
    """
    tile, behind = divmod(edge.size, tiles.WIDTH)
    above = edge.hashes[: tile.bit_count()]
    if tiles.edge_in_tile(leaves[:behind]) != edge.hashes[tile.bit_count() :]:
        raise TreeRefused(f"leaves from {tile * tiles.WIDTH} on are not those that were signed")
    full = len(leaves) // tiles.WIDTH * tiles.WIDTH
    roots = []
    for at in range(0, full, tiles.WIDTH):
        roots.append(tiles.roots_of_full(leaves[at : at + tiles.WIDTH]))
        give_way()
    # A tree over the roots of tiles is the upper part of the tree over the leaves.
    upper, _ = merkle.Frontier(tile, above).extend(roots)
    size = tile * tiles.WIDTH + len(leaves)
    return merkle.Frontier(size, upper.hashes + tiles.edge_in_tile(leaves[full:])), roots


def _entries(log: LogName, start: int, end: int) -> list[bytes]:
    """Return the entries from `start` to before `end`, as far as there are; they must be contiguous."""
    rows = _run(_ENTRIES, log, start=start, end=end).all()
    for expected, row in enumerate(rows, start):
        if row.idx != expected:
            raise TreeRefused(f"leaf {expected} is missing")
    return [row.entry for row in rows]


def _hashed(entries: Sequence[bytes]) -> list[bytes]:
    leaves: list[bytes] = []
    for at in range(0, len(entries), SLICE):
        leaves += merkle.leaf_hashes(entries[at : at + SLICE])
        give_way()
    return leaves


def _store_tiles(
    log: LogName, leaves: Sequence[bytes], roots: Sequence[bytes], *, old: int, new: int
) -> None:
    """Store every tile that became full between the sizes `old` and `new`; `leaves` begin at the first of them."""
    first = old // tiles.WIDTH
    rows = [
        _tile(log, 0, first + at, leaves[at * tiles.WIDTH : (at + 1) * tiles.WIDTH], root)
        for at, root in enumerate(roots)
    ]
    level = 1
    while rows:
        db.session.connection().execute(insert(_TILE), rows)
        span = tiles.HEIGHT * (level + 1)
        rows = []
        for n in range(old >> span, new >> span):
            hashes = _roots(log, level - 1, n * tiles.WIDTH, (n + 1) * tiles.WIDTH)
            rows.append(_tile(log, level, n, hashes, tiles.roots_of_full(hashes)))
        level += 1


def _tile(log: LogName, level: int, n: int, hashes: Sequence[bytes], root: bytes) -> dict[str, Any]:
    place = {"site_id": log.site_id, "epoch": log.epoch, "level": level, "n": n}
    return {**place, "hashes": b"".join(hashes), "root": root}


def _roots(log: LogName, level: int, start: int, end: int) -> list[bytes]:
    rows = _run(_ROOTS, log, at_level=level, start=start, end=end).all()
    if [row.n for row in rows] != list(range(start, end)):
        raise TreeRefused(f"a tile of level {level} between {start} and {end} is missing")
    return [row.root for row in rows]


def _run(statement: Executable, log: LogName, **parameters: Any) -> CursorResult[Any]:
    place = {"of_site": log.site_id, "of_epoch": log.epoch}
    return db.session.connection().execute(statement, {**place, **parameters})


def entry_of(payload: bytes) -> bytes:
    """Return what the log commits to for a payload."""
    return hashlib.sha256(payload).digest()
