"""The load generator: a closed loop over keep-alive connections, in a process of its own.

It shares the machine with what it measures, so it does little: requests are prebuilt, answers are kept and looked
into after the run, and one epoll loop serves all connections; what it costs itself is in its result. `python -m consent_server.bench.load` reads a `Load`
as JSON on standard input and writes a `Result` as JSON.
"""

import gc
import itertools
import json
import os
import select
import socket
import sys
import time
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field

from consent_server.bench.cpu import cpu_seconds

DRAIN_SECONDS = 20.0
HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length: "


@dataclass(frozen=True)
class Load:
    """What to send where.

    `requests` are sent in turn, each as pieces of text; a fresh UUID goes between each two. `processes` maps a name to
    the root of a process tree whose CPU time is wanted. With `keep`, the answers' bodies are parsed: `receipt_id` and
    `log_index` of each receipt.
    """

    port: int
    requests: list[list[str]]
    expected: int
    connections: int
    seconds: float
    warm_up: float
    processes: dict[str, int]
    keep: bool = False


@dataclass
class Result:
    """What came of it. Latencies and CPU times are of the measured time; `acknowledged` also of the warm-up.

    `own_seconds` is the generator's own CPU time.
    """

    seconds: float
    latencies_ms: list[float]
    cpu_seconds: dict[str, float]
    own_seconds: float
    acknowledged: int
    errors: int
    first_error: str = ""
    receipts: list[tuple[str, int]] = field(default_factory=list)


class Connection:
    """One keep-alive connection with at most one request on its way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(
            None
        )  # it is read when there is something; a time-out would cost a call each time
        self.started = 0.0
        self.received = b""
        self.waiting = False

    def send(self, request: bytes) -> None:
        """Send a request; the one before has been answered."""
        self.received, self.waiting, self.started = b"", True, time.perf_counter()
        self.socket.sendall(request)

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
        self._requests = itertools.cycle([[part.encode() for part in parts] for parts in load.requests])
        self._uuids = uuids()
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
        before, own, begin = self._cpu(), time.process_time(), time.perf_counter()
        self._loop(until=begin + load.seconds)
        while not self._latencies and time.perf_counter() < begin + DRAIN_SECONDS:
            self._loop(
                until=time.perf_counter() + load.seconds
            )  # too short for a single answer: measure longer
        measured, own, after = time.perf_counter() - begin, time.process_time() - own, self._cpu()
        latencies = sorted(self._latencies)
        self._drain()
        return Result(
            seconds=measured,
            latencies_ms=[each * 1000 for each in latencies],
            cpu_seconds={name: after[name] - before[name] for name in before},
            own_seconds=own,
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
        first, *parts = next(self._requests)
        if not parts:
            return first
        pieces = [first]
        for part in parts:
            pieces += next(self._uuids), part
        return b"".join(pieces)

    def _cpu(self) -> dict[str, float]:
        return {name: cpu_seconds(root) for name, root in self._load.processes.items()}


def receipts_in(bodies: Sequence[bytes]) -> list[tuple[str, int]]:
    """Return receipt id and log index of each acknowledged decision, sent alone or in a batch."""
    found = []
    for body in bodies:
        answer = json.loads(body)
        outcomes = answer.get("outcomes")
        answers = (
            [answer] if outcomes is None else [each["receipt"] for each in outcomes if "receipt" in each]
        )
        found += [(each["receipt_id"], each["log_index"]) for each in answers]
    return found


def uuids() -> Iterator[bytes]:
    """Return random UUIDs, version 4, without the cost of an object and of a system call for each."""
    while True:
        digits = os.urandom(16 * 256).hex().encode()
        for at in range(0, len(digits), 32):
            d = digits[at : at + 32]
            yield b"%b-%b-4%b-a%b-%b" % (d[:8], d[8:12], d[13:16], d[17:20], d[20:])


def main() -> None:
    """Run the load described on standard input."""
    load = Load(**json.load(sys.stdin))
    gc.disable()  # a pause of ours would be counted as the server's
    json.dump(asdict(Generator(load).run()), sys.stdout)


if __name__ == "__main__":
    main()
