"""A PostgreSQL of the crash tests' own: it waits for its disk, and it can be killed with every process that it has."""

from __future__ import annotations

import contextlib
import os
import signal
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from tests.engines import PostgreSQL, migrate_to_head

# What a careful operator runs, said aloud. The last is about the time that a start takes, not about safety: after a
# crash the files are synced before they are read, all at once rather than each by itself.
DURABLE = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "recovery_init_sync_method": "syncfs",
}


@dataclass
class DurablePostgreSQL(PostgreSQL):
    """The server."""

    configuration: Mapping[str, str] = field(default_factory=lambda: dict(DURABLE))
    _template: str | None = None

    @classmethod
    def place(cls) -> Path:
        """Return where the folder is made: on a disk."""
        return Path("/tmp")

    def start_again(self) -> None:
        """Start it if it has given up by itself; a server without room for its log does."""
        if self._process is not None and self._process.poll() is not None:
            self.start()

    def kill(self) -> None:
        """Kill the postmaster and every backend at once: none may finish what it was at."""
        if self._process is None:
            return
        postmaster = self._process.pid
        os.kill(postmaster, signal.SIGSTOP)  # so that it starts none while we look
        family = [postmaster, *_children(postmaster)]
        for each in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        self._process.wait()
        self._process = None
        # A dead one that nobody has reaped holds no memory any more; one that still runs would block the next start.
        deadline = time.monotonic() + 10
        while any(_runs(each) for each in family) and time.monotonic() < deadline:
            time.sleep(0.002)

    def database(self) -> str:
        """Make a database at the newest migration and return its address."""
        if self._template is None:
            self._template = self._created("")
            migrate_to_head(self.url(self._template))
        return self.url(self._created(f'TEMPLATE "{self._template}"'))

    def drop(self, url: str) -> None:
        """Remove a database."""
        self._execute(f'DROP DATABASE IF EXISTS "{make_url(url).database}" WITH (FORCE)')

    def _created(self, how: str) -> str:
        name = f"c{uuid.uuid4().hex[:16]}"
        self._execute(f'CREATE DATABASE "{name}" {how}')
        return name

    def _execute(self, statement: str) -> None:
        with contextlib.closing(psycopg.connect(self.url("postgres"), autocommit=True)) as connection:
            connection.execute(statement)  # type: ignore[arg-type]  # names are ours


def _stat(process: int) -> list[str]:
    """Return state and parent, and what follows, of /proc/<process>/stat; nothing if there is no such process."""
    with contextlib.suppress(OSError):
        return (Path("/proc") / str(process) / "stat").read_text().rpartition(")")[2].split()
    return []


def _children(parent: int) -> list[int]:
    numbers = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [each for each in numbers if _stat(each)[1:2] == [str(parent)]]


def _runs(process: int) -> bool:
    return _stat(process)[:1] not in ([], ["Z"], ["X"])
