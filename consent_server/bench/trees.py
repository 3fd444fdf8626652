"""Logs of any size without that many receipts: full tiles, right edge, signed checkpoint, and the leaves behind the last tile.

Nothing that integrates or proves reads more than that. All full tiles of a row are alike, which no reader can profit
from: each is a row of its own.
"""

import os
import uuid
from dataclasses import dataclass

from flask import current_app
from sqlalchemy import text

from consent_server import clock
from consent_server.bench.site import ACTOR, ORIGIN
from consent_server.db import db, transaction
from consent_server.keys import KeyRing
from consent_server.ledger import append, merkle, tiles
from consent_server.ledger.integrate import LogName, entry_of
from consent_server.ledger.models import SignedCheckpoint, Tree
from consent_server.ledger.notes import Checkpoint, sign_note
from consent_server.sites.service import create_site

PAYLOAD_BYTES = 640  # about as long as a decision's
_TILES = text(
    "WITH RECURSIVE place (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM place WHERE n + 1 < :tiles) "
    "INSERT INTO tile (site_id, epoch, level, n, hashes, root) "
    "SELECT :site_id, :epoch, :level, n, :hashes, :root FROM place"
)


@dataclass(frozen=True)
class GrownLog:
    """A log that was made at a size."""

    size: int
    name: str
    key: LogName
    origin: str


def grow(size: int) -> GrownLog:
    """Make a site whose log holds this many leaves, integrated and signed."""
    with transaction():
        site = create_site(
            name=f"Bench {size}", origins=[ORIGIN], languages=["en"], now=clock.now(), actor=ACTOR
        )
        log = append.lock_log(site.id)
        name = LogName(site.id, log.epoch)
        log.size = size // tiles.WIDTH * tiles.WIDTH
        edge = _full_tiles(name, log.size)
        leaves = [merkle.leaf_hash(entry) for entry in append_leaves(log, size - log.size)]
        edge, _ = edge.extend(leaves)
        _sign(name, log.origin, edge)
        return GrownLog(size, site.key, name, log.origin)


def add_leaves(log: GrownLog, count: int) -> None:
    """Append leaves, not integrated yet, in a transaction of their own."""
    with transaction():
        append_leaves(append.lock_log(log.key.site_id), count)


def append_leaves(log: append.OpenLog, count: int) -> list[bytes]:
    """Append leaves to a locked log and return their entries' hashes."""
    ring: KeyRing = current_app.extensions["keys"]
    entries = [
        append.Entry(uuid.uuid4(), uuid.uuid4(), clock.now(), ring.receipt_key.kid, os.urandom(PAYLOAD_BYTES))
        for _ in range(count)
    ]
    append.append_many(log, entries)
    return [entry_of(each.payload) for each in entries]


def _full_tiles(name: LogName, size: int) -> merkle.Frontier:
    """Store the full tiles of a tree whose size is a multiple of a tile's width; return its edge."""
    hashes = [os.urandom(merkle.HASH_BYTES) for _ in range(tiles.WIDTH)]
    alike: list[bytes] = []  # of the subtrees from one full tile upwards, by level
    level, count = 0, size // tiles.WIDTH
    while count:
        root = tiles.roots_of_full(hashes)
        place = {"site_id": name.site_id, "epoch": name.epoch, "level": level, "tiles": count}
        db.session.execute(_TILES, place | {"hashes": b"".join(hashes), "root": root})
        for _ in range(tiles.HEIGHT):
            alike.append(root if len(alike) % tiles.HEIGHT == 0 else merkle.node_hash(alike[-1], alike[-1]))
        hashes = [root] * tiles.WIDTH
        level, count = level + 1, count // tiles.WIDTH
    found = merkle.edge(0, size // tiles.WIDTH)
    return merkle.Frontier(size, tuple(alike[high] for high, _ in found))


def _sign(name: LogName, origin: str, edge: merkle.Frontier) -> None:
    key = current_app.extensions["keys"].checkpoint_key
    checkpoint = Checkpoint(origin, edge.size, edge.root())
    place = {"site_id": name.site_id, "epoch": name.epoch}
    note = sign_note(checkpoint.text(), [(origin, key.private)])
    db.session.merge(Tree(**place, integrated=edge.size, frontier=b"".join(edge.hashes)))
    db.session.add(
        SignedCheckpoint(**place, size=edge.size, root=checkpoint.root, note=note, signed_at=clock.now())
    )
