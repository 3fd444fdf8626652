"""The real server as a process of its own, started cold or from the nursery, and how to kill it."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.nursery import Nursery

PATIENCE = 60  # seconds until a server that does not get ready is a failure


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Server:
    """`consent-server serve` on a free port, in a process group that only it is in."""

    settings: dict[str, str]
    log: Path
    nursery: Nursery | None = None  # without one it is started cold, as an operator does
    command: str = "serve"
    port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None
    _group: int | None = None

    def start(self) -> None:
        """Start it and wait until it is ready."""
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Start it."""
        environ = {k: v for k, v in os.environ.items() if not k.startswith("CONSENT_")}
        environ |= self.settings | {"CONSENT_PORT": str(self.port)}
        if self.nursery is not None:
            self._group = self.nursery.fork([self.command], environ, self.log)
            return
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [Path(sys.executable).parent / "consent-server", self.command],
                env=environ, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        self._group = self._process.pid

    def wait(self) -> None:
        """Wait until it is ready."""
        deadline = time.monotonic() + PATIENCE
        while not self._ready():
            if not self._lives() or time.monotonic() > deadline:
                raise AssertionError(f"the server did not start:\n{self.said()}")
            time.sleep(0.02)

    def wait_until_it_says(self, text: str) -> None:
        """Wait for a line of its log, which is how a worker tells that it is ready."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.said():
            if not self._lives() or time.monotonic() > deadline:
                raise AssertionError(f"it did not say {text!r}:\n{self.said()}")
            time.sleep(0.02)

    def said(self) -> str:
        """Return the end of its log."""
        return self.log.read_text()[-4000:] if self.log.exists() else ""

    def kill(self) -> None:
        """Kill all of its processes at once, as a power cut would, and wait until they are gone."""
        if self._group is None:
            return
        with contextlib.suppress(ProcessLookupError):  # it has ended by itself
            os.killpg(self._group, signal.SIGKILL)
        if self._process is not None:
            self._process.wait()
            self._process = None
        deadline = time.monotonic() + 5
        while self._lives() and time.monotonic() < deadline:
            time.sleep(0.002)
        self._group = None

    def stop(self) -> int:
        """Ask a server that was started cold to stop, as an operator does, and return its exit status."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        status = self._process.wait(timeout=30)
        self._process = self._group = None
        return status

    def _lives(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            return False
        try:
            os.killpg(self._group or 0, 0)
        except ProcessLookupError:
            return False
        return True

    def _ready(self) -> bool:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            connection.request("GET", "/readyz")
            response = connection.getresponse()
            response.read()
            return response.status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
