"""`bench`: measure this server on this machine."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from consent_server.bench import report
from consent_server.bench.cases import CASES, ON_FILLED
from consent_server.bench.errors import BenchProblem
from consent_server.bench.machine import Machine, describe
from consent_server.bench.runs import Plan
from consent_server.bench.session import Outcome, Wanted, measure_engine
from consent_server.bench.stage import POSTGRESQL, SQLITE
from consent_server.bench.targets import Figures, judge
from consent_server.cli.root import root

BYTES, LOGS, EVIDENCE = "bytes", "logs", "evidence"
NAMES = [*(case.name for case in CASES), BYTES, LOGS, EVIDENCE]


FILLED_ONES = (ON_FILLED, EVIDENCE)  # what a database must be filled for


class CommaList(click.ParamType[tuple[object, ...]]):
    """Values separated by commas, each of a given type."""

    name = "list"

    def __init__(self, each: click.ParamType[Any]) -> None:
        self.each = each

    def convert(
        self, value: str | tuple[object, ...], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[object, ...]:
        """Split and convert."""
        if isinstance(value, tuple):
            return value
        return tuple(dict.fromkeys(self.each.convert(part, param, ctx) for part in value.split(",")))


@root.command()
@click.option(
    "--engine",
    "engines",
    type=CommaList(click.Choice([SQLITE, POSTGRESQL])),
    default=f"{SQLITE},{POSTGRESQL}",
    show_default=True,
)
@click.option(
    "--seconds", type=click.FloatRange(0.2, 600), default=3, show_default=True, help="Length of a run."
)
@click.option(
    "--warm-up", type=click.FloatRange(0, 60), default=1, show_default=True, help="Seconds before it."
)
@click.option("--repetitions", type=click.IntRange(1, 100), default=3, show_default=True)
@click.option("--connections", type=CommaList(click.IntRange(1, 512)), default="1,16,64", show_default=True)
@click.option(
    "--threads", type=click.IntRange(1, 256), help="Threads of each process; by default those of `serve`."
)
@click.option(
    "--processes", type=click.IntRange(1, 64), help="Processes of each server; by default those of `serve`."
)
@click.option("--only", type=CommaList(click.Choice(NAMES)), help=f"Some of {', '.join(NAMES)}.")
@click.option(
    "--filled",
    type=click.IntRange(0, 100_000_000),
    default=0,
    show_default=True,
    help="Measure decisions and the evidence desk also on a database that holds so many receipts.",
)
@click.option(
    "--log-sizes",
    type=CommaList(click.IntRange(256, 100_000_000)),
    default="10000,100000,1000000,10000000",
    show_default=True,
    help="Leaves of the logs at which integration and proofs are measured.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line, named by its `kind`.")
@click.option(
    "--write-docs",
    "documents",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="Put the figures between this document's markers.",
)
@click.option(
    "--database-url", help="An empty PostgreSQL database, filled and emptied again; else one is started."
)
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=tempfile.gettempdir(),
    help="Where to keep the data meanwhile; it should be on a disk.",
)
def bench(
    engines: tuple[str, ...],
    seconds: float,
    warm_up: float,
    repetitions: int,
    connections: tuple[int, ...],
    threads: int | None,
    processes: int | None,
    only: tuple[str, ...] | None,
    filled: int,
    log_sizes: tuple[int, ...],
    as_json: bool,
    documents: tuple[Path, ...],
    database_url: str | None,
    folder: Path,
) -> None:
    """Measure rates, latency, CPU, bytes, integration, proofs and search, beside bare WSGI, Flask and one INSERT."""
    for name in FILLED_ONES:
        if only and name in only and not filled:
            raise click.UsageError(f"{name}: say with --filled how many receipts the database shall hold")
    asked = [name for name in NAMES if (name not in FILLED_ONES or filled) and (only is None or name in only)]
    cases = tuple(case for case in CASES if case.name in asked)
    plan = Plan(seconds, warm_up, repetitions, connections, cases)
    wanted = Wanted(
        plan=plan,
        filled=filled,
        storage=BYTES in asked,
        log_sizes=log_sizes if LOGS in asked else (),
        evidence=filled if EVIDENCE in asked else 0,
        database_url=database_url,
        folder=folder,
        threads=threads,
        processes=processes,
    )
    try:
        machine = describe(folder)
        outcomes = {engine: measure_engine(engine, wanted, _progress) for engine in engines}
    except BenchProblem as problem:
        raise click.ClickException(str(problem)) from problem
    if as_json:
        _print_json(machine, outcomes)
    sections = _sections(machine, plan, outcomes)
    if not as_json:
        click.echo("\n\n".join(sections.values()))
    for path in documents:
        path.write_text(report.put_into(path.read_text(encoding="utf-8"), sections), encoding="utf-8")


def _progress(text: str) -> None:
    click.echo(text, err=True)


def _figures(outcomes: Mapping[str, Outcome]) -> Figures:
    found = outcomes.values()
    return Figures(
        [row for each in found for row in each.rows],
        [log for each in found for log in each.logs],
        [storage for each in found for storage in each.storages],
        [row for each in found for row in each.evidence],
    )


def _sections(machine: Machine, plan: Plan, outcomes: Mapping[str, Outcome]) -> dict[str, str]:
    """Return the parts of the report by name, as `--write-docs` puts them into documents."""
    figures = _figures(outcomes)
    servers = [each.server for each in outcomes.values() if each.server]
    sections = {"machine": report.heading(machine, plan, servers[0] if servers else None)}
    if figures.rows:
        sections["requests"] = f"{report.table(figures.rows)}\n\n{report.LEGEND}"
    if figures.logs:
        sections["logs"] = report.logs_table(figures.logs)
    if figures.storages:
        sections["bytes"] = "\n\n".join(map(report.storage_table, figures.storages))
    if figures.evidence:
        sections["evidence"] = report.evidence_table(figures.evidence)
    targets = judge(figures)
    if targets:
        sections["targets"] = report.targets_table(targets)
    return sections


def _print_json(machine: Machine, outcomes: Mapping[str, Outcome]) -> None:
    servers = {engine: asdict(each.server) for engine, each in outcomes.items() if each.server}
    lines: list[dict[str, Any]] = [
        {"kind": "machine", **asdict(machine), "postgresql": servers.get(POSTGRESQL)}
    ]
    figures = _figures(outcomes)
    lines += [{"kind": "row", **asdict(row)} for row in figures.rows]
    lines += [{"kind": "log", **asdict(log)} for log in figures.logs]
    lines += [
        {"kind": "storage", **asdict(each), "bytes_a_receipt": each.bytes_a_receipt}
        for each in figures.storages
    ]
    lines += [{"kind": "evidence", **asdict(row)} for row in figures.evidence]
    lines += [{"kind": "target", **asdict(target)} for target in judge(figures)]
    for line in lines:
        click.echo(json.dumps(line))
