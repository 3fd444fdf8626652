"""The parts of the bench that compute: CPU of process trees, the check of receipts, percentiles, the table."""

import os
import subprocess
import sys

import pytest

from consent_server.bench import cpu, report
from consent_server.bench.errors import BenchProblem
from consent_server.bench.machine import Machine
from consent_server.bench.runs import Plan, check_receipts, percentile

BUSY = "import time; t = time.process_time()\nwhile time.process_time() - t < 0.3: pass"


def test_the_cpu_time_of_a_tree_counts_children_that_live_and_that_have_ended() -> None:
    parent = (
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BUSY!r}]); "
        f"child = subprocess.Popen([sys.executable, '-c', {BUSY + chr(10) + 'input()'!r}], stdin=subprocess.PIPE); "
        "time = __import__('time'); time.sleep(1.5); print('ready', flush=True); input(); child.communicate()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()

        spent = cpu.cpu_seconds(process.pid)

        process.communicate("\n\n")
    assert spent >= 0.55


def test_parent_and_name_of_a_process_are_read() -> None:
    assert cpu.parent_of(os.getpid()) == os.getppid()
    assert cpu.name_of(os.getpid())
    assert cpu.name_of(2**22 + 1) == ""


def test_receipts_that_are_there_in_order_are_in_order() -> None:
    check_receipts([("b", 1)], [("a", 0), ("b", 1)])


@pytest.mark.parametrize(
    ("acknowledged", "stored", "says"),
    [
        ([("a", 0), ("b", 1)], [("a", 0)], "1 acknowledged receipts are not in the log"),
        ([("a", 1)], [("a", 0)], "1 acknowledged receipts are not in the log"),
        ([("a", 0)], [("a", 0), ("a", 1)], "stored twice"),
        ([], [("a", 0), ("b", 2)], "not contiguous"),
    ],
    ids=["lost", "moved", "doubled", "gap"],
)
def test_a_log_that_is_not_what_was_acknowledged_stops_the_bench(
    acknowledged: list[tuple[str, int]], stored: list[tuple[str, int]], says: str
) -> None:
    with pytest.raises(BenchProblem, match=says):
        check_receipts(acknowledged, stored)


def test_percentiles_are_values_that_occurred() -> None:
    values = [float(value) for value in range(1, 101)]

    assert percentile(values, 0.5) == 51
    assert percentile(values, 0.99) == 100
    assert percentile([7.0], 0.99) == 7


def test_data_in_memory_is_said_loudly() -> None:
    machine = Machine(2, "cpu", "6", "3", "3", {}, "tmpfs", 1, 0.0)

    shown = report.heading(machine, Plan(1, 1, 1, (1,), ()), None)

    assert "IN MEMORY" in shown
