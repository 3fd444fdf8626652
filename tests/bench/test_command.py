"""`consent-server bench`: it runs, and its rows are complete and counted. How fast anything is, is not tested."""

import json
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from consent_server.cli import bench  # noqa: F401 - it adds its command
from consent_server.cli.main import root
from tests.engines import Databases

CASES = ["wsgi-hello", "flask-hello", "flask-insert", "tag-200", "tag-304", "decisions"]
TINY = ["bench", "--engine", "sqlite", "--seconds", "0.2", "--warm-up", "0.1", "--repetitions", "2"]


def test_every_case_has_a_row_with_what_was_acknowledged_and_counted(tmp_path: Path) -> None:
    result = CliRunner().invoke(root, [*TINY, "--connections", "3", "--json", "--folder", str(tmp_path)])

    assert result.exit_code == 0, result.output
    first, *rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert first["kind"] == "machine"
    assert first["cores"] >= 1
    assert first["python"]
    assert [(row["connections"], row["case"]) for row in rows] == [(3, case) for case in CASES]
    for row in rows:
        assert row["errors"] == 0, row["first_error"]
        assert row["acknowledged"] > 0
        assert row["requests_per_second"] > 0
        assert row["p50_ms"] <= row["p99_ms"]
        assert row["cpu_us"] == row["application_us"]  # SQLite has no process of its own
        assert len(row["samples"]) == 2
        stores = row["case"] in ("flask-insert", "decisions")
        assert row["rows"] == (row["acknowledged"] if stores else None)
    assert {row["ratio"] for row in rows if row["case"] == "flask-insert"} == {1.0}
    assert list(tmp_path.iterdir()) == []


def test_the_table_names_its_columns_and_the_machine(tmp_path: Path) -> None:
    arguments = [*TINY, "--connections", "2", "--only", "flask-insert,decisions", "--folder", str(tmp_path)]

    result = CliRunner().invoke(root, arguments)

    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert "cores" in lines[0]
    assert "interleaved runs" in result.stdout
    header = next(line for line in lines if line.startswith("engine"))
    assert header.split("  ")[0] == "engine"
    for column in (
        "req/s",
        "x insert",
        "p50 ms",
        "p99 ms",
        "app us",
        "db us",
        "CPU us",
        "errors",
        "acked",
        "rows",
    ):
        assert column in header
    assert [line.split()[2] for line in lines if line.startswith("sqlite ")] == ["flask-insert", "decisions"]


@pytest.mark.parametrize(
    "wrong", [["--only", "everything"], ["--connections", "0"], ["--engine", "oracle"], ["--seconds", "0"]]
)
def test_wrong_options_are_named(wrong: list[str]) -> None:
    result = CliRunner().invoke(root, ["bench", *wrong])

    assert result.exit_code == 2
    assert wrong[0] in result.output


@pytest.mark.postgres
def test_on_postgresql_the_database_is_counted_in_and_left_empty(
    tmp_path: Path, databases: Databases
) -> None:
    url = databases.empty("postgresql")
    arguments = [*TINY, "--connections", "2", "--only", "flask-insert,decisions", "--json"]
    arguments += ["--engine", "postgresql", "--database-url", url, "--folder", str(tmp_path)]

    result = CliRunner().invoke(root, arguments)

    assert result.exit_code == 0, result.output
    first, *rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert first["postgresql"]["fsync"] in ("on", "off")
    for row in rows:
        assert row["rows"] == row["acknowledged"] > 0
        assert row["workers"] == 2
    with psycopg.connect(url) as connection:
        left = connection.execute("select count(*) from pg_tables where schemaname = 'public'").fetchone()
    assert left == (0,)


@pytest.mark.postgres
def test_a_database_with_tables_is_left_alone(tmp_path: Path, databases: Databases) -> None:
    url = databases.migrated("postgresql")
    arguments = [*TINY, "--engine", "postgresql", "--database-url", url, "--folder", str(tmp_path)]

    result = CliRunner().invoke(root, arguments)

    assert result.exit_code == 1
    assert "must name an empty database" in result.output
    with psycopg.connect(url) as connection:
        assert connection.execute("select count(*) from site").fetchone() == (0,)
