"""Our connections to PostgreSQL: alive when they are taken from the pool, and sure of what they have committed.

A commit counts only when the synchronous standby has it.

A commit that waits for a standby can be cancelled (`pg_cancel_backend`, an operator who loses patience). PostgreSQL then
answers *success*, with a warning beside it: the transaction is on this server's disk, and a failover may lose it. For us
that is no success, so `commit()` raises. Whoever sent the decision sends it again; the retry locks the log's row, which
writes to the write-ahead log, and so its own commit waits for the standby too.
"""

import select
import time
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.errors import Diagnostic
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from consent_server import pipeline
from consent_server.pipeline import Command, Rows

WARNING = "01000"
PING_AFTER_SECONDS = 1.0
FEW_ROWS = 500
FORGET = Command(b"", b"DEALLOCATE ALL", (), ())


class UnconfirmedCommit(psycopg.OperationalError):
    """The database took the commit and warned that it may not last."""


class Connection(psycopg.Connection[Any]):
    """A connection whose `commit()` raises `UnconfirmedCommit`, and closes it, when the commit came with a warning.

    What it is told goes with the next question, or with the commit: a change that nobody asks about needs no round trip
    of its own. An error of such a change is raised then.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.prepared: set[bytes] | None = None  # names of prepared statements; None where none may be
        self._planned_for = 0  # rows
        self._forgets = False  # what is prepared must be forgotten before it is used again
        self._told: list[Command] = []
        self._warnings: list[str] = []
        # Not a bound method: the connection would hold itself, and close only when cycles are collected.
        self.add_notice_handler(_collect_into(self._warnings))

    def tell(self, commands: Sequence[Command]) -> None:
        """Take changes to execute before whatever comes next."""
        self._told += commands

    def ask(self, questions: Sequence[Command]) -> list[Rows]:
        """Execute what was told and then questions, in one round trip, and return the rows of each question.

        Raises:
            psycopg.Error: of the first statement that failed; none after it was executed.
        """
        return self._run(questions, commit=False)

    def plan_for(self, rows: int) -> None:
        """Have statements planned anew when tables have doubled since.

        The server keeps a plan until it has analysed the table, which may be a minute later: what was planned on an empty
        table reads all of it, and goes on doing so while it fills.
        """
        if rows > 2 * self._planned_for + FEW_ROWS:
            self._planned_for, self._forgets = rows, True

    def commit(self) -> None:
        """Commit what was told and all before.

        Raises:
            UnconfirmedCommit: the server warned meanwhile; the transaction may or may not outlive it.
            psycopg.Error: a change failed, and with it all of the transaction.
        """
        self._warnings.clear()
        if self._told:
            self._run((), commit=True)
        else:
            super().commit()
        if self._warnings:
            self.close()
            raise UnconfirmedCommit(f"the commit is not confirmed: {self._warnings[0]}")

    def rollback(self) -> None:
        """Roll back; what was told is forgotten."""
        self._told = []
        super().rollback()

    def cursor(self, *arguments: Any, **options: Any) -> Any:
        """Return a cursor, which sees what was told."""
        if self._told:
            self._run((), commit=False)
        return super().cursor(*arguments, **options)

    def _run(self, questions: Sequence[Command], *, commit: bool) -> list[Rows]:
        told, self._told = self._told, []
        if self._forgets and self.prepared is not None:
            self.prepared.clear()
            told.insert(0, FORGET)
        try:
            rows = pipeline.run(self, [*told, *questions], prepared=self.prepared, commit=commit)
        except BaseException:
            self._forgets = True  # some of it may have been prepared
            raise
        self._forgets = False
        return rows[len(told) :]


def _collect_into(warnings: list[str]) -> Any:
    def collect(notice: Diagnostic) -> None:
        if notice.sqlstate == WARNING:
            warnings.append(notice.message_primary or "a warning")

    return collect


def prepare_engine(engine: Engine, *, prepares: bool) -> None:
    """Have an engine make such connections, and look at those that may be dead before it gives them out.

    Args:
        engine: a new one.
        prepares: whether statements may be prepared; not so behind a pooler that shares sessions between transactions.
    """
    event.listen(engine, "do_connect", _connect)
    if prepares:
        event.listen(engine, "connect", _note_prepared)
    event.listen(engine, "checkin", _note_return)
    event.listen(engine, "checkout", _ping_idle)


def _connect(_dialect: Any, _record: Any, arguments: Any, options: Any) -> Connection:
    return Connection.connect(*arguments, **options)


def _note_prepared(connection: Any, _record: ConnectionPoolEntry) -> None:
    connection.prepared = set()


def _note_return(_connection: Any, record: ConnectionPoolEntry) -> None:
    record.info["returned"] = time.monotonic()


def _ping_idle(connection: Any, record: ConnectionPoolEntry, _proxy: PoolProxiedConnection) -> None:
    """Ask a connection that may be dead whether it lives; the pool gives another one if it does not.

    `pool_pre_ping` would ask every time, which costs a busy committer a round trip a batch. A server that ended the
    connection has said so, or the socket is at its end: then there is something to read. Silence for longer may also
    be a network that forgot us.
    """
    returned = record.info.get("returned")
    if returned is None:
        return
    try:
        socket = select.poll()
        socket.register(connection.fileno(), select.POLLIN)
        if socket.poll(0) or time.monotonic() - returned >= PING_AFTER_SECONDS:
            connection.execute("").close()
            connection.rollback()
    except psycopg.Error as error:
        raise DisconnectionError from error
