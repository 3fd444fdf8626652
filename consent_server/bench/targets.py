"""The figures that the server is held to, and whether a run met them. The bounds are the constants below."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from consent_server.bench.cases import BATCHES, DECISIONS, HELLO, ON_FILLED, TAGS
from consent_server.bench.evidence import ALL_QUESTIONS, EvidenceRow
from consent_server.bench.logs import LogRow
from consent_server.bench.runs import Row
from consent_server.bench.storage import Storage

CPU_US = 700  # a decision, application and database
CPU_US_WISHED = 500
RATIO = 1.3  # decisions against the bare insert
TAG_RATIO = 1.0  # the tag against a bare Flask view
FILLED_RATIO = 0.9  # decisions on a filled database against an empty one
BATCH_RATE = 5_000  # receipts a second
BATCH_CPU_US = 180
SQLITE_RATE = 1_000
TAIL = 3.0  # p99 against p50
INTEGRATION_MS = 15.0  # CPU of a thousand leaves and a checkpoint
PROOF_MS = 5.0
RECEIPT_BYTES = 900
EVIDENCE_MS = 1_000.0
EVIDENCE_RECEIPTS = 1_000_000
MANY, MORE = 16, 64  # connections


@dataclass(frozen=True)
class Figures:
    """All that a run measured, on all engines."""

    rows: list[Row] = field(default_factory=list)
    logs: list[LogRow] = field(default_factory=list)
    storages: list[Storage] = field(default_factory=list)
    evidence: list[EvidenceRow] = field(default_factory=list)


@dataclass(frozen=True)
class Target:
    """One figure: what was wanted, what was measured, and whether that is met."""

    engine: str
    what: str
    wanted: str
    measured: str
    met: bool


def judge(figures: Figures) -> list[Target]:
    """Return every target of which something was measured."""
    found = [
        *_tags(figures.rows),
        *_decisions(figures.rows),
        *_filled(figures.rows),
        *_batches(figures.rows),
        *_tails(figures.rows),
        *_logs(figures.logs),
        *_storages(figures.storages),
        *_evidence(figures.evidence),
    ]
    return sorted(found, key=lambda target: target.engine)


def _tags(rows: Sequence[Row]) -> Iterator[Target]:
    hello = {(row.engine, row.connections): row.requests_per_second for row in rows if row.case == HELLO}
    for row in rows:
        rate = hello.get((row.engine, row.connections))
        if row.case in TAGS and rate:
            ratio = row.requests_per_second / rate
            what = f"{row.case}, {row.connections} connections"
            yield Target(
                row.engine, what, f">= {TAG_RATIO:g} x {HELLO}", f"{ratio:.2f} x", ratio >= TAG_RATIO
            )


def _decisions(rows: Sequence[Row]) -> Iterator[Target]:
    for row in rows:
        if row.case != DECISIONS or row.connections not in (MANY, MORE):
            continue
        what = f"a decision, {row.connections} connections"
        if row.engine == "sqlite":
            if row.connections == MANY:
                rate = row.requests_per_second
                yield Target(row.engine, what, f">= {SQLITE_RATE}/s", f"{rate:.0f}/s", rate >= SQLITE_RATE)
            continue
        wished = f" (wish: {CPU_US_WISHED})"
        cpu = row.cpu_us
        yield Target(row.engine, what, f"<= {CPU_US} us CPU{wished}", f"{cpu:.0f} us", cpu <= CPU_US)
        if row.ratio is not None:
            wanted = f">= {RATIO} x insert"
            yield Target(row.engine, what, wanted, f"{row.ratio:.2f} x", row.ratio >= RATIO)


def _filled(rows: Sequence[Row]) -> Iterator[Target]:
    empty = {(row.engine, row.connections): row.requests_per_second for row in rows if row.case == DECISIONS}
    for row in rows:
        rate = empty.get((row.engine, row.connections))
        if row.case == ON_FILLED and rate:
            ratio = row.requests_per_second / rate
            what = f"a decision on a filled database, {row.connections} connections"
            wanted = f">= {FILLED_RATIO} x empty"
            yield Target(row.engine, what, wanted, f"{ratio:.2f} x", ratio >= FILLED_RATIO)


def _batches(rows: Sequence[Row]) -> Iterator[Target]:
    for row in rows:
        if row.case != BATCHES or row.engine == "sqlite" or row.connections not in (MANY, MORE):
            continue
        what, rate = f"batches, {row.connections} connections", row.requests_per_second
        yield Target(row.engine, what, f">= {BATCH_RATE} receipts/s", f"{rate:.0f}/s", rate >= BATCH_RATE)
        cpu = row.cpu_us
        yield Target(
            row.engine, what, f"<= {BATCH_CPU_US} us CPU a receipt", f"{cpu:.0f} us", cpu <= BATCH_CPU_US
        )


def _tails(rows: Sequence[Row]) -> Iterator[Target]:
    for row in rows:
        if row.case == DECISIONS and row.connections == MORE:
            what = f"a decision, {row.connections} connections, p99"
            tail = row.p99_ms / row.p50_ms
            measured = f"{tail:.1f} x ({row.p50_ms:.1f}, {row.p99_ms:.1f} ms)"
            yield Target(row.engine, what, f"< {TAIL:g} x p50", measured, tail < TAIL)


def _logs(logs: Sequence[LogRow]) -> Iterator[Target]:
    for log in logs:
        cpu = log.integration.cpu
        what = f"integrating 1,000 leaves at {log.size:,}"
        wanted = f"<= {INTEGRATION_MS:g} ms CPU"
        yield Target(log.engine, what, wanted, f"{cpu:.1f} ms", cpu <= INTEGRATION_MS)
        measured = f"{log.served_p50:.1f} ms (p99 {log.served_p99:.1f})"
        what = f"an inclusion proof over HTTP at {log.size:,}, p50"
        yield Target(log.engine, what, f"< {PROOF_MS:g} ms", measured, log.served_p50 < PROOF_MS)


def _storages(storages: Sequence[Storage]) -> Iterator[Target]:
    for each in storages:
        size = each.bytes_a_receipt
        what = f"disk, {each.receipts:,} receipts"
        wanted = f"<= {RECEIPT_BYTES} bytes each"
        yield Target(each.engine, what, wanted, f"{size:.0f}", size <= RECEIPT_BYTES)


def _evidence(rows: Sequence[EvidenceRow]) -> Iterator[Target]:
    for row in rows:
        if row.engine == "sqlite" or row.question != ALL_QUESTIONS or row.receipts < EVIDENCE_RECEIPTS:
            continue
        what = f"the evidence desk among {row.receipts:,}, p95"
        yield Target(
            row.engine, what, f"< {EVIDENCE_MS:g} ms", f"{row.p95_ms:.0f} ms", row.p95_ms < EVIDENCE_MS
        )
