"""fsck, part two: the tree over a log, computed anew from its leaves, against every stored tile and checkpoint."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, func, select

from consent_server.ledger import merkle, tiles
from consent_server.ledger.findings import Scope
from consent_server.ledger.integrate import LogName
from consent_server.ledger.models import SignedCheckpoint, Tile, Tree
from consent_server.ledger.notes import BadNote, Checkpoint, NoteKey, open_checkpoint

PAGE = 500
TOP = 7  # the highest level of tiles: a tree of 2^64 leaves has no higher one


class Signed(NamedTuple):
    """A checkpoint's columns."""

    size: int
    root: bytes
    note: str
    signed_at: datetime


class TreeCheck:
    """Takes a log's leaf hashes in order; compares as soon as something stored can be compared."""

    def __init__(
        self, connection: Connection, log: LogName, scope: Scope, *, origin: str, keys: Sequence[NoteKey]
    ) -> None:
        self._connection, self._log, self._scope = connection, log, scope
        self._origin, self._keys = origin, keys
        self._edge = merkle.Frontier()
        self._full: dict[int, list[bytes]] = defaultdict(list)
        self._next_tile: dict[int, int] = defaultdict(int)
        self._integrated, self._frontier = self._tree_row()
        self._signed = checkpoints(connection, log)
        self._last: Signed | None = None
        self._next = self._advance()
        self._compare_edge()

    def push(self, leaves: Sequence[bytes]) -> None:
        """Append leaves; those that something stored ends at are the places to stop and compare."""
        done = 0
        while done < len(leaves):
            chunk = leaves[done : done + self._room(len(leaves) - done)]
            self._edge, complete = self._edge.extend(chunk)
            done += len(chunk)
            for level, _, each in complete:
                if level % tiles.HEIGHT == 0:
                    self._into_tile(level // tiles.HEIGHT, each)
            self._compare_edge()
            while self._next is not None and self._next.size <= self._edge.size:
                self._compare_checkpoint(self._next)
                self._next = self._advance()

    def finish(self, *, broken_at: int | None) -> None:
        """Report what claims more than there are leaves; `broken_at` is the leaf at which the tree broke off."""
        if broken_at is not None:
            self._scope.add(
                "tree", broken_at, "leaves are missing; nothing above can be computed from here on"
            )
        while self._next is not None:
            if broken_at is None:
                what = f"signed for more than the log's {self._edge.size} leaves"
                self._scope.add("checkpoint", self._next.size, what)
            self._signature(self._next)
            self._next = self._advance()
        if broken_at is None and self._integrated > self._edge.size:
            self._scope.add("tree", self._integrated, f"the log has only {self._edge.size} leaves")
        if (self._last.size if self._last else 0) != self._integrated:
            self._scope.add("tree", self._integrated, "the newest checkpoint is of another size")
        self._surplus_tiles()

    def _tree_row(self) -> tuple[int, bytes]:
        row = self._connection.execute(
            select(Tree.integrated, Tree.frontier).where(
                Tree.site_id == self._log.site_id, Tree.epoch == self._log.epoch
            )
        ).one_or_none()
        return (0, b"") if row is None else (row.integrated, row.frontier)

    def _advance(self) -> Signed | None:
        signed = next(self._signed, None)
        if signed is None:
            return None
        self._scope.report.checkpoints += 1
        if self._last is not None and signed.signed_at < self._last.signed_at:
            self._scope.add("checkpoint", signed.size, "signed earlier than the smaller one before it")
        self._last = signed
        return signed

    def _room(self, most: int) -> int:
        """Return how many leaves may be added before the next comparison."""
        stops = [self._edge.size + most, self._integrated]
        if self._next is not None:
            stops.append(self._next.size)
        return min(stop for stop in stops if stop > self._edge.size) - self._edge.size

    def _compare_edge(self) -> None:
        if self._edge.size == self._integrated and self._frontier != b"".join(self._edge.hashes):
            self._scope.add("tree", self._integrated, "the stored edge is not the one over the payloads")

    def _compare_checkpoint(self, signed: Signed) -> None:
        if signed.size < 1 or signed.root != self._edge.root():
            self._scope.add("checkpoint", signed.size, "its root is not the one over the payloads")
        self._signature(signed)

    def _signature(self, signed: Signed) -> None:
        try:
            found = open_checkpoint(signed.note, self._keys, origin=self._origin)
        except BadNote as error:
            self._scope.add("checkpoint", signed.size, f"its note does not count: {error}")
            return
        if found != Checkpoint(self._origin, signed.size, signed.root):
            self._scope.add("checkpoint", signed.size, "its note says another size or root than its columns")

    def _into_tile(self, level: int, each: bytes) -> None:
        row = self._full[level]
        row.append(each)
        if len(row) < tiles.WIDTH:
            return
        n = self._next_tile[level]
        self._full[level], self._next_tile[level] = [], n + 1
        if n < self._expected(level):
            self._compare_tile(level, n, row)

    def _compare_tile(self, level: int, n: int, computed: Sequence[bytes]) -> None:
        stored = self._connection.execute(
            select(Tile.hashes, Tile.root).where(*_of(self._log), Tile.level == level, Tile.n == n)
        ).one_or_none()
        where = f"tile of level {level}"
        if stored is None:
            self._scope.add(where, n, "it is missing")
            return
        hashes = tiles.split(stored.hashes)
        if hashes != computed:
            self._scope.add(where, n, _difference(hashes, computed, level, n))
        if stored.root != tiles.roots_of_full(computed):
            self._scope.add(where, n, "its root is not the one over the payloads")

    def _expected(self, level: int) -> int:
        return max(0, self._integrated) >> (tiles.HEIGHT * (level + 1))

    def _surplus_tiles(self) -> None:
        query = select(Tile.level, func.min(Tile.n), func.max(Tile.n)).where(*_of(self._log))
        for level, least, most in self._connection.execute(query.group_by(Tile.level).order_by(Tile.level)):
            expected = self._expected(level) if 0 <= level <= TOP else 0
            for n in {least, most}:
                if not 0 <= n < expected:
                    self._scope.add(f"tile of level {level}", n, "no tree of this size has it")


def checkpoints(connection: Connection, log: LogName) -> Iterator[Signed]:
    """Return a log's checkpoints by size, read a page at a time."""
    after: int | None = None
    while True:
        query = select(
            SignedCheckpoint.size, SignedCheckpoint.root, SignedCheckpoint.note, SignedCheckpoint.signed_at
        ).where(SignedCheckpoint.site_id == log.site_id, SignedCheckpoint.epoch == log.epoch)
        if after is not None:
            query = query.where(SignedCheckpoint.size > after)
        page = connection.execute(query.order_by(SignedCheckpoint.size).limit(PAGE)).all()
        if not page:
            return
        yield from (Signed(*row) for row in page)
        after = page[-1].size


def _of(log: LogName) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Tile.site_id == log.site_id, Tile.epoch == log.epoch


def _difference(stored: Sequence[bytes], computed: Sequence[bytes], level: int, n: int) -> str:
    places = [k for k, each in enumerate(computed) if k >= len(stored) or stored[k] != each]
    if level or not places:
        return f"{len(places)} of its hashes are not those over the payloads"
    first = n * tiles.WIDTH
    named = ", ".join(str(first + k) for k in places[:5]) + (", …" if len(places) > 5 else "")
    return f"its hash is not that of the payload at index {named}"
