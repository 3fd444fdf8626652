"""What a client may keep a connection busy with, over real sockets."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn

from consent_server.front import connection
from consent_server.front.connection import Connection

GET = b"GET / HTTP/1.1\r\nHost: a.example\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n"
PATIENCE = 30.0
MOST_SENT = 20_000  # times: more than the sockets' buffers hold
SHORT = 0.3  # seconds that a head may take in these tests


async def echo(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer with the length of the body."""
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size, more = size + len(message["body"]), message["more_body"]
    body = str(size).encode()
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]}
    )
    await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        server = uvicorn.Server(
            uvicorn.Config(echo, http=Connection, ws="none", lifespan="off", loop="uvloop", log_config=None)
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join(PATIENCE)


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
        yield client


def answer(client: socket.socket) -> bytes:
    """Read one answer whose body is short, or what there is until the connection ends."""
    read = b""
    while b"\r\n\r\n" not in read or read.endswith(b"\r\n\r\n"):
        piece = client.recv(65_536)
        if not piece:
            return read
        read += piece
    return read


def ended(client: socket.socket) -> bytes:
    """Read until the server ends the connection."""
    read = b""
    try:
        while piece := client.recv(65_536):
            read += piece
    except ConnectionResetError:  # it ended with bytes of ours unread
        pass
    return read


def flooded(client: socket.socket, filler: bytes) -> int:
    """Send without end; how often that went well before the server had enough."""
    for times in range(MOST_SENT):
        try:
            client.sendall(filler)
        except OSError:
            return times
    return MOST_SENT


@pytest.mark.parametrize(
    "filler", [b"X-Filler: " + b"a" * 1_000 + b"\r\n", b"a" * 1_010], ids=["fields", "one field"]
)
def test_a_head_without_end_ends_the_connection(port: int, filler: bytes) -> None:
    with connected(port) as client:
        client.sendall(GET + b"X-First: ")
        assert flooded(client, filler) < MOST_SENT

    with connected(port) as client:
        client.sendall(GET + b"X-First: b\r\n" + (b"X-Filler: " + b"a" * 1_000 + b"\r\n") * 70)
        assert ended(client).startswith(b"HTTP/1.1 431 ")


def test_a_head_of_usual_size_with_a_long_body_is_answered_twice_on_one_connection(port: int) -> None:
    size = 3 * connection.MOST_HEAD
    with connected(port) as client:
        for _ in range(2):
            client.sendall(
                b"POST / HTTP/1.1\r\nHost: a.example\r\nX-Filler: %b\r\nContent-Length: %d\r\n\r\n"
                % (b"a" * 8_000, size)
            )
            client.sendall(b"b" * size)
            assert answer(client).endswith(b"\r\n\r\n%d" % size)


def test_fields_behind_a_body_have_an_end(port: int) -> None:
    with connected(port) as client:
        client.sendall(CHUNKED + b"2\r\nab\r\n0\r\n")
        assert flooded(client, b"X-Filler: " + b"a" * 1_000 + b"\r\n") < MOST_SENT


def test_a_head_has_to_come_in_time_on_a_new_connection_and_on_a_kept_one(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "HEAD_SECONDS", SHORT)
    with connected(port) as silent, connected(port) as slow, connected(port) as kept:
        slow.sendall(GET)
        kept.sendall(GET + b"\r\n")
        assert answer(kept).startswith(b"HTTP/1.1 200 ")
        kept.sendall(GET)

        for client in (silent, slow, kept):
            assert ended(client).startswith(b"HTTP/1.1 408 ")


def test_a_body_may_take_longer_than_a_head(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_SECONDS", SHORT)
    with connected(port) as client:
        client.sendall(CHUNKED + b"2\r\nab\r\n0003")  # the length of a piece, half said
        time.sleep(SHORT / 3)
        client.sendall(b"\r\ncde\r\n")
        time.sleep(SHORT * 2)
        client.sendall(b"0\r\n\r\n")

        assert answer(client).endswith(b"\r\n\r\n5")
