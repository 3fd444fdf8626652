"""CPU time of process trees, from Linux's /proc."""

import os
from collections.abc import Mapping
from pathlib import Path

PROC = Path("/proc")
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def cpu_seconds(root: int) -> float:
    """Return the CPU time, user and system, of a process and of all its descendants, ended ones included."""
    times, parents = _snapshot()
    return sum(times.get(pid, 0) for pid in _tree(root, parents)) / TICKS_PER_SECOND


def running_seconds(root: int) -> float:
    """Return the CPU time of a process and of its descendants that live now, in nanoseconds' resolution.

    For what is over in fewer milliseconds than a tick of `cpu_seconds` has. Processes have one thread here.
    """
    _, parents = _snapshot()
    total = 0
    for pid in _tree(root, parents):
        try:
            # sched-stats.rst of the kernel: time spent on the cpu, in nanoseconds.
            total += int((PROC / str(pid) / "schedstat").read_text().split()[0])
        except OSError:
            continue  # it ended while we looked
    return total / 1e9


def parent_of(pid: int) -> int:
    """Return the parent's process id."""
    return int(_fields(PROC / str(pid) / "stat")[1])


def name_of(pid: int) -> str:
    """Return the name of a process's program, or an empty text if there is no such process here."""
    try:
        return (PROC / str(pid) / "comm").read_text().strip()
    except OSError:
        return ""


def _tree(root: int, parents: Mapping[int, int]) -> set[int]:
    tree = {root}
    # Parents can have higher numbers than their children, so look until nothing is added.
    while grown := {pid for pid, parent in parents.items() if parent in tree} - tree:
        tree |= grown
    return tree


def _snapshot() -> tuple[dict[int, int], dict[int, int]]:
    times: dict[int, int] = {}
    parents: dict[int, int] = {}
    for folder in PROC.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = _fields(folder / "stat")
        except OSError:
            continue  # it ended while we looked
        # proc(5): utime, stime, and those of children that have ended and been waited for.
        times[int(folder.name)] = sum(map(int, fields[11:15]))
        parents[int(folder.name)] = int(fields[1])
    return times, parents


def _fields(stat: Path) -> list[str]:
    # The second field is the program's name in brackets and may itself hold spaces and brackets.
    return stat.read_text().rpartition(")")[2].split()
