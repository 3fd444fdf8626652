"""The real server as a process of its own, visitors who do not give up, and how to kill one under the other."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ORIGIN = "https://shop.example"
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
    port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it is ready."""
        environ = {k: v for k, v in os.environ.items() if not k.startswith("CONSENT_")}
        environ |= self.settings | {"CONSENT_PORT": str(self.port)}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [Path(sys.executable).parent / "consent-server", "serve"],
                env=environ, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + PATIENCE
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the server did not start:\n{self.log.read_text()[-4000:]}")
            time.sleep(0.05)

    def kill(self) -> None:
        """Kill all of its processes at once, as a power cut would."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):  # it has ended by itself
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def stop(self) -> int:
        """Ask it to stop as an operator does, and return its exit status."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        status = self._process.wait(timeout=30)
        self._process = None
        return status

    def _ready(self) -> bool:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


@dataclass
class Visitors:
    """Threads that decide without pause and repeat each decision until it is acknowledged."""

    server: Server
    site: str
    template: dict[str, Any]
    acknowledged: dict[str, bytes] = field(default_factory=dict)
    strange: list[str] = field(default_factory=list)
    repeated: int = 0
    _stopping: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def begin(self, number: int) -> None:
        self._threads = [threading.Thread(target=self._decide_for_ever, daemon=True) for _ in range(number)]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Stop when what is under way has been acknowledged; the server must be up."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(timeout=PATIENCE)
            assert not thread.is_alive()

    def post(self, body: dict[str, Any]) -> tuple[int, bytes]:
        """Post a decision once."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=20)
        try:
            headers = {"Content-Type": "text/plain", "Origin": ORIGIN}
            connection.request("POST", f"/v1/sites/{self.site}/decisions", json.dumps(body), headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def body(self, receipt_id: str) -> dict[str, Any]:
        """The body of a receipt id, the same whenever it is sent."""
        visitor = str(
            uuid.UUID(int=uuid.UUID(receipt_id).int % 97, version=4)
        )  # few visitors, many decisions each
        return self.template | {"receipt_id": receipt_id, "visitor_id": visitor}

    def _decide_for_ever(self) -> None:
        while not self._stopping.is_set():
            self._until_acknowledged(self.body(str(uuid.uuid4())))

    def _until_acknowledged(self, body: dict[str, Any]) -> None:
        for attempt in range(10_000):
            try:
                status, answer = self.post(body)
            except (OSError, http.client.HTTPException):
                time.sleep(0.02)
                continue
            if status in (200, 201):
                self.repeated += attempt > 0
                self.acknowledged[body["receipt_id"]] = answer
                return
            if status != 503:
                self.strange.append(f"{status}: {answer[:300]!r}")
                return
            time.sleep(0.05)
