"""Fill a database: decisions through the batch call of the server itself, as a relay would bring them."""

import time
from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import func, select

from consent_server.bench.cases import BATCHES, CASES, FILLED, GAP
from consent_server.bench.errors import BenchProblem
from consent_server.bench.load import Load
from consent_server.bench.runs import generate
from consent_server.bench.stage import Stage
from consent_server.ledger.models import Tree

CONNECTIONS = 8
STEP_SECONDS = 5.0
SETTLE_SECONDS = 600.0


def fill(stage: Stage, count: int, progress: Callable[[str], None]) -> float:
    """Store receipts until there are at least `count`, wait until the tree covers them, and return the seconds it took.

    Raises:
        BenchProblem: the server answered with an error, or its tree does not follow.
    """
    case = replace(next(case for case in CASES if case.name == BATCHES), server=FILLED)
    port, begun = stage.ports[FILLED], time.monotonic()
    while (there := stage.log_size()) < count:
        progress(f"{stage.engine} filling: {there:,} of {count:,} receipts")
        seconds = STEP_SECONDS if count - there > 20_000 else 0.5
        result = generate(
            Load(
                port=port,
                requests=[case.request(port, stage.site).split(GAP)],
                expected=case.expected,
                connections=CONNECTIONS,
                seconds=seconds,
                warm_up=0,
                processes={},
            )
        )
        if result.errors:
            raise BenchProblem(f"filling: {result.first_error}")
    _wait_for_tree(stage)
    return time.monotonic() - begun


def _wait_for_tree(stage: Stage) -> None:
    """Wait until the servers have integrated all leaves, so that they do not do so while something else is measured."""
    size, deadline = stage.log_size(), time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < deadline:
        with stage.database.connect() as connection:
            integrated = connection.scalar(select(func.sum(Tree.integrated))) or 0
        if integrated >= size:
            return
        time.sleep(0.5)
    raise BenchProblem(f"the tree does not cover {size} leaves after {SETTLE_SECONDS:.0f} s")
