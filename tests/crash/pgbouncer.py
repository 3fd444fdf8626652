"""PgBouncer in transaction mode in front of a test's PostgreSQL: every transaction may get another connection."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from tests.engines import PostgreSQL, other_user

PORT = 6432  # only part of the socket's name: nothing listens on the network
MISSING = "NO PGBOUNCER TEST WAS RUN: apt install pgbouncer"
CONFIGURATION = """\
[databases]
* = host={server} user=postgres

[pgbouncer]
pool_mode = transaction
default_pool_size = {connections}
max_client_conn = 500
listen_addr =
listen_port = {port}
unix_socket_dir = {folder}
auth_type = any
logfile = {folder}/log
pidfile = {folder}/pid
"""


@dataclass
class PgBouncer:
    """One pooler with a few connections for many clients. `close` ends it."""

    folder: Path
    _process: subprocess.Popen[bytes] = field(repr=False)

    @classmethod
    def before(cls, server: PostgreSQL, *, connections: int) -> PgBouncer:
        """Start a pooler in front of a server and wait until it answers."""
        program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
        if program is None:
            if os.environ.get("CI") == "true":
                pytest.fail(MISSING)
            pytest.skip(MISSING)
        folder = Path(tempfile.mkdtemp(prefix="pool-", dir="/tmp"))
        settings = folder / "pgbouncer.ini"
        settings.write_text(
            CONFIGURATION.format(server=server.folder, folder=folder, port=PORT, connections=connections)
        )
        if (user := other_user()) is not None:  # like PostgreSQL it refuses to run as root
            for path in (folder, settings):
                os.chown(path, pwd.getpwnam(user).pw_uid, -1)
        made = cls(folder, subprocess.Popen([program, "-q", settings], user=user, cwd=folder))
        made._wait()
        return made

    def url(self, behind: str) -> str:
        """Return the address through the pooler of a database whose own address this is."""
        return f"postgresql://postgres@/{make_url(behind).database}?host={self.folder}&port={PORT}"

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(timeout=30)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _wait(self) -> None:
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(self.url("postgresql:///postgres"), prepare_threshold=None).close()
                return
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.folder / "log").read_text(errors="replace"))
            time.sleep(0.05)
