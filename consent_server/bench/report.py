"""Show what was measured: the machine, and aligned tables."""

from collections.abc import Mapping, Sequence

from consent_server.bench.evidence import EvidenceRow
from consent_server.bench.logs import LogRow
from consent_server.bench.machine import Machine
from consent_server.bench.postgres import ServerFacts
from consent_server.bench.runs import Plan, Row
from consent_server.bench.storage import Storage
from consent_server.bench.targets import Target

HEAD = (
    "engine",
    "server",
    "request",
    "conns",
    "per s",
    "x insert",
    "p50 ms",
    "p99 ms",
    "p99/p50",
    "app us",
    "db us",
    "CPU us",
    "load us",
    "WAL B",
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
    "server: processes x threads. per s: requests, of batches receipts. x insert: against flask-insert on the same engine and connections.\n"
    "app, db, CPU: server CPU time per request or receipt (the database's part of SQLite is in app). load: the load generator's, not counted in CPU.\n"
    "WAL B: write-ahead log per row stored. acked, rows: acknowledged, warm-up included, and rows counted in the database afterwards."
)
LOGS_HEAD = (
    "engine",
    "leaves",
    "integrate app ms",
    "db ms",
    "wall ms",
    "start ms",
    "proof app ms",
    "db ms",
    "wall ms",
    "p99 ms",
    "hashes",
    "http app ms",
    "db ms",
    "p50 ms",
    "p99 ms",
)
LOGS_LEGEND = (
    "integrate: 1,000 new leaves and a signed checkpoint, medians. start: the check of the newest root by a process that starts.\n"
    "proof: made in the process; http: asked of the server over one connection. Random leaves, no cache; app and db are CPU time."
)


def table(rows: Sequence[Row]) -> str:
    """Return the rows as an aligned table, with an empty line between engines and numbers of connections."""
    shown = _lines([HEAD, *(_cells(row) for row in rows)], LEFT)
    lines, group = shown[:1], None
    for row, line in zip(rows, shown[1:], strict=True):
        if group not in (None, (row.engine, row.connections)):
            lines.append("")
        group = (row.engine, row.connections)
        lines.append(line)
    return "\n".join(lines)


def logs_table(logs: Sequence[LogRow]) -> str:
    """Return integration and proofs by size of the log as an aligned table."""
    return "\n".join([*_lines([LOGS_HEAD, *(_log_cells(log) for log in logs)], 1), "", LOGS_LEGEND])


def storage_table(storage: Storage) -> str:
    """Return the bytes a receipt by table and index; what is below half a byte is in the sum only."""
    parts = [(name, f"{count:.0f}") for name, count in storage.parts.items() if count >= 0.5]
    head = (f"{storage.engine}, {storage.receipts:,} receipts", "bytes each")
    return "\n".join(_lines([head, *parts, ("all", f"{storage.bytes_a_receipt:.0f}")], 1))


def evidence_table(rows: Sequence[EvidenceRow]) -> str:
    """Return how long the evidence desk and the dashboard took for each kind of question as an aligned table."""
    head = ("engine", "receipts", "question", "asked", "shown", "p50 ms", "p95 ms", "worst ms")
    cells = [
        (
            row.engine,
            f"{row.receipts:,}",
            row.question,
            str(row.asked),
            str(row.shown),
            f"{row.p50_ms:.0f}",
            f"{row.p95_ms:.0f}",
            f"{row.worst_ms:.0f}",
        )
        for row in rows
    ]
    read = "; ".join(
        f"{engine}: stored at {fill:.0f} us a receipt, read into facets and counts at {us:.0f} us"
        for engine, fill, us in dict.fromkeys((row.engine, row.fill_us, row.read_us) for row in rows)
    )
    legend = f"Whole pages over HTTP on one connection, one after another. {read}."
    return "\n".join([*_lines([head, *cells], 3), "", legend])


def targets_table(targets: Sequence[Target]) -> str:
    """Return what was wanted and what was measured as an aligned table."""
    head = ("engine", "target", "wanted", "measured", "")
    cells = [
        (each.engine, each.what, each.wanted, each.measured, "met" if each.met else "NOT MET")
        for each in targets
    ]
    return "\n".join(_lines([head, *cells], len(head)))


def put_into(text: str, sections: Mapping[str, str]) -> str:
    """Return a document with what stands between its markers `<!-- bench NAME -->` and `<!-- end -->` replaced."""
    for name, shown in sections.items():
        begin, end = f"<!-- bench {name} -->\n", "<!-- end -->"
        head, found, tail = text.partition(begin)
        if found:
            _, closing, rest = tail.partition(end)
            text = f"{head}{begin}```text\n{shown}\n```\n{closing}{rest}"
    return text


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
        f"{row.p99_ms / row.p50_ms:.1f}",
        f"{row.application_us:.0f}",
        _whole(row.database_us),
        f"{row.cpu_us:.0f}",
        f"{row.load_us:.0f}",
        _whole(row.wal_bytes),
        str(row.errors),
        str(row.acknowledged),
        "-" if row.rows is None else str(row.rows),
    )


def _log_cells(log: LogRow) -> tuple[str, ...]:
    return (
        log.engine,
        f"{log.size:,}",
        f"{log.integration.application:.1f}",
        _tenth(log.integration.database),
        f"{log.integration.wall:.1f}",
        f"{log.cold_start.wall:.1f}",
        f"{log.proof.application:.1f}",
        _tenth(log.proof.database),
        f"{log.proof.wall:.1f}",
        f"{log.proof_p99:.1f}",
        str(log.proof_hashes),
        f"{log.served.application:.1f}",
        _tenth(log.served.database),
        f"{log.served_p50:.1f}",
        f"{log.served_p99:.1f}",
    )


def _whole(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def _tenth(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _lines(lines: Sequence[tuple[str, ...]], words: int) -> list[str]:
    """Return lines of cells aligned; the first `words` columns are words, the others numbers."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return [
        "  ".join(
            cell.ljust(width) if column < words else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
