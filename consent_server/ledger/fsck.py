"""fsck: check every log from its payloads' bytes up to its signed checkpoints and the anchors outside the database.

Nothing stored is believed: hashes, tiles, edge and roots are computed anew and compared. Memory does not grow with a log
(but for two bits a leaf, to match blank rows with the erase leaves that name them). All of a site's logs are read in one
snapshot, and of the anchor file what was there before it, so that a server that goes on appending does not disturb it.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, func, select, text

from consent_server.keys import KeyRing
from consent_server.ledger import fsck_rows, merkle
from consent_server.ledger.anchor_check import Recoveries, check_anchors, cited_by
from consent_server.ledger.anchor_file import as_of_now
from consent_server.ledger.findings import Finding, Report, Scope
from consent_server.ledger.fsck_leaves import LeafCheck
from consent_server.ledger.fsck_rows import Erasures, Row
from consent_server.ledger.fsck_tree import TreeCheck
from consent_server.ledger.integrate import LogName, entry_of
from consent_server.ledger.leaf_rules import ERASE, RECOVERY
from consent_server.ledger.models import Log, Receipt
from consent_server.ledger.published_keys import log_keys

Progress = Callable[[str, int, int], None]  # log, leaves checked, leaves in all


@dataclass(frozen=True)
class LogFacts:
    """A log's row."""

    site_id: int
    epoch: int
    name: str
    origin: str
    size: int
    state: str

    @property
    def key(self) -> LogName:
        """Its key in the other tables."""
        return LogName(self.site_id, self.epoch)


@dataclass
class _Site:
    """What is only known once all epochs of a site were read."""

    leaves: LeafCheck
    erasures: dict[int, Erasures] = field(default_factory=dict)
    recoveries: Recoveries = field(default_factory=dict)


def check(
    connection: Connection,
    ring: KeyRing,
    *,
    anchor_file: Path | None = None,
    only: str | None = None,
    progress: Progress = lambda log, done, size: None,
) -> Report:
    """Check all logs, or those of the site of the log named `only`, and return what is wrong."""
    report = Report()
    # Before the database is looked at: what a server anchors later need not be in the snapshot.
    with as_of_now(anchor_file) as anchored:
        logs = _logs(connection)
        chosen = {log.site_id for log in logs if only in (None, log.name)}
        recoveries: Recoveries = {}
        for site_id in sorted(chosen):
            epochs = [log for log in logs if log.site_id == site_id]
            recoveries |= _check_site(connection, ring, epochs, report, progress)
        origins = {log.origin: log.key for log in logs if log.site_id in chosen}
        known = None if only is None else set(origins)
        check_anchors(connection, ring, anchored, origins, only=known, recoveries=recoveries, report=report)
    return report


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """Return a connection that sees the database as it is now until it is closed."""
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
            connection.execute(text("SET TRANSACTION READ ONLY"))
        yield connection


def check_file(connection: Connection, report: Report) -> None:
    """On SQLite, check the database file itself: an index that misses a row would hide it from every query."""
    if connection.dialect.name != "sqlite":
        return
    for (line,) in connection.execute(text("PRAGMA integrity_check(20)")):
        if line != "ok":
            report.add(Finding(None, "database file", "page", None, line))


def _logs(connection: Connection) -> list[LogFacts]:
    rows = connection.execute(
        select(Log.site_id, Log.epoch, Log.name, Log.origin, Log.size, Log.state).order_by(
            Log.site_id, Log.epoch
        )
    )
    return [LogFacts(*row) for row in rows]


def _check_site(
    connection: Connection, ring: KeyRing, epochs: Sequence[LogFacts], report: Report, progress: Progress
) -> Recoveries:
    told = LeafCheck(connection, ring, epochs[0].site_id)
    site = _Site(told, {log.epoch: Erasures(log.size) for log in epochs})
    for log in epochs:
        _LogCheck(connection, ring, log, Scope(report, log.site_id, log.name), site).run(progress)
    for log in epochs:
        erasures, scope = site.erasures[log.epoch], Scope(report, log.site_id, log.name)
        for index in erasures.blank.without(erasures.named):
            scope.add("receipt", index, "it is blank, but no erase leaf names it")
        for index in erasures.named.without(erasures.blank):
            scope.add("receipt", index, "an erase leaf names it, but it is not blank")
    newest = epochs[-1]
    if newest.state == "open":
        told.finish(newest.epoch, Scope(report, newest.site_id, newest.name))
    _check_ids(connection, Scope(report, epochs[0].site_id, epochs[0].name))
    return site.recoveries


def _check_ids(connection: Connection, scope: Scope) -> None:
    query = (
        select(Receipt.receipt_id, func.count(), func.max(Receipt.idx))
        .where(Receipt.site_id == scope.site_id)
        .group_by(Receipt.receipt_id)
        .having(func.count() > 1)
    )
    for receipt_id, count, index in connection.execute(query.limit(20)):
        scope.add("receipt", index, f"its id {uuid.UUID(str(receipt_id))} stands {count} times")


class _LogCheck:
    """One log, in the order of its indexes."""

    def __init__(
        self, connection: Connection, ring: KeyRing, log: LogFacts, scope: Scope, site: _Site
    ) -> None:
        self._connection, self._log, self._scope, self._site = connection, log, scope, site
        self._kids = frozenset(ring.receipt_keys) | frozenset(ring.checkpoint_keys)
        keys = log_keys(ring, log.origin)
        self._tree = TreeCheck(connection, log.key, scope, origin=log.origin, keys=keys)
        self._expected = 0
        self._broken_at: int | None = None

    def run(self, progress: Progress) -> None:
        """Check the log."""
        for page in fsck_rows.rows(self._connection, self._log.key):
            leaves = []
            for idx, row in page:
                entry = self._entry(idx, row)
                if entry is not None and self._broken_at is None:
                    leaves.append(merkle.leaf_hash(entry))
            self._tree.push(leaves)
            progress(self._log.name, self._expected, self._log.size)
        if self._expected < self._log.size:
            last = self._log.size - 1
            self._scope.add("receipt", self._expected, f"it and all others up to {last} are missing")
        self._tree.finish(broken_at=self._broken_at)
        self._scope.report.logs += 1

    def _entry(self, idx: int, row: Row | None) -> bytes | None:
        """Check one row and return what the log commits to there, from the payload if there is one."""
        if not self._in_place(idx):
            return None
        self._scope.report.leaves += 1
        if row is None:
            self._scope.add("receipt", idx, "a column holds a value that cannot be read")
            self._break(idx)
            return None
        claims = fsck_rows.claims_of(row.payload)
        for what in fsck_rows.contradictions(row, claims, self._kids):
            self._scope.add("receipt", idx, what)
        if row.payload is None:
            self._site.erasures[self._log.epoch].blank.add(idx)
            return row.entry
        if claims is not None:
            self._site.leaves.take(self._log.epoch, idx, row.kid, claims, self._scope)
            if claims.get("schema") in (ERASE, RECOVERY):
                self._take(idx, claims)
        return entry_of(row.payload)

    def _in_place(self, idx: int) -> bool:
        if idx < 0:
            self._scope.add("receipt", idx, "no log has such an index")
            return False
        if idx > self._expected:
            to = "" if idx == self._expected + 1 else f", and all others up to {idx - 1}"
            self._scope.add("receipt", self._expected, f"it is missing{to}")
            self._break(self._expected)
        if idx >= self._log.size:
            self._scope.add("receipt", idx, f"the log's size is {self._log.size}")
        self._expected = idx + 1
        return True

    def _break(self, idx: int) -> None:
        if self._broken_at is None:
            self._broken_at = idx

    def _take(self, idx: int, claims: Mapping[str, Any]) -> None:
        """Remember what an erase leaf or a recovery leaf says; it may be about another epoch of the site."""
        if claims["schema"] == RECOVERY:
            cited = cited_by(claims)
            if cited is None:
                self._scope.add("receipt", idx, "a recovery leaf that cites no head")
            else:
                self._site.recoveries[str(claims.get("origin"))] = cited
            return
        epoch = claims.get("epoch", self._log.epoch)
        erasures = self._site.erasures.get(epoch) if isinstance(epoch, int) else None
        if erasures is None or not erasures.name(claims.get("indexes")):
            self._scope.add("receipt", idx, "an erase leaf that names what is not in the log")
