"""`consent-server bench`: it runs, and its rows are complete and counted. How fast anything is, is not tested."""

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner

from consent_server.cli import bench  # noqa: F401 - it adds its command
from consent_server.cli.root import root
from tests.engines import Databases

pytestmark = pytest.mark.timeout(600)
CASES = [
    "wsgi-hello",
    "flask-hello",
    "flask-insert",
    "tag-200",
    "tag-304",
    "decisions",
    "decisions-flask",
    "decisions-filled",
    "batches",
]
TINY = ["bench", "--engine", "sqlite", "--seconds", "0.2", "--warm-up", "0.1", "--repetitions", "2"]


def lines_of(output: str) -> dict[str, list[Any]]:
    """Return the objects that `--json` printed, by kind."""
    found: dict[str, list[Any]] = {}
    for line in output.splitlines():
        data = json.loads(line)
        found.setdefault(data["kind"], []).append(data)
    return found


def test_every_case_has_a_row_with_what_was_acknowledged_and_counted(tmp_path: Path) -> None:
    arguments = ["--connections", "3", "--filled", "100", "--log-sizes", "300,1000"]

    result = CliRunner().invoke(root, [*TINY, *arguments, "--json", "--folder", str(tmp_path)])

    assert result.exit_code == 0, result.output
    found = lines_of(result.stdout)
    assert found["machine"][0]["cores"] >= 1
    rows = found["row"]
    assert [(row["connections"], row["case"]) for row in rows] == [(3, case) for case in CASES]
    for row in rows:
        assert row["errors"] == 0, row["first_error"]
        assert row["acknowledged"] > 0
        assert row["requests_per_second"] > 0
        assert row["p50_ms"] <= row["p99_ms"]
        assert row["cpu_us"] == row["application_us"]  # SQLite has no process of its own
        assert len(row["samples"]) == 2
        stores = row["case"] not in ("wsgi-hello", "flask-hello", "tag-200", "tag-304")
        assert row["rows"] == (row["acknowledged"] if stores else None)
    assert {row["ratio"] for row in rows if row["case"] == "flask-insert"} == {1.0}
    assert rows[-1]["acknowledged"] % 50 == 0
    assert [log["size"] for log in found["log"]] == [300, 1000]
    assert [log["proof_hashes"] for log in found["log"]] == [13, 13]  # of 5,300 and 6,000 leaves
    (storage,) = found["storage"]
    assert storage["receipts"] >= 100
    assert storage["parts"]["receipt"] > 32
    assert "a decision on a filled database, 3 connections" in {each["what"] for each in found["target"]}
    desk = {row["question"]: row for row in found["evidence"]}
    together = desk["all questions"]["asked"] + desk["all of the dashboard"]["asked"]
    assert together == sum(row["asked"] for row in desk.values()) / 2
    assert desk["the dashboard, 30 days"]["shown"] == 7
    assert desk["CSV of days"]["shown"] > 7
    assert desk["CSV of purposes"]["shown"] == 4
    assert desk["newest"]["shown"] == 25
    assert desk["nothing fits"]["shown"] == 0
    assert list(tmp_path.iterdir()) == []


def test_the_table_names_its_columns_and_the_machine(tmp_path: Path) -> None:
    document = tmp_path / "figures.md"
    document.write_text("Before.\n<!-- bench targets -->\nold\n<!-- end -->\nAfter.\n")
    arguments = [*TINY, "--connections", "16", "--only", "decisions", "--folder", str(tmp_path)]
    arguments += ["--write-docs", str(document)]

    result = CliRunner().invoke(root, arguments)

    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert "cores" in lines[0]
    assert "interleaved runs" in result.stdout
    header = next(line for line in lines if line.startswith("engine"))
    assert header.split("  ")[0] == "engine"
    for column in (
        "per s",
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
    shown = [line.split()[2] for line in lines if line.startswith("sqlite ") and "1x" in line]
    assert shown == ["decisions"]
    written = document.read_text()
    assert "a decision, 16 connections" in written
    assert written.startswith("Before.\n<!-- bench targets -->\n```text\n")
    assert written.endswith("\n```\n<!-- end -->\nAfter.\n")
    assert "old" not in written


@pytest.mark.parametrize(
    "wrong",
    [
        ["--only", "everything"],
        ["--connections", "0"],
        ["--engine", "oracle"],
        ["--seconds", "0"],
        ["--log-sizes", "3"],
    ],
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
    arguments = [*TINY, "--connections", "2", "--only", "decisions-filled,bytes,logs", "--json"]
    arguments += ["--filled", "60", "--log-sizes", "300", "--repetitions", "1"]
    arguments += [
        "--engine",
        "postgresql",
        "--processes",
        "2",
        "--database-url",
        url,
        "--folder",
        str(tmp_path),
    ]

    result = CliRunner().invoke(root, arguments)

    assert result.exit_code == 0, result.output
    found = lines_of(result.stdout)
    assert found["machine"][0]["postgresql"]["fsync"] in ("on", "off")
    assert [row["case"] for row in found["row"]] == ["decisions-filled"]
    for row in found["row"]:
        assert row["rows"] == row["acknowledged"] > 0
        assert row["workers"] == 2
        assert row["wal_bytes"] > 0
    parts = found["storage"][0]["parts"]
    assert {"receipt", "pk_receipt", "consent_record"} <= parts.keys()
    assert "bench_row" not in parts
    assert found["log"][0]["integration"]["application"] > 0
    with psycopg.connect(url) as connection:
        left = connection.execute("select count(*) from pg_tables where schemaname = 'public'").fetchone()
        names = [name for (name,) in connection.execute("select datname from pg_database")]
    assert left == (0,)
    assert not [name for name in names if name.endswith(("_filled", "_trees"))]


@pytest.mark.postgres
def test_a_database_with_tables_is_left_alone(tmp_path: Path, databases: Databases) -> None:
    url = databases.migrated("postgresql")
    arguments = [*TINY, "--engine", "postgresql", "--database-url", url, "--folder", str(tmp_path)]

    result = CliRunner().invoke(root, arguments)

    assert result.exit_code == 1
    assert "must name an empty database" in result.output
    with psycopg.connect(url) as connection:
        assert connection.execute("select count(*) from site").fetchone() == (0,)


def test_a_filled_database_that_nobody_filled_is_not_measured() -> None:
    result = CliRunner().invoke(root, [*TINY, "--only", "decisions-filled"])

    assert result.exit_code == 2
    assert "--filled" in result.output
