"""Run the cases: interleaved repetitions, each checked against the database, and their medians."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from consent_server.bench.cases import GAP, INSERT, Case
from consent_server.bench.cpu import cpu_seconds
from consent_server.bench.errors import BenchProblem
from consent_server.bench.load import Load, Result
from consent_server.bench.stage import Stage

REST_SECONDS, LOOK_SECONDS = 60.0, 0.5
RESTING = 0.1  # of a core


@dataclass(frozen=True)
class Plan:
    """How long, how often, over how many connections."""

    seconds: float
    warm_up: float
    repetitions: int
    connections: tuple[int, ...]
    cases: tuple[Case, ...]


@dataclass(frozen=True)
class Sample:
    """One repetition of one case. Rate, CPU times (µs) and `wal_bytes` are of one request, or of one receipt in a batch.

    `load_us` is what the load generator itself took; `database_us` and `wal_bytes` are None where they are not known.
    """

    rate: float
    p50_ms: float
    p99_ms: float
    application_us: float
    database_us: float | None
    load_us: float
    wal_bytes: float | None
    acknowledged: int
    rows: int | None
    errors: int
    first_error: str


@dataclass(frozen=True)
class Row:
    """The medians of a case's samples; counts are sums. `ratio` is against the bare insert of the same engine."""

    engine: str
    workers: int
    threads: int
    case: str
    connections: int
    requests_per_second: float
    ratio: float | None
    p50_ms: float
    p99_ms: float
    application_us: float
    database_us: float | None
    cpu_us: float
    load_us: float
    wal_bytes: float | None
    acknowledged: int
    rows: int | None
    errors: int
    first_error: str
    samples: list[Sample]

    def to_json(self) -> dict[str, Any]:
        """Return the members for `--json`."""
        return asdict(self)


def run(stage: Stage, plan: Plan, progress: Callable[[str], None]) -> list[Row]:
    """Measure all cases of one engine.

    Raises:
        BenchProblem: what was acknowledged is not what the database holds.
    """
    samples: dict[tuple[Case, int], list[Sample]] = {key: [] for key in _order(plan)}
    receipts: dict[str, list[tuple[str, int]]] = {case.server: [] for case in plan.cases}
    begun = {name: stage.at(name).log_size() for name in receipts}
    for repetition in range(1, plan.repetitions + 1):
        # Interleaved, so that a busy spell of the machine does not fall on one case alone.
        for case, connections in samples:
            progress(
                f"{stage.engine} {case.name}, {connections} connections, {repetition} of {plan.repetitions}"
            )
            sample, stored = measure(stage, plan, case, connections)
            samples[case, connections].append(sample)
            receipts[case.server] += stored
    for name, acknowledged in receipts.items():
        check_receipts(acknowledged, stage.at(name).stored_receipts(begun[name]), first=begun[name])
    return _rows(stage, samples)


def measure(stage: Stage, plan: Plan, case: Case, connections: int) -> tuple[Sample, list[tuple[str, int]]]:
    """Run one repetition and count what it left in the database."""
    place = stage.at(case.server)
    if not case.table:
        wait_for_rest(place.processes(case.server))
    before = place.count(case.table) if case.table else None
    wal = place.wal_position()
    result = generate(
        Load(
            port=place.ports[case.server],
            requests=[case.request(place.ports[case.server], place.site).split(GAP)],
            expected=case.expected,
            connections=connections,
            seconds=plan.seconds,
            warm_up=plan.warm_up,
            processes=place.processes(case.server),
            keep=case.stores_receipts,
        )
    )
    written = None if wal is None else (place.wal_position() or 0) - wal
    rows = place.count(case.table) - before if case.table and before is not None else None
    if not result.latencies_ms:
        raise BenchProblem(f"{case.name}: nothing was answered in time; {result.first_error}")
    if case.stores_receipts and len(result.receipts) != result.acknowledged * case.rows:
        raise BenchProblem(f"{case.name}: a decision of a batch was refused")
    return _sample(result, case, rows, written), result.receipts


def wait_for_rest(processes: Mapping[str, int]) -> None:
    """Wait until servers have done what rows before have left to them: a row that stores nothing does not pay for it."""
    deadline = time.monotonic() + REST_SECONDS
    while time.monotonic() < deadline:
        before = sum(map(cpu_seconds, processes.values()))
        time.sleep(LOOK_SECONDS)
        if sum(map(cpu_seconds, processes.values())) - before < RESTING * LOOK_SECONDS:
            return


def generate(load: Load) -> Result:
    """Run the load generator in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "consent_server.bench.load"],
        input=json.dumps(asdict(load)),
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    found = json.loads(done.stdout)
    return Result(**found | {"receipts": [(number, index) for number, index in found["receipts"]]})


def check_receipts(
    acknowledged: Sequence[tuple[str, int]], stored: Sequence[tuple[str, int]], *, first: int = 0
) -> None:
    """Check that the log, from index `first` on, holds every acknowledged receipt, each once, at contiguous indexes.

    Raises:
        BenchProblem: a receipt is lost, doubled, extra or at another index.
    """
    if [index for _, index in stored] != list(range(first, first + len(stored))):
        raise BenchProblem("the log's indexes are not contiguous")
    if len({number for number, _ in stored}) != len(stored):
        raise BenchProblem("a receipt is stored twice")
    lost = set(acknowledged) - set(stored)
    if lost:
        raise BenchProblem(f"{len(lost)} acknowledged receipts are not in the log as they were acknowledged")


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the value below which this share of the ordered values lies (nearest rank)."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _order(plan: Plan) -> Iterator[tuple[Case, int]]:
    for connections in plan.connections:
        for case in plan.cases:
            yield case, connections


def _sample(result: Result, case: Case, rows: int | None, wal: int | None) -> Sample:
    answers = len(result.latencies_ms)
    count = answers * case.rows
    cpu = {name: seconds * 1e6 / count for name, seconds in result.cpu_seconds.items()}
    return Sample(
        rate=count / result.seconds,
        p50_ms=percentile(result.latencies_ms, 0.50),
        p99_ms=percentile(result.latencies_ms, 0.99),
        application_us=cpu["application"],
        database_us=cpu.get("database"),
        load_us=result.own_seconds * 1e6 / count,
        wal_bytes=None if wal is None or not rows else wal / rows,
        acknowledged=result.acknowledged * case.rows,
        rows=rows,
        errors=result.errors,
        first_error=result.first_error,
    )


def _rows(stage: Stage, samples: dict[tuple[Case, int], list[Sample]]) -> list[Row]:
    inserted = {
        connections: median(sample.rate for sample in found)
        for (case, connections), found in samples.items()
        if case.name == INSERT
    }
    return [
        _row(stage, case, connections, found, inserted.get(connections))
        for (case, connections), found in samples.items()
    ]


def _row(stage: Stage, case: Case, connections: int, samples: list[Sample], inserted: float | None) -> Row:
    rate = median(sample.rate for sample in samples)
    application = median(sample.application_us for sample in samples)
    database = _median([sample.database_us for sample in samples])
    counted = [sample.rows for sample in samples if sample.rows is not None]
    return Row(
        engine=stage.engine,
        workers=stage.settings.workers,
        threads=stage.settings.threads,
        case=case.name,
        connections=connections,
        requests_per_second=rate,
        ratio=rate / inserted if inserted else None,
        p50_ms=median(sample.p50_ms for sample in samples),
        p99_ms=median(sample.p99_ms for sample in samples),
        application_us=application,
        database_us=database,
        cpu_us=application + (database or 0.0),
        load_us=median(sample.load_us for sample in samples),
        wal_bytes=_median([sample.wal_bytes for sample in samples]),
        acknowledged=sum(sample.acknowledged for sample in samples),
        rows=sum(counted) if counted else None,
        errors=sum(sample.errors for sample in samples),
        first_error=next((sample.first_error for sample in samples if sample.first_error), ""),
        samples=samples,
    )


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None
