"""Proofs and bundles out of the stored log."""

from collections.abc import Sequence
from functools import cache
from itertools import chain

from sqlalchemy import select

from consent_server.bulk import Line, Sql
from consent_server.columns import BIGINT, INTEGER
from consent_server.db import db
from consent_server.ledger import merkle, proofs, tiles
from consent_server.ledger.integrate import LogName, edge_of, stored_edge, tile_hashes
from consent_server.ledger.models import Receipt, SignedCheckpoint

MOST_TILES = 1_024  # kept by a process, 8 KiB each; a full tile never changes

_NEWEST = Sql(
    "SELECT size, note FROM checkpoint WHERE site_id = :site_id AND epoch = :epoch ORDER BY size DESC LIMIT 1",
    site_id=INTEGER,
    epoch=INTEGER,
)
_EDGE = Sql(
    "SELECT integrated, frontier FROM tree WHERE site_id = :site_id AND epoch = :epoch",
    site_id=INTEGER,
    epoch=INTEGER,
)
_TILE = Sql(
    "SELECT hashes FROM tile WHERE site_id = :site_id AND epoch = :epoch AND level = :level AND n = :n",
    site_id=INTEGER,
    epoch=INTEGER,
    level=INTEGER,
    n=BIGINT,
)
_kept: dict[tuple[int, int, int, int], list[bytes]] = {}  # by site, epoch, level, n


def newest_inclusion_file(log: LogName, index: int) -> str | None:
    """Return the `.tlog-proof` of an entry against the newest checkpoint; None while none covers it."""
    line = Line()
    with line.together():
        newest = line.ask(_NEWEST, site_id=log.site_id, epoch=log.epoch)
        stored = line.ask(_EDGE, site_id=log.site_id, epoch=log.epoch)
    found = newest()
    if not found or index >= found[0][0]:
        return None
    [(size, note)] = found
    edges = [edge_of(integrated, frontier) for integrated, frontier in stored() if integrated == size]
    hashes = _proof(log, merkle.inclusion_path(index, size), size, edges[0] if edges else None)
    return proofs.render(index, hashes, note)


def inclusion_proof(log: LogName, index: int, size: int) -> list[bytes]:
    """Return the hashes that prove the leaf at `index` in the tree of `size`; reads at most two tiles a level of eight."""
    return _proof(log, merkle.inclusion_path(index, size), size, stored_edge(log, size))


def consistency_proof(log: LogName, old: int, new: int) -> list[bytes]:
    """Return the hashes that prove that the tree of `new` leaves only added to the tree of `old`."""
    return _proof(log, merkle.consistency_path(old, new), new, stored_edge(log, new))


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


def forget() -> None:
    """Empty the memory of tiles: for a process that goes on to another database, whose logs have the same numbers."""
    _kept.clear()


def _proof(
    log: LogName, path: Sequence[Sequence[merkle.Subtree]], size: int, edge: merkle.Frontier | None
) -> list[bytes]:
    # What lies at the right of the path is the tree's edge, which is stored; the rest comes out of tiles.
    known = dict(zip(merkle.edge(0, edge.size), edge.hashes, strict=True)) if edge else {}
    wanted = {tiles.tile_of(*each) for each in chain.from_iterable(path) if each not in known}
    full = _full_tiles(log, [each for each in wanted if tiles.partial_width(*each, size) == tiles.WIDTH])
    from_tiles = tiles.reader(
        cache(lambda level, n: full.get((level, n)) or tile_hashes(log, level, n, size))
    )

    def read(level: int, index: int) -> bytes:
        return known.get((level, index)) or from_tiles(level, index)

    return merkle.proof(path, read)


def _full_tiles(log: LogName, wanted: Sequence[tuple[int, int]]) -> dict[tuple[int, int], list[bytes]]:
    """Return full tiles, as far as they are stored; those that this process has not read yet, in one go."""
    place = (log.site_id, log.epoch)
    found = {each: _kept[place + each] for each in wanted if place + each in _kept}
    line = Line()
    with line.together():
        answers = {
            (level, n): line.ask(_TILE, site_id=log.site_id, epoch=log.epoch, level=level, n=n)
            for level, n in wanted
            if (level, n) not in found
        }
    for each, rows in answers.items():
        for (hashes,) in rows():
            if len(_kept) >= MOST_TILES:
                _kept.clear()
            found[each] = _kept[place + each] = tiles.split(hashes)
    return found
