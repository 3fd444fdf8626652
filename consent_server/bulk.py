"""Statements of the decision path, past SQLAlchemy's own machinery, which costs more than the statements themselves.

On PostgreSQL what is sent inside `pipelined()` does not wait for the answers of what was sent before (libpq's pipeline
mode), values travel in binary form, and many rows as one array for each column: a statement with as many placeholders
as rows times columns costs the client several times what the rows themselves cost. SQLite runs in our own process and
has nothing to wait for.

A line is the session's own connection: what runs here is part of the transaction that the entry point opened.
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
# What a question gives back: call it for its answer, after `pipelined()` where it was asked inside.
Answer = Callable[[], Result]


@dataclass(frozen=True)
class Sql:
    """One statement, by hand for each engine: `%(name)b` on PostgreSQL, `:name` on SQLite."""

    postgresql: str
    sqlite: str


class Line:
    """The connection of the session's transaction, as its driver has it."""

    def __init__(self) -> None:
        self._connection = db.session.connection()
        self._driver: Any = self._connection.connection.driver_connection
        self.on_sqlite = is_sqlite(self._connection.engine)

    @contextmanager
    def pipelined(self) -> Iterator[None]:
        """Send what follows without waiting for answers; on leaving, all of it has been answered.

        Raises:
            DBAPIError: one of the statements failed; none after it was executed.
        """
        if self.on_sqlite or self._driver.pgconn.pipeline_status:
            yield
            return
        with self._translated(), self._driver.pipeline():
            yield

    def ask(self, sql: Sql, parameters: Mapping[str, Any]) -> Answer[list[Any]]:
        """Send a question; the answer gives its rows as tuples, of plain values as the driver has them."""
        cursor = self._execute(sql, parameters)

        def rows() -> list[Any]:
            with self._translated():
                found: list[Any] = cursor.fetchall()
            return found

        return rows

    def tell(self, sql: Sql, parameters: Mapping[str, Any]) -> None:
        """Send a change."""
        self._execute(sql, parameters)

    def tell_many(self, sql: Sql, columns: Mapping[str, Sequence[Any]], constants: Mapping[str, Any]) -> None:
        """Send a change of many rows: on PostgreSQL one array for each column, on SQLite the statement for each row.

        Args:
            sql: on PostgreSQL it unnests the columns' arrays, on SQLite it takes one row.
            columns: values by column, all of one length.
            constants: values that are the same for all rows.
        """
        if not self.on_sqlite:
            self.tell(sql, {**columns, **constants})
            return
        names = tuple(columns)
        rows = (
            {**constants, **dict(zip(names, row, strict=True))} for row in zip(*columns.values(), strict=True)
        )
        with self._translated():
            self._driver.cursor().executemany(sql.sqlite, rows)

    def uuids(self, values: Sequence[uuid.UUID | None]) -> list[Any]:
        """Return UUIDs as the driver takes them: SQLite keeps them as 32 hex digits."""
        if self.on_sqlite:
            return [None if value is None else value.hex for value in values]
        return list(values)

    def instants(self, values: Sequence[datetime]) -> list[Any]:
        """Return aware UTC instants as the driver takes them: SQLite keeps text without a zone."""
        if self.on_sqlite:
            return [value.replace(tzinfo=None).isoformat(" ", "microseconds") for value in values]
        return list(values)

    def among(self, values: Sequence[Any]) -> Any:
        """Return a list parameter as the driver takes it: an array, or JSON text for SQLite's `json_each`."""
        return orjson.dumps(values).decode() if self.on_sqlite else list(values)

    def _execute(self, sql: Sql, parameters: Mapping[str, Any]) -> Any:
        with self._translated():
            cursor = self._driver.cursor()
            cursor.execute(sql.sqlite if self.on_sqlite else sql.postgresql, parameters)
        return cursor

    def _translated(self) -> "_Translated":
        return _Translated(self._connection)


def uuid_of(value: Any) -> uuid.UUID:
    """Return a UUID that the driver gave."""
    return value if isinstance(value, uuid.UUID) else uuid.UUID(hex=value)


class _Translated:
    """Raises the driver's errors as SQLAlchemy's; a lost connection is thrown out of the pool."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: Any) -> None:
        dialect = self._connection.dialect
        if error is None or not isinstance(error, dialect.loaded_dbapi.Error):
            return
        lost = dialect.is_disconnect(error, self._connection.connection.driver_connection, None)
        if lost:
            self._connection.invalidate(error)
        # As everywhere without the values, which are visitors' data.
        raise DBAPIError.instance(
            None,
            None,
            error,
            dialect.loaded_dbapi.Error,
            hide_parameters=True,
            connection_invalidated=lost,
            dialect=dialect,
        ) from error
