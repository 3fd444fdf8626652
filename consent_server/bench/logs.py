"""Integration and proofs at several sizes of a log."""

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from flask import current_app

from consent_server import clock
from consent_server.app import build
from consent_server.bench import trees
from consent_server.bench.cases import PRODUCT
from consent_server.bench.cpu import running_seconds
from consent_server.bench.errors import BenchProblem
from consent_server.bench.load import Load
from consent_server.bench.runs import generate, percentile
from consent_server.bench.servers import HOST
from consent_server.bench.stage import Stage
from consent_server.db import db, transaction
from consent_server.ledger import boot, merkle, proving, tiles
from consent_server.ledger.integrate import integrate, newest_checkpoint, tile_hashes
from consent_server.ledger.models import SignedCheckpoint

LEAVES = 1_000  # an integration's
PROOFS = 300
SETTLE_SECONDS = 0.05  # the database's own processes finish what the append left them


@dataclass(frozen=True)
class Taken:
    """What something took, in ms of CPU and of wall time. `database` is None where it is not known, or in `application`."""

    application: float
    database: float | None
    wall: float

    @property
    def cpu(self) -> float:
        """All of the CPU time that is known."""
        return self.application + (self.database or 0.0)


@dataclass(frozen=True)
class LogRow:
    """One size of a log: an integration's medians, the check at start, and proofs, all in ms."""

    engine: str
    size: int
    integration: Taken
    cold_start: Taken
    proof: Taken
    proof_p99: float
    proof_hashes: int
    served_p50: float
    served_p99: float
    served: Taken


def measure_logs(
    stage: Stage, sizes: Sequence[int], *, seconds: float, repetitions: int, progress: Callable[[str], None]
) -> list[LogRow]:
    """Make a log of each size and measure on it.

    Raises:
        BenchProblem: a proof does not lead to the signed root.
    """
    app = build(stage.settings)
    proving.forget()  # what this process knows of another database's logs, which have the same numbers
    with app.app_context():
        try:
            return [_measured(stage, size, seconds, repetitions, progress) for size in sizes]
        finally:
            db.session.remove()
            db.engine.dispose()


def _measured(
    stage: Stage, size: int, seconds: float, repetitions: int, progress: Callable[[str], None]
) -> LogRow:
    progress(f"{stage.engine} log of {size:,} leaves: making it")
    log = trees.grow(size)
    db.session.remove()
    db.engine.dispose()
    progress(f"{stage.engine} log of {size:,} leaves: integration, proofs")
    cold = _taken(stage, lambda: boot.root_at(log.key, size))
    integrations = [_integration(stage, log) for _ in range(max(5, repetitions))]
    signed = newest_checkpoint(log.key)
    if signed is None:
        raise BenchProblem("a log lost its checkpoint")
    before = _database_seconds(stage)
    proofs = [_proof(log, secrets.randbelow(signed.size), signed) for _ in range(PROOFS)]
    database = _database_ms(stage, before, PROOFS)
    walls = sorted(wall for _, wall, _ in proofs)
    served, p50, p99 = _served(stage, log, signed.size, seconds)
    return LogRow(
        engine=stage.engine,
        size=size,
        integration=_median_of(integrations),
        cold_start=cold,
        proof=Taken(median(cpu for cpu, _, _ in proofs), database, percentile(walls, 0.5)),
        proof_p99=percentile(walls, 0.99),
        proof_hashes=max(hashes for _, _, hashes in proofs),
        served_p50=p50,
        served_p99=p99,
        served=served,
    )


def _integration(stage: Stage, log: trees.GrownLog) -> Taken:
    trees.add_leaves(log, LEAVES)
    db.session.remove()
    time.sleep(SETTLE_SECONDS)
    key = current_app.extensions["keys"].checkpoint_key

    def work() -> None:
        with transaction():
            integrate(log.key, origin=log.origin, key=key, now=clock.now())

    return _taken(stage, work)


def _proof(log: trees.GrownLog, index: int, signed: SignedCheckpoint) -> tuple[float, float, int]:
    """Return CPU and wall time in ms of a proof's making, and how many hashes it has; the proof is checked."""
    cpu, wall = time.process_time(), time.perf_counter()
    found = proving.inclusion_proof(log.key, index, signed.size)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    n, offset = divmod(index, tiles.WIDTH)
    leaf = tile_hashes(log.key, 0, n, signed.size)[offset]
    if merkle.root_from_inclusion(leaf, index, signed.size, found) != signed.root:
        raise BenchProblem(f"the proof of leaf {index} in {log.name} does not lead to the signed root")
    return cpu * 1000, wall * 1000, len(found)


def _served(stage: Stage, log: trees.GrownLog, size: int, seconds: float) -> tuple[Taken, float, float]:
    """Ask the server for proofs over one connection; return CPU and mean time of one, and the p50 and p99 in ms."""
    port = stage.ports[PRODUCT]
    paths = (f"/log/{log.name}/proof/{secrets.randbelow(size)}.tlog-proof" for _ in range(1000))
    result = generate(
        Load(
            port=port,
            requests=[[f"GET {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\n\r\n"] for path in paths],
            expected=200,
            connections=1,
            seconds=seconds,
            warm_up=min(1.0, seconds),
            processes=stage.processes(PRODUCT),
        )
    )
    if result.errors or not result.latencies_ms:
        raise BenchProblem(f"proofs: {result.first_error or 'nothing was answered in time'}")
    count = len(result.latencies_ms)
    cpu = {name: spent * 1000 / count for name, spent in result.cpu_seconds.items()}
    taken = Taken(cpu["application"], cpu.get("database"), result.seconds * 1000 / count)
    return taken, percentile(result.latencies_ms, 0.5), percentile(result.latencies_ms, 0.99)


def _taken(stage: Stage, work: Callable[[], object]) -> Taken:
    before = _database_seconds(stage)
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return Taken(cpu * 1000, _database_ms(stage, before, 1), wall * 1000)


def _database_seconds(stage: Stage) -> float | None:
    postmaster = stage.server.postmaster if stage.server else None
    return running_seconds(postmaster) if postmaster else None


def _database_ms(stage: Stage, before: float | None, count: int) -> float | None:
    now = _database_seconds(stage)
    return None if before is None or now is None else (now - before) * 1000 / count


def _median_of(all_taken: Sequence[Taken]) -> Taken:
    database = [each.database for each in all_taken if each.database is not None]
    return Taken(
        median(each.application for each in all_taken),
        median(database) if database else None,
        median(each.wall for each in all_taken),
    )
