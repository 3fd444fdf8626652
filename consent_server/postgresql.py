"""Our connection to PostgreSQL: a commit counts only when the synchronous standby has it.

A commit that waits for a standby can be cancelled (`pg_cancel_backend`, an operator who loses patience). PostgreSQL then
answers *success*, with a warning beside it: the transaction is on this server's disk, and a failover may lose it. For us
that is no success, so `commit()` raises. Whoever sent the decision sends it again; the retry locks the log's row, which
writes to the write-ahead log, and so its own commit waits for the standby too.
"""

from typing import Any

import psycopg
from psycopg.errors import Diagnostic

WARNING = "01000"


class UnconfirmedCommit(psycopg.OperationalError):
    """The database took the commit and warned that it may not last."""


class Connection(psycopg.Connection[Any]):
    """A connection whose `commit()` raises `UnconfirmedCommit`, and closes it, when the commit came with a warning."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._warnings: list[str] = []
        # Not a bound method: the connection would hold itself, and close only when cycles are collected.
        self.add_notice_handler(_collect_into(self._warnings))

    def commit(self) -> None:
        """Commit.

        Raises:
            UnconfirmedCommit: the server warned meanwhile; the transaction may or may not outlive it.
        """
        self._warnings.clear()
        super().commit()
        if self._warnings:
            self.close()
            raise UnconfirmedCommit(f"the commit is not confirmed: {self._warnings[0]}")


def _collect_into(warnings: list[str]) -> Any:
    def collect(notice: Diagnostic) -> None:
        if notice.sqlstate == WARNING:
            warnings.append(notice.message_primary or "a warning")

    return collect


def connect(_dialect: Any, _record: Any, arguments: Any, options: Any) -> Connection:
    """Make a connection of ours where SQLAlchemy would make a plain one."""
    return Connection.connect(*arguments, **options)
