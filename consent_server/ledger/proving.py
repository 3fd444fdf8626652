"""Proofs and bundles out of the stored log."""

from functools import cache

from sqlalchemy import select

from consent_server.db import db
from consent_server.ledger import merkle, proofs, tiles
from consent_server.ledger.integrate import LogName, stored_edge, tile_hashes
from consent_server.ledger.models import Receipt, SignedCheckpoint


def inclusion_proof(log: LogName, index: int, size: int) -> list[bytes]:
    """Return the hashes that prove the leaf at `index` in the tree of `size`; reads at most two tiles a level of eight."""
    return _proof(log, merkle.inclusion_path(index, size), size)


def consistency_proof(log: LogName, old: int, new: int) -> list[bytes]:
    """Return the hashes that prove that the tree of `new` leaves only added to the tree of `old`."""
    return _proof(log, merkle.consistency_path(old, new), new)


def inclusion_file(log: LogName, index: int, signed: SignedCheckpoint) -> str:
    """Return a receipt's `.tlog-proof` against a signed checkpoint."""
    return proofs.render(index, inclusion_proof(log, index, signed.size), signed.note)


def entry_bundle(log: LogName, n: int, width: int) -> bytes:
    """Return `width` entries from index 256·n on, each with its length in two bytes before it."""
    entries = db.session.scalars(
        select(Receipt.entry)
        .where(
            Receipt.site_id == log.site_id,
            Receipt.epoch == log.epoch,
            Receipt.idx >= n * tiles.WIDTH,
            Receipt.idx < n * tiles.WIDTH + width,
        )
        .order_by(Receipt.idx)
    ).all()
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def _proof(log: LogName, path: list[list[merkle.Subtree]], size: int) -> list[bytes]:
    # What lies at the right of the path is the tree's edge, which is stored; the rest comes out of tiles.
    edge = stored_edge(log, size)
    known = dict(zip(merkle.edge(0, edge.size), edge.hashes, strict=True)) if edge else {}
    from_tiles = tiles.reader(cache(lambda level, n: tile_hashes(log, level, n, size)))

    def read(level: int, index: int) -> bytes:
        return known.get((level, index)) or from_tiles(level, index)

    return merkle.proof(path, read)
