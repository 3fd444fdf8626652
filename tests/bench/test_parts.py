"""The parts of the bench that compute: CPU of process trees, the check of receipts, percentiles, the table."""

import itertools
import os
import subprocess
import sys
import uuid

import pytest

from consent_server.bench import cpu, load, report, targets
from consent_server.bench.errors import BenchProblem
from consent_server.bench.logs import LogRow, Taken
from consent_server.bench.machine import Machine
from consent_server.bench.runs import Plan, check_receipts, percentile
from consent_server.bench.storage import Storage, storage

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


def test_the_running_time_is_the_cpu_time_in_finer_steps() -> None:
    with subprocess.Popen([sys.executable, "-c", BUSY + "\ninput()"], stdin=subprocess.PIPE) as process:
        while cpu.cpu_seconds(process.pid) < 0.3:
            pass

        spent = cpu.running_seconds(process.pid)

        process.communicate(b"\n")
    assert 0.25 < spent < 10


def test_receipts_of_batches_and_of_single_decisions_are_found_in_their_answers() -> None:
    one = b'{"receipt_id": "a", "log_index": 4}'
    many = b'{"outcomes": [{"receipt": {"receipt_id": "b", "log_index": 5}}, {"status": 422, "problem": {}}]}'

    assert load.receipts_in([one, many]) == [("a", 4), ("b", 5)]


def test_the_generators_uuids_are_random_ones() -> None:
    found = [uuid.UUID(each.decode()) for each in itertools.islice(load.uuids(), 600)]

    assert len(set(found)) == 600
    assert {(each.version, each.variant) for each in found} == {(4, uuid.RFC_4122)}


def test_what_was_there_before_is_not_counted_to_the_receipts() -> None:
    found = storage("sqlite", {"receipt": 4096}, {"receipt": 12288, "tile": 4096, "site": 0}, 16)

    assert found.parts == {"receipt": 512, "tile": 256}
    assert found.bytes_a_receipt == 768


@pytest.mark.parametrize(("milliseconds", "size", "met"), [(4.9, 899.0, True), (8.0, 901.0, False)])
def test_targets_are_met_or_not_met(milliseconds: float, size: float, met: bool) -> None:
    taken = Taken(milliseconds, milliseconds, milliseconds)
    log = LogRow("postgresql", 10_000, taken, taken, taken, 9.0, 14, milliseconds, 9.0, taken)

    found = targets.judge(
        targets.Figures(logs=[log], storages=[Storage("postgresql", 10, {"receipt": size})])
    )

    assert [(each.what, each.met) for each in found] == [
        ("integrating 1,000 leaves at 10,000", met),
        ("an inclusion proof over HTTP at 10,000, p50", met),
        ("disk, 10 receipts", met),
    ]
    assert ("NOT MET" in report.targets_table(found)) is not met
