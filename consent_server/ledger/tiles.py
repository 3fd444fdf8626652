"""Tiles of a log: 256 hashes wide, eight levels of the tree each (c2sp.org/tlog-tiles). Pure.

Tile `(level, n)` holds the hashes of the subtrees `(8·level, 256·n … 256·n+255)`. Only full tiles are stored; partial
ones are cut from the right edge when asked for.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from consent_server.ledger.merkle import HASH_BYTES, edge, parents

WIDTH = 256
HEIGHT = 8  # levels of the tree in one tile
ENTRIES = "entries"

_PATH = re.compile(r"(\d{1,2}|entries)/((?:x\d{3}/)*\d{3})(?:\.p/([1-9]\d{0,2}))?")


@dataclass(frozen=True)
class TileAddress:
    """Which tile, or with `level` None which bundle of entries; `width` below 256 is a partial one."""

    level: int | None
    n: int
    width: int = WIDTH

    def path(self) -> str:
        """Return the path below the log's prefix, as in `tile/0/x001/234`."""
        groups = [f"{self.n % 1000:03d}"]
        rest = self.n // 1000
        while rest:
            groups.insert(0, f"x{rest % 1000:03d}")
            rest //= 1000
        level = ENTRIES if self.level is None else str(self.level)
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{level}/{'/'.join(groups)}{partial}"


def parse_path(path: str) -> TileAddress | None:
    """Return the address that a path below `tile/` names, or None where it is not written in the one valid way."""
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    level = None if found[1] == ENTRIES else int(found[1])
    n = int(found[2].replace("/", "").replace("x", ""))
    address = TileAddress(level, n, int(found[3]) if found[3] else WIDTH)
    # Leading zeroes, levels above 63 and widths of 256 and more have another path, or none.
    proper = (level is None or level <= 63) and address.path() == f"tile/{path}"
    return address if proper else None


def partial_width(level: int, n: int, size: int) -> int:
    """Return how many hashes of a tile exist in a tree of this size: 0 to 256."""
    there = size >> (HEIGHT * level)
    return max(0, min(WIDTH, there - n * WIDTH))


def subtree_in_tile(hashes: Sequence[bytes], level: int, offset: int) -> bytes:
    """Return the hash of a subtree inside a tile: `level` 0 to 8 above the tile's own hashes, at `offset`."""
    row = hashes[offset << level : (offset + 1) << level]
    while len(row) > 1:
        row = parents(row)
    return row[0]


def edge_in_tile(hashes: Sequence[bytes]) -> tuple[bytes, ...]:
    """Return the complete subtrees over the beginning of a tile, as far as it exists, largest first."""
    return tuple(subtree_in_tile(hashes, level, index) for level, index in edge(0, len(hashes)))


def split(hashes: bytes) -> list[bytes]:
    """Return a stored tile's hashes."""
    return [hashes[i : i + HASH_BYTES] for i in range(0, len(hashes), HASH_BYTES)]


def tile_of(level: int, index: int) -> tuple[int, int]:
    """Return the tile (level, n) whose hashes a subtree's hash is computed from."""
    row, within = divmod(level, HEIGHT)
    return row, index // (WIDTH >> within)


def reader(tile: Callable[[int, int], Sequence[bytes]]) -> Callable[[int, int], bytes]:
    """Return a `read(level, index)` for proofs over `tile(level, n)`, which gives a tile's hashes as far as there are."""

    def read(level: int, index: int) -> bytes:
        row, within = divmod(level, HEIGHT)
        n, offset = divmod(index, WIDTH >> within)
        return subtree_in_tile(tile(row, n), within, offset)

    return read


def roots_of_full(hashes: Sequence[bytes]) -> bytes:
    """Return the root of a full tile, which is one hash of the tile above."""
    return subtree_in_tile(hashes, HEIGHT, 0)
