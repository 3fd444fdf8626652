"""An application on threads: long answers go piece by piece, and end with who reads them."""

import asyncio
import io
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from consent_server.front import threads
from consent_server.front.environ import environ_of
from consent_server.front.threads import Gone, Threads
from tests.front.asking import GONE, Line, ask, finished, scope_of


class Application:
    """A WSGI application whose answer is `pieces`; it tells how many were taken and whether it was closed."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.pieces, self.taken, self.closed = pieces, 0, threading.Event()

    def __call__(self, _: Any, start: Any) -> Iterator[bytes]:
        start("200 OK", [("Content-Type", "text/plain"), ("X-Name", "é")])
        return self.body()

    def body(self) -> Iterator[bytes]:
        try:
            for piece in self.pieces:
                self.taken += 1
                yield piece
        finally:
            self.closed.set()


def server(application: Any, *, count: int = 2, most_bytes: int = 1_000) -> Any:
    answering = Threads(application, threads=count, most_bytes=most_bytes)

    async def serve(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await answering(environ_of(scope), receive, send)

    serve.pool = answering.pool
    return serve


def endless() -> Iterator[bytes]:
    while True:
        yield b"x" * 8_192


async def ends(serve: Any, line: Line, send: Any = None) -> None:
    async with asyncio.timeout(30):
        await serve(scope_of("GET", "/", []), line.receive, send or line.send)


def test_a_complete_answer_is_one_message_and_a_long_one_many() -> None:
    short, long = Application(iter([b"a", b"", b"b"])), Application(iter([b"z" * 10_000] * 50))
    line = Line()

    answer = ask(server(short), "GET", "/")
    finished(ends(server(long), line))

    assert (answer.data, answer.headers["X-Name"]) == (b"ab", "é")
    assert line.response().data == b"z" * 500_000
    assert 5 < len(line.sent) < 12
    assert short.closed.is_set()
    assert long.closed.is_set()


def test_a_slow_answer_does_not_wait_until_a_piece_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "HURRY", 0.0)
    line = Line()

    finished(ends(server(Application(iter([b"first", b"second"]))), line))

    assert b"".join(line.sent) == b"firstsecond"
    assert len(line.sent) >= 2


class Reader(Line):
    """Reads three pieces and goes."""

    def __init__(self) -> None:
        super().__init__()
        self.left = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        if self.asked:
            await self.left.wait()
            return GONE
        return await super().receive()

    async def send(self, message: dict[str, Any]) -> None:
        await super().send(message)
        if len(self.sent) == 3:
            self.left.set()


def test_an_answer_ends_when_its_reader_leaves_and_its_thread_is_free_again() -> None:
    application, line = Application(endless()), Reader()
    serve = server(application, count=1)

    finished(ends(serve, line))

    assert application.closed.wait(30)
    assert not line.complete
    assert serve.pool.submit(lambda: "free").result(30) == "free"


def test_an_answer_ends_when_sending_fails() -> None:
    application = Application(endless())

    async def broken(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.body":
            raise OSError("the connection is closed")

    finished(ends(server(application), Line(), broken))

    assert application.closed.wait(30)


def test_who_sends_or_reads_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "PATIENCE", 0.05)
    application, line = Application(endless()), Line()

    async def stuck(_: dict[str, Any]) -> None:
        await asyncio.Event().wait()

    finished(ends(server(application), line, stuck))
    assert application.closed.wait(30)

    async def silent() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    async def waits() -> None:
        with pytest.raises(Gone):
            await threads.next_piece(silent)

    finished(waits())


def test_an_error_of_the_application_is_the_servers_to_tell() -> None:
    def failing(_: Any, __: Any) -> list[bytes]:
        raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        ask(server(failing), "GET", "/")


def test_many_slow_requests_wait_for_few_threads() -> None:
    def slow(_: Any, start: Any) -> list[bytes]:
        time.sleep(0.01)
        start("200 OK", [])
        return [threading.current_thread().name.encode()]

    async def all_at_once() -> set[bytes]:
        serve, lines = server(slow, count=2), [Line() for _ in range(20)]
        await asyncio.gather(*(ends(serve, line) for line in lines))
        return {line.response().data for line in lines}

    assert 1 <= len(finished(all_at_once())) <= 2


def test_a_long_upload_reaches_the_application() -> None:
    received = io.BytesIO()

    def taking(environ: dict[str, Any], start: Any) -> list[bytes]:
        received.write(environ["wsgi.input"].read())
        start("204 No Content", [])
        return []

    body = bytes(range(256)) * 4_096
    serve = server(taking, most_bytes=len(body))
    assert ask(serve, "PUT", "/upload", {}, body, chunked=True).status_code == 204
    assert received.getvalue() == body
