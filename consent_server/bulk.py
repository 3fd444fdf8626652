"""Statements of the decision path, past SQLAlchemy's own machinery, which costs more than the statements themselves.

On PostgreSQL what is asked inside `together()` goes in one round trip (`pipeline.py`), changes go with the next question
or with the commit, and many rows go as one array for each column: a statement with as many placeholders as rows times
columns costs the client several times what the rows themselves cost. SQLite runs in our own process and has nothing to
wait for.

A line is the session's own connection: what runs here is part of the transaction that the entry point opened.
"""

import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy.exc import DBAPIError

from consent_server.columns import Column, Kind
from consent_server.db import db, is_sqlite

if TYPE_CHECKING:
    from consent_server.pipeline import Command

Result = TypeVar("Result")
# What a question gives back: call it for its answer, after `together()` where it was asked inside.
Answer = Callable[[], Result]

_numbers = count(1)


class Sql:
    """One statement with `:name` for its values, as PostgreSQL takes it.

    SQLite's text follows from it: a list is JSON there, and a row needs no lock where one writer has the whole database.
    """

    def __init__(self, text: str, *, sqlite: str | None = None, **kinds: Kind) -> None:
        names = tuple(kinds)
        numbered = re.sub(r":([a-z_]+)", lambda found: f"${names.index(found[1]) + 1}", text)
        listed = re.sub(r"= ANY\((:[a-z_]+)\)", r"IN (SELECT value FROM json_each(\1))", text)
        self.sqlite = sqlite or listed.removesuffix(" FOR UPDATE")
        self._kinds = kinds
        self._name = f"consent_{next(_numbers)}".encode()
        self._text = numbered.encode()
        self._oids = [kind.oid for kind in kinds.values()]

    @classmethod
    def insert(cls, table: str, *, then: str = "", **kinds: Kind) -> "Sql":
        """Return the statement that inserts many rows (`Line.tell_many`).

        Args:
            table: where to.
            then: what follows, such as `ON CONFLICT …`.
            kinds: the columns; what is not a list is the same in all rows.
        """
        lists = [name for name, kind in kinds.items() if isinstance(kind, Column)]
        values = ", ".join(f"new.{name}" if name in lists else f":{name}" for name in kinds)
        arrays = ", ".join(f":{name}" for name in lists)
        into = f"INSERT INTO {table} ({', '.join(kinds)})"
        one = ", ".join(f":{name}" for name in kinds)
        text = f"{into} SELECT {values} FROM unnest({arrays}) AS new ({', '.join(lists)}) {then}"  # noqa: S608 - our own names
        return cls(text.rstrip(), sqlite=f"{into} VALUES ({one}) {then}".rstrip(), **kinds)

    def command(self, values: Mapping[str, Any]) -> "Command":
        """Return the statement with its values for PostgreSQL."""
        from consent_server.pipeline import Command

        body = [kind.binary(values[name]) for name, kind in self._kinds.items()]
        return Command(self._name, self._text, self._oids, body)

    def values(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values for SQLite."""
        return {name: kind.sqlite(values[name]) for name, kind in self._kinds.items()}

    def rows(self, values: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Return the values of each row for SQLite."""
        columns = {name: kind for name, kind in self._kinds.items() if isinstance(kind, Column)}
        same = {name: kind.sqlite(values[name]) for name, kind in self._kinds.items() if name not in columns}
        lists = [map(kind.element, values[name]) for name, kind in columns.items()]
        return (same | dict(zip(columns, row, strict=True)) for row in zip(*lists, strict=True))


class _Questions:
    """Questions that go in one round trip, and afterwards the rows of each."""

    __slots__ = ("commands", "rows")

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.rows: list[list[Any]] = []


class Line:
    """The connection of the session's transaction, as its driver has it."""

    def __init__(self) -> None:
        self._connection = db.session.connection()
        self._on_sqlite = is_sqlite(self._connection.engine)
        self._questions: _Questions | None = None

    @contextmanager
    def together(self) -> Iterator[None]:
        """Ask what follows in one go; on leaving, all of it has been answered.

        Raises:
            DBAPIError: one of the statements failed; none after it was executed.
        """
        if self._on_sqlite or self._questions is not None:
            yield
            return
        questions = self._questions = _Questions()
        try:
            yield
            self._ask(questions)
        finally:
            self._questions = None

    def ask(self, sql: Sql, **values: Any) -> Answer[list[Any]]:
        """Send a question; the answer gives its rows as tuples, with UUIDs and instants as the driver has them.

        `uuid_of` and `instant_of` say what they are.
        """
        if self._on_sqlite:
            with self._translated():
                rows: list[Any] = self._driver().execute(sql.sqlite, sql.values(values)).fetchall()
            return lambda: rows
        questions = self._questions or _Questions()
        place = len(questions.commands)
        questions.commands.append(sql.command(values))
        if questions is not self._questions:
            self._ask(questions)
        return lambda: questions.rows[place]

    def tell(self, sql: Sql, **values: Any) -> None:
        """Make a change: at once on SQLite; on PostgreSQL it goes with the next question, or with the commit."""
        if self._on_sqlite:
            with self._translated():
                self._driver().execute(sql.sqlite, sql.values(values))
        else:
            self._driver().tell([sql.command(values)])

    def tell_many(self, sql: Sql, **values: Any) -> None:
        """Change many rows: on PostgreSQL the statement unnests arrays, on SQLite it runs for each row.

        Args:
            sql: the statement.
            values: a list for each column, all of one length; a single value is the same in all rows.
        """
        if self._on_sqlite:
            with self._translated():
                self._driver().executemany(sql.sqlite, sql.rows(values))
        else:
            self._driver().tell([sql.command(values)])

    def plan_for(self, rows: int) -> None:
        """Say how many rows the tables have at least, so that no statement keeps a plan for far fewer."""
        if not self._on_sqlite:
            self._driver().plan_for(rows)

    def _ask(self, questions: _Questions) -> None:
        if questions.commands:
            with self._translated():
                questions.rows = self._driver().ask(questions.commands)

    def _driver(self) -> Any:
        return self._connection.connection.driver_connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Raise the driver's errors as SQLAlchemy's; a lost connection is thrown out of the pool."""
        dialect: Any = self._connection.dialect
        try:
            yield
        except dialect.loaded_dbapi.Error as error:
            lost = dialect.is_disconnect(error, self._driver(), None)
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


def instant_of(value: Any) -> datetime:
    """Return an instant that a line gave: PostgreSQL gives it whole, SQLite as text without its zone, which is UTC."""
    return value if isinstance(value, datetime) else datetime.fromisoformat(value).replace(tzinfo=UTC)


def uuid_of(value: Any) -> uuid.UUID:
    """Return a UUID that a line gave: PostgreSQL gives it whole, SQLite as hex digits."""
    return value if isinstance(value, uuid.UUID) else uuid.UUID(hex=value)
