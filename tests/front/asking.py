"""Ask an ASGI application as a server does, one request an event loop."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse
from werkzeug.wrappers import Request

from consent_server.front.threads import Receive, Send

Result = TypeVar("Result")
ORIGIN_OF_SERVER = ("localhost", 80)
GONE = {"type": "http.disconnect"}


def scope_of(method: str, address: str, headers: Sequence[tuple[str, str]]) -> dict[str, Any]:
    parts = urlsplit(address)
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(parts.path),
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": [
            (name.lower().encode(), value.encode("latin-1"))
            for name, value in [("Host", "localhost"), *headers]
        ],
        "client": ("127.0.0.1", 50_000),
        "server": ORIGIN_OF_SERVER,
    }


class Line:
    """One request on its line: the body in pieces, then silence or the end; what was answered is kept."""

    def __init__(self, pieces: Sequence[bytes] = (b"",), *, leaves: bool = False) -> None:
        last = len(pieces) - 1
        self._coming: list[dict[str, Any]] = [
            {"type": "http.request", "body": piece, "more_body": leaves or place < last}
            for place, piece in enumerate(pieces)
        ]
        self._leaves = leaves
        self.asked = 0
        self.head: dict[str, Any] = {}
        self.sent: list[bytes] = []
        self.complete = False

    async def receive(self) -> dict[str, Any]:
        self.asked += 1
        if self._coming:
            return self._coming.pop(0)
        if not self._leaves:
            await asyncio.Event().wait()
        return GONE

    async def send(self, message: dict[str, Any]) -> None:
        assert not self.complete, "something follows the end"
        if message["type"] == "http.response.start":
            assert not self.head, "a second beginning"
            self.head = message
        else:
            assert self.head, "a body before its beginning"
            self.sent.append(message["body"])
            self.complete = not message.get("more_body", False)

    def response(self) -> TestResponse:
        assert self.complete
        headers = Headers([(name.decode(), value.decode("latin-1")) for name, value in self.head["headers"]])
        return TestResponse([b"".join(self.sent)], str(self.head["status"]), headers, Request({}))


def ask(
    application: Any,
    method: str,
    address: str,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    *,
    chunked: bool = False,
) -> TestResponse:
    """Return the answer of an ASGI application; a body has its length in a header unless it is `chunked`."""
    given = list((headers or {}).items())
    if body and not chunked:
        given.append(("Content-Length", str(len(body))))
    line = Line([body[: len(body) // 2], body[len(body) // 2 :]] if body else [b""])
    return finished(_answered(application, scope_of(method, address, given), line))


def finished(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine on an event loop of its own, and of a thread of its own: Playwright keeps one in this thread."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


async def _answered(application: Any, scope: dict[str, Any], line: Line) -> TestResponse:
    receive: Receive = line.receive
    send: Send = line.send
    async with asyncio.timeout(30):
        await application(scope, receive, send)
    return line.response()
