"""A process that has imported the product already and forks it on demand: a start costs a third of a second, not three.

What is forked runs the command line as `consent-server` would; only the reading of modules is behind it. One order a line
on standard input, the new process's number a line on standard output.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LONGEST = 120  # seconds that a command may take
SUBREAPER = 36  # prctl(2): orphans of killed servers come to us and are reaped, whatever process 1 does here


@dataclass
class Nursery:
    """The process, seen from a test."""

    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def fork(self, arguments: list[str], environ: dict[str, str], log: Path) -> int:
        """Start `consent-server` with these arguments, in a process group of its own, and return its number."""
        return self._order(arguments, environ, out=log, err=log)

    def run(self, *arguments: str, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        with tempfile.TemporaryDirectory() as folder:
            out, err, status = (Path(folder) / name for name in ("out", "err", "status"))
            self._order(list(arguments), environ, out=out, err=err, status=status)
            deadline = time.monotonic() + LONGEST
            while not status.exists():
                assert time.monotonic() < deadline, f"{arguments} does not end"
                time.sleep(0.01)
            code = int(status.read_text())
            return subprocess.CompletedProcess(arguments, code, out.read_text(), err.read_text())

    def _order(
        self,
        arguments: list[str],
        environ: dict[str, str],
        *,
        out: Path,
        err: Path,
        status: Path | None = None,
    ) -> int:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = {
            "arguments": arguments,
            "environ": environ,
            "out": str(out),
            "err": str(err),
            "status": status and str(status),
        }
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        """End it; what it started is left alone."""
        if self._process is not None:
            self._process.communicate(timeout=30)
            self._process = None


def main() -> None:
    """Read orders until standard input ends."""
    import psycopg  # noqa: F401 - the driver is imported late, as the engine is made

    from consent_server.cli import bench, database, root, server  # noqa: F401 - imported once, for all

    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGCHLD, _reap)
    for line in sys.stdin:
        order = json.loads(line)
        number = os.fork()
        if number == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _become(order)
        os.setpgid(number, number)  # here: who asks for the group next must find it
        print(number, flush=True)


def _become(order: dict[str, Any]) -> None:
    os.environ.clear()
    os.environ.update(order["environ"])
    writing = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    out, err = (os.open(order[name], writing, 0o600) for name in ("out", "err"))
    nothing = os.open(os.devnull, os.O_RDONLY)
    for old, new in ((nothing, 0), (out, 1), (err, 2)):
        os.dup2(old, new)
    sys.argv = ["consent-server", *order["arguments"]]
    from consent_server.cli import main

    status = 1
    try:
        main()
        status = 0
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        if order["status"]:
            half = Path(order["status"]).with_suffix(".half")
            half.write_text(str(status))
            half.rename(order["status"])
        os._exit(status)


def _reap(*_: Any) -> None:
    while True:
        try:
            number, _status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if number == 0:
            return


if __name__ == "__main__":
    main()
