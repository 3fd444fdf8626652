"""Read and write many rows in one statement: arrays on PostgreSQL, executemany and IN on SQLite.

A statement with as many placeholders as rows times columns costs the client several times what the rows themselves
cost; an array for each column does not grow the statement at all.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, cast

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    CursorResult,
    Dialect,
    Executable,
    Table,
    TextClause,
    any_,
    bindparam,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import TypeEngine

from consent_server.db import db, is_sqlite

_DIALECTS: dict[str, Dialect] = {"postgresql": postgresql.dialect(), "sqlite": sqlite.dialect()}  # type: ignore[no-untyped-call]  # as the library has it


def insert_rows(
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    conflict: tuple[str, ...] = (),
    replace: tuple[str, ...] = (),
) -> None:
    """Insert rows, all with the same keys.

    Args:
        table: where to.
        rows: column name to value, as the models take them.
        conflict: columns of a unique key; with `replace` a row that is there already is updated.
        replace: columns that take the new values then; all others keep theirs.
    """
    if not rows:
        return
    names = tuple(rows[0])
    on_sqlite = is_sqlite()
    statement = _statement(table, names, conflict, replace, on_sqlite)
    binders = {name: _binder(table.c[name].type, on_sqlite) for name in names}
    if on_sqlite:
        run(statement, [{n: binders[n](row[n]) for n in names} for row in rows])
    else:
        run(statement, {name: [binders[name](row[name]) for row in rows] for name in names})


def run(statement: Executable, parameters: Any) -> CursorResult[Any]:
    """Execute a statement that was built once, past the ORM, which would look at every object it knows first."""
    return db.session.connection().execute(statement, parameters)


def among(column: Any, name: str, *, on_sqlite: bool) -> ColumnElement[bool]:
    """Return the condition that a column is among the values of the list parameter `name`."""
    if on_sqlite:
        return cast("ColumnElement[bool]", column.in_(bindparam(name, expanding=True)))
    return cast("ColumnElement[bool]", column == any_(bindparam(name, type_=ARRAY(column.type))))


@cache
def _statement(
    table: Table, names: tuple[str, ...], conflict: tuple[str, ...], replace: tuple[str, ...], on_sqlite: bool
) -> TextClause:
    columns = ", ".join(names)
    if on_sqlite:
        source = "VALUES (" + ", ".join(f":{name}" for name in names) + ")"
    else:
        arrays = ", ".join(f"CAST(:{name} AS {_array(table.c[name].type)})" for name in names)
        source = f"SELECT * FROM unnest({arrays})"  # noqa: S608 - our own columns' names
    upsert = ""
    if replace:
        upsert = f" ON CONFLICT ({', '.join(conflict)}) DO UPDATE SET " + ", ".join(
            f"{name} = excluded.{name}" for name in replace
        )
    # Names come from our own tables, never from outside.
    return text(f"INSERT INTO {table.name} ({columns}) {source}{upsert}").bindparams(
        *(bindparam(name) for name in names)
    )


def _array(kind: TypeEngine[Any]) -> str:
    return kind.compile(dialect=_DIALECTS["postgresql"]) + "[]"


@cache
def _binder(kind: TypeEngine[Any], on_sqlite: bool) -> Any:
    """Return what turns a model's value into what the driver takes."""
    dialect = _DIALECTS["sqlite" if on_sqlite else "postgresql"]
    processor = kind.dialect_impl(dialect).bind_processor(dialect)
    return processor or (lambda value: value)
