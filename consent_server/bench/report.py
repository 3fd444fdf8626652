"""Show what was measured: the machine, and an aligned table."""

from collections.abc import Sequence

from consent_server.bench.machine import Machine
from consent_server.bench.postgres import ServerFacts
from consent_server.bench.runs import Plan, Row

HEAD = (
    "engine",
    "server",
    "request",
    "conns",
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
)
LEFT = 3  # columns that are words


def heading(machine: Machine, plan: Plan, server: ServerFacts | None) -> str:
    """Return the lines above the table."""
    packages = ", ".join(f"{name} {version}" for name, version in machine.packages.items())
    in_memory = "; IN MEMORY: commits cost nothing, use --folder" if machine.in_memory else ""
    lines = [
        f"{machine.cores} cores, {machine.cpu}, Linux {machine.kernel}; load average {machine.load_average} at the start",
        f"Python {machine.python}, {packages}, SQLite {machine.sqlite}",
        f"data on {machine.filesystem}, 4 kB write and fsync {machine.fsync_us} us" + in_memory,
    ]
    if server:
        where = "" if server.postmaster else "; on another machine, its CPU time is not known"
        lines.append(
            f"PostgreSQL {server.version}, fsync {server.fsync}, synchronous_commit {server.synchronous_commit}{where}"
        )
    lines.append(
        f"medians of {plan.repetitions} interleaved runs of {plan.seconds:g} s after {plan.warm_up:g} s of warm-up; "
        "server, database and load generator share the cores"
    )
    return "\n".join(lines)


LEGEND = (
    "server: granian processes x threads. x insert: rate against flask-insert on the same engine and connections.\n"
    "app, db, CPU: server CPU time per request (the database's part of SQLite is in app). The load generator's is not counted.\n"
    "acked, rows: requests acknowledged, warm-up included, and rows counted in the database afterwards."
)


def table(rows: Sequence[Row]) -> str:
    """Return the rows as an aligned table, with an empty line between engines and numbers of connections."""
    lines = [HEAD, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    shown, group = [_aligned(HEAD, widths)], None
    for row, cells in zip(rows, lines[1:], strict=True):
        if group not in (None, (row.engine, row.connections)):
            shown.append("")
        group = (row.engine, row.connections)
        shown.append(_aligned(cells, widths))
    return "\n".join(shown)


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.engine,
        f"{row.workers}x{row.threads}",
        row.case,
        str(row.connections),
        f"{row.requests_per_second:.0f}",
        "-" if row.ratio is None else f"{row.ratio:.2f}",
        f"{row.p50_ms:.1f}",
        f"{row.p99_ms:.1f}",
        f"{row.application_us:.0f}",
        "-" if row.database_us is None else f"{row.database_us:.0f}",
        f"{row.cpu_us:.0f}",
        str(row.errors),
        str(row.acknowledged),
        "-" if row.rows is None else str(row.rows),
    )


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (
        cell.ljust(width) if column < LEFT else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join(padded).rstrip()
