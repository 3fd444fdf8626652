"""The load generator: a closed loop over keep-alive connections, in a process of its own.

It shares the machine with what it measures, so it does little: requests are prebuilt, answers are kept and looked
into after the run, and one epoll loop serves all connections. `python -m consent_server.bench.load` reads a `Load`
as JSON on standard input and writes a `Result` as JSON.
"""

import gc
import json
import os
import select
import socket
import sys
import time
from array import array
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from consent_server.bench.cpu import cpu_seconds

DRAIN_SECONDS = 20.0
HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length: "


@dataclass(frozen=True)
class Load:
    """What to send where.

    `parts` are the pieces of a request as text; a fresh UUID goes between each two. `processes` maps a name to the
    root of a process tree whose CPU time is wanted. With `keep`, the answers' bodies are parsed: `receipt_id` and
    `log_index`.
    """

    port: int
    parts: list[str]
    expected: int
    connections: int
    seconds: float
    warm_up: float
    processes: dict[str, int]
    keep: bool = False


@dataclass
class Result:
    """What came of it. `latencies_ms` and `cpu_seconds` are of the measured time; `acknowledged` also of the warm-up."""

    seconds: float
    latencies_ms: list[float]
    cpu_seconds: dict[str, float]
    acknowledged: int
    errors: int
    first_error: str = ""
    receipts: list[tuple[str, int]] = field(default_factory=list)


class Connection:
    """One keep-alive connection with at most one request on its way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.started = 0.0
        self.received = b""
        self.waiting = False

    def send(self, request: bytes) -> None:
        """Send a request; it always fits into the socket's buffer, since the one before has been answered."""
        self.received, self.waiting, self.started = b"", True, time.perf_counter()
        self.socket.send(request)

    def answer(self) -> tuple[int, bytes] | None:
        """Read what is there and return status and body once the answer is whole.

        Raises:
            ConnectionError: the server closed the connection.
        """
        data = self.socket.recv(1 << 18)
        if not data:
            raise ConnectionError("closed by the server")
        self.received += data
        end = self.received.find(HEAD_END)
        if end < 0:
            return None
        head = self.received[:end].lower()
        status, at = int(head[9:12]), head.find(LENGTH)
        # A 304 may state the length of what it does not send.
        length = int(head[at + len(LENGTH) :].split(b"\r\n", 1)[0]) if at >= 0 and status != 304 else 0
        body = self.received[end + len(HEAD_END) :]
        if len(body) < length:
            return None
        self.waiting = False
        return status, body


class Generator:
    """Runs one load."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._parts = [part.encode() for part in load.parts]
        self._epoll = select.epoll()
        self._connections: dict[int, Connection] = {}
        self._latencies = array("d")
        self._bodies: list[bytes] = []
        self._acknowledged = self._errors = 0
        self._first_error = ""

    def run(self) -> Result:
        """Warm up, measure, then wait for the answers on their way."""
        load = self._load
        for _ in range(load.connections):
            self._open()
        self._loop(until=time.perf_counter() + load.warm_up)
        self._latencies = array("d")
        before, begin = self._cpu(), time.perf_counter()
        self._loop(until=begin + load.seconds)
        measured, after = time.perf_counter() - begin, self._cpu()
        latencies = sorted(self._latencies)
        self._drain()
        return Result(
            seconds=measured,
            latencies_ms=[each * 1000 for each in latencies],
            cpu_seconds={name: after[name] - before[name] for name in before},
            acknowledged=self._acknowledged,
            errors=self._errors,
            first_error=self._first_error,
            receipts=receipts_in(self._bodies),
        )

    def _open(self) -> Connection:
        connection = Connection(self._load.port)
        self._connections[connection.socket.fileno()] = connection
        self._epoll.register(connection.socket.fileno(), select.EPOLLIN)
        return connection

    def _loop(self, *, until: float) -> None:
        for connection in self._connections.values():
            if not connection.waiting:
                connection.send(self._request())
        while time.perf_counter() < until:
            for number, _ in self._epoll.poll(0.05):
                free = self._receive(number)
                if free is not None:
                    free.send(self._request())

    def _drain(self) -> None:
        deadline = time.perf_counter() + DRAIN_SECONDS
        while self._on_their_way() and time.perf_counter() < deadline:
            for number, _ in self._epoll.poll(0.05):
                self._receive(number)
        unanswered = self._on_their_way()
        if unanswered:
            self._fail(f"{unanswered} requests not answered in {DRAIN_SECONDS:.0f} s", unanswered)

    def _on_their_way(self) -> int:
        return sum(connection.waiting for connection in self._connections.values())

    def _receive(self, number: int) -> Connection | None:
        """Take what a connection has; return a connection that is free for the next request, if there is one."""
        connection = self._connections[number]
        try:
            answer = connection.answer()
        except OSError as error:
            self._fail(str(error))
            self._epoll.unregister(number)
            connection.socket.close()
            del self._connections[number]
            return self._open()
        if answer is None:
            return None
        self._latencies.append(time.perf_counter() - connection.started)
        status, body = answer
        if status != self._load.expected:
            self._fail(f"status {status}: {body[:200].decode(errors='replace')}")
            return connection
        self._acknowledged += 1
        if self._load.keep:
            self._bodies.append(body)
        return connection

    def _fail(self, text: str, count: int = 1) -> None:
        self._errors += count
        self._first_error = self._first_error or text

    def _request(self) -> bytes:
        if len(self._parts) == 1:
            return self._parts[0]
        request = self._parts[0]
        for part in self._parts[1:]:
            request += _uuid() + part
        return request

    def _cpu(self) -> dict[str, float]:
        return {name: cpu_seconds(root) for name, root in self._load.processes.items()}


def receipts_in(bodies: Sequence[bytes]) -> list[tuple[str, int]]:
    """Return receipt id and log index of each acknowledged decision."""
    answers = (json.loads(body) for body in bodies)
    return [(answer["receipt_id"], answer["log_index"]) for answer in answers]


def _uuid() -> bytes:
    # A random UUID, version 4, without the cost of an object.
    digits = os.urandom(16).hex()
    text = f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
    return text.encode()


def main() -> None:
    """Run the load described on standard input."""
    load = Load(**json.load(sys.stdin))
    gc.disable()  # a pause of ours would be counted as the server's
    json.dump(asdict(Generator(load).run()), sys.stdout)


if __name__ == "__main__":
    main()
