"""What the server itself was told: statements from PostgreSQL's own log, and rules for a database spread by site.

The log is below every way that leads to the database: the ORM, raw cursors, pipelines, prepared statements.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import sqlglot
from sqlglot import exp

from consent_server.db import Base
from consent_server.placements import PLACEMENTS, SPREAD_BY, Kind

_ENTRY = re.compile(r"^\S+ \S+ \S+ \[(\d+)\] (LOG|DETAIL):  (.*)$")
_SAID = re.compile(r"^(?:statement|execute [^:]+): (.*)$", re.DOTALL)
_VALUE = re.compile(r"\$(\d+) = '((?:[^']|'')*)'")
_SPREAD = {name for name, placement in PLACEMENTS.items() if placement.kind is Kind.DISTRIBUTED}
_NUMBERED = {name for name, table in Base.metadata.tables.items() if "id" in table.primary_key.columns}
_FORBIDDEN = re.compile(
    r"advisory|^\s*(un)?listen\b|^\s*notify\b|pg_notify|\btemp(orary)? table\b|\bnextval\b|\bon commit\b"
    r"|^\s*set\s+(?!local\b|transaction\b)|^\s*declare\b|^\s*lock\b",
    re.IGNORECASE,
)
_READS_OR_WRITES = re.compile(r"^\s*(select|insert|update|delete|with|merge)\b", re.IGNORECASE)
_ENDS = re.compile(r"^\s*(commit|rollback)\s*;?\s*$", re.IGNORECASE)


@dataclass
class Statement:
    """One statement with the values that came with it, and the server process that executed it."""

    process: int
    sql: str
    values: dict[int, str] = field(default_factory=dict)


def read(log: Path, start: int) -> list[Statement]:
    """Return the statements that were logged since the log had this many bytes."""
    found: list[Statement] = []
    entries: list[tuple[int, str, str]] = []
    with log.open("rb") as file:
        file.seek(start)
        for line in file.read().decode().splitlines():
            if entry := _ENTRY.match(line):
                entries.append((int(entry[1]), entry[2], entry[3]))
            elif line.startswith("\t") and entries:
                process, kind, said = entries[-1]
                entries[-1] = (process, kind, f"{said}\n{line[1:]}")
    for process, kind, text in entries:
        if kind == "LOG" and (said := _SAID.match(text)):
            found.append(Statement(process, said[1]))
        elif kind == "DETAIL" and found and text.lower().startswith("parameters:"):
            found[-1].values = {int(n): value.replace("''", "'") for n, value in _VALUE.findall(text)}
    return found


def offences(statement: Statement) -> list[str]:
    """Return what a database spread by site could not do, or could not do on one node, in one statement."""
    if forbidden := _FORBIDDEN.search(statement.sql):
        return [f"it says {forbidden[0].strip()!r}"]
    tree = _parsed(statement.sql)
    if tree is None:
        return []
    found = []
    for name, alias in _tables(tree):
        if name in _SPREAD and not _site_of(tree, alias, statement):
            found.append(f"nothing fixes the site of {name}")
    if isinstance(tree, exp.Insert):
        found += _numbers(tree)
    return found


def sites(statement: Statement) -> set[str]:
    """Return the ids of the sites whose rows a statement changes or locks."""
    tree = _parsed(statement.sql)
    if tree is None or not (tree.find(exp.Lock) or isinstance(tree, exp.Insert | exp.Update | exp.Delete)):
        return set()
    return {
        site for name, alias in _tables(tree) if name in _SPREAD for site in _site_of(tree, alias, statement)
    }


def transactions(statements: Iterable[Statement]) -> Iterator[list[Statement]]:
    """Split statements into transactions: what one server process executes up to a commit or rollback."""
    open_ones: dict[int, list[Statement]] = {}
    for statement in statements:
        if _ENDS.match(statement.sql):
            yield open_ones.pop(statement.process, [])
        else:
            open_ones.setdefault(statement.process, []).append(statement)
    yield from open_ones.values()


def _parsed(sql: str) -> exp.Expression | None:
    return sqlglot.parse_one(sql, dialect="postgres") if _READS_OR_WRITES.match(sql) else None


def _tables(tree: exp.Expression) -> list[tuple[str, str]]:
    """Return (table, name under which its columns are used) for each table of a statement."""
    inner = {cte.alias for cte in tree.find_all(exp.CTE)}
    return [(each.name, each.alias_or_name) for each in tree.find_all(exp.Table) if each.name not in inner]


def _site_of(tree: exp.Expression, alias: str, statement: Statement) -> set[str]:
    """Return the one site to which a table is held, as a set; empty when nothing holds it to one."""
    if isinstance(tree, exp.Insert) and tree.this.find(exp.Table).alias_or_name == alias:
        return _inserted(tree, statement)
    held = {alias}
    equals = list(_equalities(tree))
    while True:  # a.site_id = b.site_id passes on what holds b
        more = {name for pair in equals for name in _named(pair, tree) if held & _named(pair, tree)}
        if more <= held:
            break
        held |= more
    for pair in equals:
        if held & _named(pair, tree):
            for side in pair:
                if (value := _value(side, statement)) is not None:
                    return {value}
    return set()


def _inserted(tree: exp.Insert, statement: Statement) -> set[str]:
    columns = [each.name for each in tree.this.expressions] if isinstance(tree.this, exp.Schema) else []
    if SPREAD_BY not in columns:
        return set()
    place = columns.index(SPREAD_BY)
    source = tree.expression
    rows: Sequence[exp.Expression]
    if arrays := _unnested(source):
        # One array for each column: then the values tell whether all rows are of one site.
        listed = _value(arrays[place], statement) or ""
        return set(listed.strip("{}").split(",")) if listed.startswith("{") else set()
    if isinstance(source, exp.Values):
        rows = [each.expressions[place] for each in source.expressions]
    else:
        rows = [source.expressions[place]] if len(source.expressions) > place else []
    values = {_value(each, statement) for each in rows}
    return {each for each in values if each is not None} if None not in values else set()


def _unnested(source: exp.Expression) -> list[exp.Expression]:
    """Return the arrays of `SELECT * FROM unnest(…)`; nothing for any other source of rows."""
    every = isinstance(source, exp.Select) and [type(each) for each in source.expressions] == [exp.Star]
    found = source.find(exp.Unnest) if every else None
    return list(found.expressions) if found else []


def _equalities(tree: exp.Expression) -> Iterator[tuple[exp.Expression, exp.Expression]]:
    """Return both sides of each equality that every row must satisfy."""
    for clause in tree.find_all(exp.Where, exp.Join):
        condition = clause.args.get("this") if isinstance(clause, exp.Where) else clause.args.get("on")
        parts = [condition] if condition is not None else []
        while parts:
            part = parts.pop().unnest()
            if isinstance(part, exp.And):
                parts += [part.left, part.right]
            elif isinstance(part, exp.EQ):
                yield part.left, part.right


def _named(pair: tuple[exp.Expression, exp.Expression], tree: exp.Expression) -> set[str]:
    """Return the tables whose site id stands on either side."""
    found = set()
    for side in pair:
        if isinstance(side, exp.Column) and side.name == SPREAD_BY:
            if side.table:
                found.add(side.table)
            else:
                scope = side.find_ancestor(exp.Select, exp.Update, exp.Delete) or tree
                near = [alias for name, alias in _tables(scope) if name in _SPREAD]
                found |= {near[0]} if len(near) == 1 else set()
    return found


def _value(side: exp.Expression, statement: Statement) -> str | None:
    """Return the value of a constant or of a parameter; None for anything else."""
    while isinstance(side, exp.Cast | exp.Paren | exp.Alias):
        side = side.this
    if isinstance(side, exp.Literal):
        return str(side.this)
    if isinstance(side, exp.Parameter | exp.Placeholder):
        number = re.search(r"\d+", side.sql(dialect="postgres"))
        return statement.values.get(int(number[0]), f"${number[0]}") if number else None
    return None


def _numbers(tree: exp.Insert) -> list[str]:
    name = tree.this.find(exp.Table).name
    columns = [each.name for each in tree.this.expressions] if isinstance(tree.this, exp.Schema) else []
    return [f"a sequence numbers {name}"] if name in _NUMBERED and "id" not in columns else []
