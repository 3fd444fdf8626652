"""Statements of the decision path, past SQLAlchemy's own machinery: a batch costs two round trips, not eight.

On PostgreSQL what is sent inside `pipelined()` does not wait for the answers of what was sent before (libpq's pipeline
mode), values travel in binary form, and many rows as one array for each column: a statement with as many placeholders
as rows times columns costs the client several times what the rows themselves cost. SQLite runs in our own process and
has nothing to wait for.

The connection is the session's: what runs here is part of the transaction that the entry point opened.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import orjson
from sqlalchemy.exc import DBAPIError

from consent_server.db import db, is_sqlite

Result = TypeVar("Result")
# What a question gives back: call it after `pipelined()` for its answer.
Answer = Callable[[], Result]


@dataclass(frozen=True)
class Sql:
    """One statement, by hand for each engine: `%(name)b` on PostgreSQL, `:name` on SQLite."""

    postgresql: str
    sqlite: str


@contextmanager
def pipelined() -> Iterator[None]:
    """Send what follows without waiting for answers; on leaving, all of it has been answered.

    Raises:
        DBAPIError: one of the statements failed; none after it was executed.
    """
    if is_sqlite() or (driver := _driver()).pgconn.pipeline_status:
        yield
        return
    with _translated(), driver.pipeline():
        yield


def ask(sql: Sql, parameters: Mapping[str, Any]) -> Answer[list[Any]]:
    """Send a question; the answer gives its rows as tuples, of plain values as the driver has them."""
    with _translated():
        cursor = _driver().cursor()
        cursor.execute(sql.sqlite if is_sqlite() else sql.postgresql, parameters)

    def rows() -> list[Any]:
        with _translated():
            found: list[Any] = cursor.fetchall()
            cursor.close()
        return found

    return rows


def tell(sql: Sql, parameters: Mapping[str, Any]) -> None:
    """Send a change."""
    with _translated():
        _driver().cursor().execute(sql.sqlite if is_sqlite() else sql.postgresql, parameters)


def tell_many(sql: Sql, columns: Mapping[str, Sequence[Any]], constants: Mapping[str, Any]) -> None:
    """Send a change of many rows: on PostgreSQL one array for each column, on SQLite the statement for each row.

    Args:
        sql: on PostgreSQL it unnests the columns' arrays, on SQLite it takes one row.
        columns: values by column, all of one length.
        constants: values that are the same for all rows.
    """
    if not is_sqlite():
        tell(sql, {**columns, **constants})
        return
    names = tuple(columns)
    rows = (
        {**constants, **dict(zip(names, row, strict=True))} for row in zip(*columns.values(), strict=True)
    )
    with _translated():
        _driver().cursor().executemany(sql.sqlite, rows)


def uuids(values: Sequence[uuid.UUID | None]) -> list[Any]:
    """Return UUIDs as the driver takes them: SQLite keeps them as 32 hex digits."""
    if is_sqlite():
        return [None if value is None else value.hex for value in values]
    return list(values)


def instants(values: Sequence[datetime]) -> list[Any]:
    """Return aware UTC instants as the driver takes them: SQLite keeps text without a zone."""
    if is_sqlite():
        return [value.replace(tzinfo=None).isoformat(" ", "microseconds") for value in values]
    return list(values)


def among(values: Sequence[Any]) -> Any:
    """Return a list parameter as the driver takes it: an array, or JSON text for SQLite's `json_each`."""
    return orjson.dumps(values).decode() if is_sqlite() else list(values)


def uuid_of(value: Any) -> uuid.UUID:
    """Return a UUID that the driver gave."""
    return value if isinstance(value, uuid.UUID) else uuid.UUID(hex=value)


def _driver() -> Any:
    return db.session.connection().connection.driver_connection


@contextmanager
def _translated() -> Iterator[None]:
    """Raise the driver's errors as SQLAlchemy's; a lost connection is thrown out of the pool."""
    try:
        yield
    except db.engine.dialect.loaded_dbapi.Error as error:
        connection = db.session.connection()
        lost = db.engine.dialect.is_disconnect(error, connection.connection.driver_connection, None)
        if lost:
            connection.invalidate(error)
        # As everywhere, without the values, which are visitors' data.
        raise DBAPIError.instance(
            None,
            None,
            error,
            db.engine.dialect.loaded_dbapi.Error,
            hide_parameters=True,
            connection_invalidated=lost,
            dialect=db.engine.dialect,
        ) from error
