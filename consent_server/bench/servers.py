"""Web servers under measurement, in processes of their own: the application as `consent-server serve` serves it, WSGI targets."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from consent_server.bench.errors import BenchProblem
from consent_server.config import PREFIX

HOST = "127.0.0.1"
START_SECONDS = 60.0
STOP_SECONDS = 20.0


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def get(port: int, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, dict[str, str]]:
    """GET a path and return the status and the headers by lower-case name."""
    connection = HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request("GET", path, headers=dict(headers or {}))
        response = connection.getresponse()
        response.read()
        return response.status, {name.lower(): value for name, value in response.getheaders()}
    finally:
        connection.close()


@contextmanager
def serving(target: str, environment: Mapping[str, str], *, ready: str, log: Path) -> Iterator[int]:
    """Serve a target with these `CONSENT_` variables and give the server's process id.

    Raises:
        BenchProblem: `ready` is not answered with 200 in time; the end of the log says why.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    command = [sys.executable, "-m", "consent_server.bench.serve", target]
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command, env=inherited | dict(environment), stdout=output, stderr=output
        )
    try:
        _wait_until_ready(process, int(environment["CONSENT_PORT"]), ready, log)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, path: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if get(port, path)[0] == 200:
                return
        except (OSError, HTTPException):
            pass
        time.sleep(0.1)
    tail = log.read_text(errors="replace")[-2000:]
    raise BenchProblem(f"the server did not start; the end of its log:\n{tail}")
