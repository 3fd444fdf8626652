"""Proofs and bundles out of the stored log."""

from sqlalchemy import select

from consent_server.db import db
from consent_server.ledger import merkle, proofs, tiles
from consent_server.ledger.integrate import LogName, tile_hashes
from consent_server.ledger.models import Receipt, SignedCheckpoint


def inclusion_proof(log: LogName, index: int, size: int) -> list[bytes]:
    """Return the hashes that prove the leaf at `index` in the tree of `size`; reads at most two tiles a level of eight."""
    return merkle.proof(merkle.inclusion_path(index, size), _reader(log, size))


def consistency_proof(log: LogName, old: int, new: int) -> list[bytes]:
    """Return the hashes that prove that the tree of `new` leaves only added to the tree of `old`."""
    return merkle.proof(merkle.consistency_path(old, new), _reader(log, new))


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


def _reader(log: LogName, size: int) -> merkle.Read:
    kept: dict[tuple[int, int], list[bytes]] = {}

    def tile(level: int, n: int) -> list[bytes]:
        if (level, n) not in kept:
            kept[level, n] = tile_hashes(log, level, n, size)
        return kept[level, n]

    return tiles.reader(tile)
