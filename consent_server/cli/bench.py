"""`bench`: measure this server on this machine."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from consent_server.bench import report
from consent_server.bench.cases import CASES
from consent_server.bench.errors import BenchProblem
from consent_server.bench.machine import Machine, describe
from consent_server.bench.runs import Plan, run
from consent_server.bench.stage import POSTGRESQL, SQLITE, Stage, postgresql_stage, sqlite_stage
from consent_server.cli.main import root

NAMES = [case.name for case in CASES]


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
@click.option("--only", type=CommaList(click.Choice(NAMES)), help=f"Some of {', '.join(NAMES)}.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line: the machine, then each row.")
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
    only: tuple[str, ...] | None,
    as_json: bool,
    database_url: str | None,
    folder: Path,
) -> None:
    """Measure requests per second, latency and CPU per request, beside bare WSGI, Flask and one INSERT."""
    cases = tuple(case for case in CASES if only is None or case.name in only)
    plan = Plan(seconds, warm_up, repetitions, connections, cases)
    try:
        machine = describe(folder)
        for engine in engines:
            with _stage(engine, folder, database_url, threads) as stage:
                _measure(stage, plan, machine, as_json=as_json)
    except BenchProblem as problem:
        raise click.ClickException(str(problem)) from problem
    if not as_json:
        click.echo(report.LEGEND)


@contextmanager
def _stage(engine: str, folder: Path, database_url: str | None, threads: int | None) -> Iterator[Stage]:
    with tempfile.TemporaryDirectory(prefix="consent-bench-", dir=folder) as data:
        if engine == SQLITE:
            chosen = sqlite_stage(Path(data), threads=threads)
        else:
            chosen = postgresql_stage(Path(data), database_url, threads=threads)
        with chosen as stage:
            yield stage


def _measure(stage: Stage, plan: Plan, machine: Machine, *, as_json: bool) -> None:
    rows = run(stage, plan, lambda text: click.echo(text, err=True))
    if not as_json:
        click.echo(f"{report.heading(machine, plan, stage.server)}\n\n{report.table(rows)}\n")
        return
    server = asdict(stage.server) if stage.server else None
    click.echo(json.dumps({"kind": "machine", **asdict(machine), "postgresql": server}))
    for row in rows:
        click.echo(json.dumps({"kind": "row", **row.to_json()}))
