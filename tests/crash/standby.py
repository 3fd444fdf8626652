"""Two PostgreSQL servers, one the other's standby, that change places when the first is killed."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from tests.engines import other_user

from .postgres import DURABLE, DurablePostgreSQL

SYNCHRONOUS = "synchronous_standby_names"


@dataclass
class Pair:
    """A primary and its standby. Servers know both by one address and find by themselves which of them writes."""

    primary: DurablePostgreSQL
    standby: DurablePostgreSQL
    synchronous: bool

    @classmethod
    def create(cls) -> Pair:
        """Make a primary, and a folder for a standby that `attach` fills."""
        primary = DurablePostgreSQL.create()
        folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
        if (user := other_user()) is not None:
            folder.chmod(0o755)
            os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
        return cls(primary, DurablePostgreSQL(primary.bin, folder), synchronous=True)

    def url(self, database: str) -> str:
        """Return an address that always leads to whichever of the two takes writes."""
        hosts = ",".join(sorted(str(node.folder) for node in (self.primary, self.standby)))
        return f"postgresql://postgres@/{database}?host={hosts}&target_session_attrs=read-write"

    def database(self) -> str:
        """Make a database at the newest migration, and return the address of both servers for it."""
        self._wait_for_standby(False)
        made = make_url(self.primary.database()).database
        assert made is not None
        return self.url(made)

    def attach(self, *, synchronous: bool) -> None:
        """Make the standby anew from the primary, and have commits wait for it if it is to be synchronous."""
        self.synchronous = synchronous
        self.standby.stop()
        shutil.rmtree(self.standby.folder / "data", ignore_errors=True)
        source = f"host={self.primary.folder} user=postgres application_name=standby"
        self.standby.run(
            "pg_basebackup",
            "-D",
            str(self.standby.folder / "data"),
            "-d",
            source,
            "--checkpoint=fast",
            "--no-sync",
        )
        (self.standby.folder / "data" / "standby.signal").touch()
        if (user := other_user()) is not None:
            os.chown(self.standby.folder / "data" / "standby.signal", pwd.getpwnam(user).pw_uid, -1)
        self.standby.configuration = self._configuration() | {"primary_conninfo": source}
        self.standby.start()
        self._wait_for_standby(synchronous)

    def fail_over(self) -> None:
        """Kill the primary and let the standby take its place; the dead one is the next standby's folder."""
        self.primary.kill()
        with contextlib.closing(psycopg.connect(self.standby.url("postgres"), autocommit=True)) as connection:
            connection.execute("SELECT pg_promote(wait => true)")
        self.primary, self.standby = self.standby, self.primary

    def hold_back(self) -> None:
        """Stop the primary's sender, so that the standby falls behind: what a slow network does to an asynchronous one."""
        with contextlib.closing(psycopg.connect(self.primary.url("postgres"))) as connection:
            [(sender,)] = connection.execute("SELECT pid FROM pg_stat_replication").fetchall()
        os.kill(sender, signal.SIGSTOP)

    def remove(self) -> None:
        """Stop both and delete their folders."""
        self.standby.kill()
        self.standby.remove()
        self.primary.kill()
        self.primary.remove()

    def _configuration(self) -> dict[str, str]:
        return DURABLE | ({SYNCHRONOUS: "standby"} if self.synchronous else {})

    def _wait_for_standby(self, synchronous: bool) -> None:
        """Set whether commits wait for the standby, and wait until they do, or do not."""
        self.synchronous = synchronous
        self.primary.configure(self._configuration())
        wanted = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = 'sync'"
        with contextlib.closing(psycopg.connect(self.primary.url("postgres"), autocommit=True)) as connection:
            connection.execute("SELECT pg_reload_conf()")
            deadline = time.monotonic() + 30
            while synchronous and connection.execute(wanted).fetchone() != (1,):
                assert time.monotonic() < deadline, "the standby does not follow"
                time.sleep(0.02)
