"""What a measurement was made on."""

import os
import platform
import sqlite3
import statistics
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

IN_MEMORY = ("tmpfs", "ramfs")
SYNCS = 64


@dataclass(frozen=True)
class Machine:
    """Hardware, software and how busy it was. `fsync_us` is the median of 4 kB writes with fsync."""

    cores: int
    cpu: str
    kernel: str
    python: str
    sqlite: str
    packages: dict[str, str]
    filesystem: str
    fsync_us: int
    load_average: float

    @property
    def in_memory(self) -> bool:
        """Whether the data is on no disk at all, so that a commit costs nothing."""
        return self.filesystem in IN_MEMORY


def describe(folder: Path) -> Machine:
    """Describe this machine and the disk under `folder`."""
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        cpu=_cpu_model(),
        kernel=platform.release(),
        python=platform.python_version(),
        sqlite=sqlite3.sqlite_version,
        packages={name: version(name) for name in ("uvicorn", "granian", "flask", "sqlalchemy")},
        filesystem=filesystem_of(folder),
        fsync_us=_fsync_us(folder),
        load_average=round(os.getloadavg()[0], 2),
    )


def filesystem_of(folder: Path) -> str:
    """Return the type of the file system that holds a folder, for example `ext4`."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    resolved = folder.resolve()
    above = [(point, kind) for _, point, kind, *_ in mounts if resolved.is_relative_to(point)]
    # Of two mounts on one point the later one is seen.
    return max(enumerate(above), key=lambda each: (len(each[1][0]), each[0]))[1][1] if above else "unknown"


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _fsync_us(folder: Path) -> int:
    block, taken = os.urandom(4096), []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(SYNCS):
            begin = time.perf_counter()
            file.write(block)
            file.flush()
            os.fsync(file.fileno())
            taken.append(time.perf_counter() - begin)
    return round(statistics.median(taken) * 1_000_000)
