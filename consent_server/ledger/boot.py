"""The gate at start: is the database one that keeps what it acknowledges, and is it the one that we last saw?

A database that was put back to an earlier state (an old backup, a failover that lost commits) looks sound from the
inside. Going on would give out indexes a second time and sign a second tree: two logs under one name. So the newest
head that was anchored outside must be in the database; where it is not, the log is *forked* and takes nothing more.
"""

from datetime import datetime
from typing import Any, cast

import structlog
from flask import Flask, current_app
from sqlalchemy import Connection, CursorResult, select, text, update

from consent_server import clock
from consent_server.audit import service as audit
from consent_server.db import db, transaction
from consent_server.ledger import anchor_file, anchors, merkle, tiles
from consent_server.ledger.advice import ADVICE
from consent_server.ledger.anchor_file import BadAnchor, Head
from consent_server.ledger.integrate import LogName, TreeRefused, newest_checkpoint, tile_hashes
from consent_server.ledger.models import Log
from consent_server.ledger.notes import BadNote, Checkpoint, open_checkpoint
from consent_server.ledger.published_keys import log_keys

log = structlog.get_logger(__name__)
# off: a crash loses acknowledged transactions. The other values wait at least for this server's own disk.
_POSTGRESQL = {"fsync": ("on",), "full_page_writes": ("on",)}
_SQLITE = {"synchronous": (2, 3), "journal_mode": ("wal",)}  # FULL, EXTRA


class UnsafeDatabase(Exception):
    """The database may lose what it has acknowledged; the text says which setting and how to mend it."""


def check(app: Flask) -> list[str]:
    """Check durability and anchors before the first append of this process; return the names of forked logs.

    Raises:
        UnsafeDatabase: the database may lose acknowledged transactions, and no setting allows that.
        BadAnchor: the anchor file is damaged.
    """
    with app.app_context():
        if not app.extensions["settings"].allow_unsafe_database:
            with db.engine.connect() as connection:
                check_durability(connection)
        forked = gate(now=clock.now())
        db.session.remove()
    return forked


def check_durability(connection: Connection) -> None:
    """Ask the database for the settings on which durability rests.

    Raises:
        UnsafeDatabase: one of them is off.
    """
    if connection.dialect.name == "sqlite":
        for name, safe in _SQLITE.items():
            if (value := connection.scalar(text(f"PRAGMA {name}"))) not in safe:
                raise UnsafeDatabase(f"SQLite's {name} is {value}; is the file on a local disk?")
        return
    for name in (*_POSTGRESQL, "synchronous_commit"):
        value = connection.scalar(text(f"SHOW {name}"))
        if value not in _POSTGRESQL.get(name, (value,)) or value == "off":
            raise UnsafeDatabase(
                f"PostgreSQL's {name} is {value}: it may lose receipts that were acknowledged. Set it to on "
                "(for tests only, CONSENT_ALLOW_UNSAFE_DATABASE=true lets the server start all the same)"
            )


def gate(*, now: datetime) -> list[str]:
    """Compare every open log with its newest anchored head; close those that do not hold it and return their names."""
    state = anchors.of_app()
    path = state.settings.anchor_file
    heads = anchor_file.newest(path) if path is not None else {}
    state.reached = {origin: head.size for origin, head in heads.items()}
    known = db.session.scalars(select(Log).order_by(Log.site_id, Log.epoch)).all()
    for origin in sorted(set(heads) - {each.origin for each in known}):
        log.warning("an anchored log is not in the database", origin=origin)
    open_logs = [each for each in known if each.state == "open"]
    lacking = [
        (LogName(each.site_id, each.epoch), each.name, heads[each.origin])
        for each in open_logs
        if each.origin in heads and not holds(LogName(each.site_id, each.epoch), heads[each.origin])
    ]
    for log_name, name, head in lacking:
        fork(log_name, name=name, size=head.size, now=now)
    return [name for _, name, _ in lacking]


def forked_logs() -> list[str]:
    """Return the names of the logs that wait for a restored backup or a recovery."""
    return list(db.session.scalars(select(Log.name).where(Log.state == "forked").order_by(Log.name)))


def holds(name: LogName, head: Head) -> bool:
    """Tell whether the first `head.size` leaves in the database are those of the anchored tree.

    Raises:
        BadAnchor: no checkpoint key of this server signed the head.
    """
    keys = log_keys(current_app.extensions["keys"], head.origin)
    try:
        signed = open_checkpoint(head.note, keys, origin=head.origin)
    except BadNote as error:
        raise BadAnchor(f"the anchor file's newest head of {head.origin} does not count: {error}") from error
    if signed != Checkpoint(head.origin, head.size, head.root):
        raise BadAnchor(f"the anchor file's newest head of {head.origin} was changed after it was signed")
    newest = newest_checkpoint(name)
    if newest is None or newest.size < head.size:
        return False
    try:
        return root_at(name, head.size) == head.root
    except TreeRefused:
        return False


def root_at(name: LogName, size: int) -> bytes:
    """Return the root over a log's first leaves, from its stored tiles and entries; reads at most two tiles a level."""
    kept = _Tiles(name, size)
    read = tiles.reader(lambda level, n: kept[level, n])
    return merkle.fold([read(level, index) for level, index in merkle.edge(0, size)])


def refuse_if_it_went_back(name: LogName, origin: str, *, now: datetime) -> None:
    """Close a log that is behind what this process has seen of it: the database was changed beneath a running server.

    Raises:
        TreeRefused: it was; signing on would make a second tree under one name.
    """
    reached = anchors.of_app().reached.get(origin, 0)
    newest = newest_checkpoint(name) if reached else None
    if reached and (newest is None or newest.size < reached):
        fork(name, name=origin.rpartition("/")[2], size=reached, now=now)
        raise TreeRefused(f"the tree was anchored at {reached} leaves, the database has an earlier one")


def fork(log_name: LogName, *, name: str, size: int, now: datetime) -> None:
    """Close a log for appends in a transaction of its own, and say what to do."""
    with transaction():
        closed = cast(
            "CursorResult[Any]",
            db.session.execute(
                update(Log)
                .where(Log.site_id == log_name.site_id, Log.epoch == log_name.epoch, Log.state == "open")
                .values(state="forked")
            ),
        )
        if closed.rowcount:  # of two processes that start at once, one tells
            audit.record(
                "ledger.forked",
                actor="system",
                now=now,
                site_id=log_name.site_id,
                target=name,
                anchored=size,
            )
    log.error("log forked", log=name, anchored_size=size, what_to_do=ADVICE["forked"])


class _Tiles(dict[tuple[int, int], list[bytes]]):
    """Tiles of a tree of one size, each read once."""

    def __init__(self, name: LogName, size: int) -> None:
        super().__init__()
        self._name, self._size = name, size

    def __missing__(self, address: tuple[int, int]) -> list[bytes]:
        self[address] = tile_hashes(self._name, *address, self._size)
        return self[address]
