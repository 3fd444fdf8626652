"""Runs the real `consent-server demo` as a person would: as a process, on free ports, in a folder of its own."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMMAND = [sys.executable, "-c", "from consent_server.cli import main; main()"]


def free_port() -> int:
    """A port that is free, and so is the next one; below those that systems give to outgoing connections meanwhile."""
    while True:
        port = random.randrange(10_000, 32_000, 2)
        with socket.socket() as first, socket.socket() as second:
            try:
                first.bind(("127.0.0.1", port))
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


def environment(**settings: str) -> dict[str, str]:
    """This process's environment with other settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CONSENT_")}
    return kept | {f"CONSENT_{name.upper()}": value for name, value in settings.items()}


def command(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run one `consent-server` command to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@dataclass
class Running:
    """A demo that is ready. `stop()` returns exit status, the rest of standard output, and standard error."""

    process: subprocess.Popen[str]
    addresses: dict[str, Any]

    def stop(self, number: signal.Signals = signal.SIGINT) -> tuple[int, str, str]:
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err


@contextmanager
def running_demo(folder: Path, *, port: int | None = None) -> Iterator[Running]:
    """Start the demo and wait until it says that it is ready."""
    arguments = ["demo", "--port", str(port or free_port()), "--data-dir", str(folder), "--json"]
    process = subprocess.Popen(
        [*COMMAND, *arguments], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout
    line = process.stdout.readline()
    if not line:
        raise AssertionError(process.communicate(timeout=30)[1])
    try:
        yield Running(process, json.loads(line))
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=30)
