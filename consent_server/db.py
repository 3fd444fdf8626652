"""The database layer: base class, column types, engine settings, `transaction()` and `violated()`.

Transactions are opened here and nowhere else. SQLite runs in WAL mode with `synchronous=FULL`, and what runs
inside `transaction()` starts with `BEGIN IMMEDIATE`: a deferred transaction that reads first and writes later
fails with "database is locked" under load however long its busy timeout is. Reads outside it use a plain BEGIN
and wait for nobody.
"""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import orjson
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, DateTime, Dialect, Integer, LargeBinary, MetaData, Text, event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
BUSY_TIMEOUT_MS = 10_000

# SQLite gives a row number only to INTEGER PRIMARY KEY; PostgreSQL gets eight bytes.
RowId = BigInteger().with_variant(Integer(), "sqlite")


class Base(DeclarativeBase):
    """Mother of all models: one metadata, one naming convention."""

    metadata = MetaData(naming_convention=NAMES)


db = SQLAlchemy(model_class=Base, disable_autonaming=True)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC instant; a naive value is a bug and raises `ValueError`.

    SQLite keeps no zone, so the zone is put back on the way out.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive values and turn others to UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r}; pass clock.now()")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give every value its zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class JsonText(TypeDecorator[Any]):
    """JSON kept as text with sorted keys: the same bytes come back on every engine."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Serialise to text."""
        return None if value is None else orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Parse the text."""
        return None if value is None else orjson.loads(value)


class PackedText(TypeDecorator[str]):
    """A long text, kept as a deflate stream (RFC 1950): a third of its size and less."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        """Pack the text."""
        return None if value is None else zlib.compress(value.encode())

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        """Unpack the text."""
        return None if value is None else zlib.decompress(value).decode()


_writing: ContextVar[bool] = ContextVar("writing", default=False)


@contextmanager
def transaction() -> Iterator[None]:
    """Commit on leaving, roll back on any error. Only entry points open one; it does not nest.

    A read transaction that the session opened before is ended first, so that the work inside sees the newest
    data and, on SQLite, holds the write lock from its first statement.
    """
    if _writing.get():
        raise RuntimeError("transaction() does not nest: open it at the entry point only")
    db.session.rollback()
    token = _writing.set(True)
    try:
        yield
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise
    finally:
        _writing.reset(token)


def violated(error: IntegrityError, table: str, *columns: str) -> bool:
    """Tell whether `error` is the unique constraint over these columns of this table.

    SQLite names the columns, PostgreSQL the constraint; both follow from the naming convention.
    """
    constraint = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
    if constraint is not None:
        return bool(constraint == f"uq_{table}_{'_'.join(columns)}")
    return str(error.orig).endswith(": " + ", ".join(f"{table}.{column}" for column in columns))


def unreachable(error: Exception) -> bool:
    """Tell whether the database could not be reached, or one of a distributed database's nodes."""
    if isinstance(error, (OperationalError, PoolTimeout)):
        return True
    if not isinstance(error, DBAPIError):
        return False
    # Citus calls it an internal error, for want of a state of its own.
    return error.connection_invalidated or "failure on connection" in str(error.orig)


def is_sqlite(engine: Engine | None = None) -> bool:
    """Tell whether this engine (by default the app's) is SQLite."""
    return (engine or db.engine).dialect.name == "sqlite"


def prepare_engine(engine: Engine, *, prepares: bool) -> None:
    """Attach what the engine needs: SQLite's pragmas and BEGIN IMMEDIATE, or what `postgresql` says of connections.

    Args:
        engine: a new one.
        prepares: whether statements may be prepared; not so behind a pooler that shares sessions between transactions.
    """
    if engine.dialect.name != "sqlite":
        from consent_server import postgresql  # the driver is an extra

        postgresql.prepare_engine(engine, prepares=prepares)
        return
    event.listen(engine, "connect", _sqlite_pragmas)
    event.listen(engine, "begin", _sqlite_begin)


def _sqlite_pragmas(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not open transactions behind our back
    cursor = connection.cursor()
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "recursive_triggers=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _sqlite_begin(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if _writing.get() else "BEGIN")
