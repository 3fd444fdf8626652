"""A whole run: the engines one after another, and on each the requests, the logs of several sizes, and the bytes."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from consent_server.bench.cases import FILLED
from consent_server.bench.errors import BenchProblem
from consent_server.bench.evidence import EvidenceRow, measure_evidence
from consent_server.bench.filling import fill
from consent_server.bench.logs import LogRow, measure_logs
from consent_server.bench.postgres import ServerFacts
from consent_server.bench.runs import Plan, Row, run
from consent_server.bench.stage import Stage, grounds
from consent_server.bench.storage import Storage, sizes, storage

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Wanted:
    """What to measure. `filled` is how many receipts the filled database holds; 0 leaves it out."""

    plan: Plan
    filled: int
    storage: bool
    log_sizes: tuple[int, ...]
    evidence: int  # receipts among which the evidence desk is asked; 0 leaves it out
    database_url: str | None
    folder: Path
    threads: int | None
    processes: int | None


@dataclass(frozen=True)
class Outcome:
    """What one engine gave."""

    server: ServerFacts | None
    rows: list[Row]
    storages: list[Storage]
    logs: list[LogRow]
    evidence: list[EvidenceRow]


def measure_engine(engine: str, wanted: Wanted, progress: Progress) -> Outcome:
    """Measure one engine on data of its own, which is removed afterwards.

    Raises:
        BenchProblem: it cannot be measured, or what was measured cannot be believed.
    """
    with (
        tempfile.TemporaryDirectory(prefix="consent-bench-", dir=wanted.folder) as data,
        grounds(
            engine, Path(data), wanted.database_url, threads=wanted.threads, processes=wanted.processes
        ) as place,
    ):
        outcome = Outcome(None, [], [], [], [])
        if wanted.plan.cases or wanted.storage:
            with place.stage(_servers(wanted)) as stage:
                outcome = Outcome(stage.server, *_requests(stage, wanted, progress), [], [])
        if wanted.log_sizes:
            plan = wanted.plan
            with place.quiet_stage() as stage:
                logs = measure_logs(
                    stage,
                    wanted.log_sizes,
                    seconds=plan.seconds,
                    repetitions=plan.repetitions,
                    progress=progress,
                )
                outcome = replace(outcome, server=stage.server, logs=logs)
        if wanted.evidence:
            with place.desk_stage() as stage:
                asked = measure_evidence(stage, wanted.evidence, progress)
                outcome = replace(outcome, server=stage.server, evidence=asked)
    return outcome


def _servers(wanted: Wanted) -> set[str]:
    return {case.server for case in wanted.plan.cases} | ({FILLED} if wanted.filled else set())


def _requests(stage: Stage, wanted: Wanted, progress: Progress) -> tuple[list[Row], list[Storage]]:
    stages = [each for each in (stage.filled, stage) if each is not None]
    before = [(sizes(each.database), each.count("receipt")) for each in stages] if wanted.storage else []
    if stage.filled is not None:
        seconds = fill(stage.filled, wanted.filled, progress)
        progress(f"{stage.engine} filled with {wanted.filled:,} receipts in {seconds:.0f} s")
        sizes(stage.filled.database)  # for its VACUUM, which would otherwise fall into the measured time
    rows = run(stage, wanted.plan, progress) if wanted.plan.cases else []
    storages = []
    for each, (bytes_before, receipts_before) in zip(stages, before, strict=False):
        stored = each.count("receipt") - receipts_before
        if stored:
            storages.append(storage(each.engine, bytes_before, sizes(each.database), stored))
    if wanted.storage and not storages:
        raise BenchProblem("bytes: no receipt was stored; add `decisions` or `batches`, or use --filled")
    return rows, storages[:1]
