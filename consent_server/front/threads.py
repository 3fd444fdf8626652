"""Run a WSGI application under an event loop: each request on a thread of a pool, once its body is there.

A slow sender holds no thread, and an answer that is complete costs one change from thread to loop. A long one is sent
piece by piece as fast as its reader takes it, and ends when the reader goes.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from tempfile import SpooledTemporaryFile
from typing import IO, Any
from weakref import WeakKeyDictionary

import structlog

from consent_server.ledger.patience import Patience
from consent_server.short_ways import Environ, Wsgi

log = structlog.get_logger(__name__)

IN_MEMORY = 256 * 1024  # bytes of a body; a longer one is kept in a file
PIECE = 64 * 1024  # bytes that a long answer is sent in
HURRY = 0.1  # seconds after which a piece goes although it is short
PATIENCE = 60.0  # seconds that a sender or a reader may do nothing

_patiences: WeakKeyDictionary[asyncio.AbstractEventLoop, Patience] = WeakKeyDictionary()

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Gone(Exception):
    """The other side has gone, or does nothing any more."""


class Threads:
    """The application and its pool."""

    def __init__(self, app: Wsgi, *, threads: int, most_bytes: int) -> None:
        self._app, self._most_bytes = app, most_bytes
        self.pool = ThreadPoolExecutor(threads, thread_name_prefix="request")

    async def __call__(self, environ: Environ, receive: Receive, send: Send) -> None:
        """Answer a request; a body that was read already is in `environ`."""
        loop = asyncio.get_running_loop()
        response = _Response(loop, receive, send)
        try:
            if "wsgi.input" not in environ:
                await read_body(environ, receive, most_bytes=self._most_bytes)
            await loop.run_in_executor(self.pool, self._run, environ, response)
            await response.finish()
        except Gone:
            log.info("the other side left before the answer was complete")
        finally:
            response.unwatch()
            close = getattr(environ.get("wsgi.input"), "close", None)
            if close is not None:
                close()

    def _run(self, environ: Environ, response: "_Response") -> None:
        body = self._app(environ, response.start)
        try:
            for piece in body:
                response.write(piece)
        finally:
            close = getattr(body, "close", None)
            if close is not None:
                close()


async def read_body(environ: Environ, receive: Receive, *, most_bytes: int) -> None:
    """Put the body of a request into its environment.

    Of a body that is longer than anything that is taken just enough is read for the framework to see it; of one that
    says so beforehand, nothing.

    Raises:
        Gone: the sender has gone.
    """
    body: IO[bytes] = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - closed with the request
    environ["wsgi.input"] = body
    declared = environ.get("CONTENT_LENGTH", "")
    if declared.isdecimal() and int(declared) > most_bytes:
        return
    size, more = 0, True
    while more and size <= most_bytes:
        piece, more = await next_piece(receive)
        size += len(piece)
        body.write(piece)
    body.seek(0)
    environ["CONTENT_LENGTH"] = str(size)


def _patience() -> Patience:
    loop = asyncio.get_running_loop()
    found = _patiences.get(loop)
    if found is None:
        found = _patiences[loop] = Patience(loop, PATIENCE)
    return found


async def next_piece(receive: Receive) -> tuple[bytes, bool]:
    """Return the next piece of a body, and whether more follows.

    Raises:
        Gone: none will come.
    """
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("a body is read by a task")
    wait = _patience().wait(task.cancel)
    try:
        message = await receive()
    except asyncio.CancelledError:
        if wait.given_up and task.uncancel() == 0:
            raise Gone from None
        raise
    finally:
        wait.over = True
    if message["type"] == "http.disconnect":
        raise Gone
    return message.get("body", b""), message.get("more_body", False)


class _Response:
    """An answer on its way from a thread to the loop. Pieces are held until they are worth sending."""

    def __init__(self, loop: asyncio.AbstractEventLoop, receive: Receive, send: Send) -> None:
        self._loop, self._receive, self._send = loop, receive, send
        self._head: dict[str, Any] | None = None
        self._begun = False
        self._held: list[bytes] = []
        self._size = 0
        self._held_since = 0.0
        self._gone = threading.Event()
        self._watch: asyncio.Task[None] | None = None

    def start(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], None]:
        """Take status and headers, as PEP 3333 has it."""
        if exc_info is not None and self._begun:
            raise exc_info[1].with_traceback(exc_info[2])
        self._head = {
            "type": "http.response.start",
            "status": int(status[:3]),
            "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers],
        }
        return self.write

    def write(self, piece: bytes) -> None:
        """Take a piece of the body.

        Raises:
            Gone: nobody reads it.
        """
        if self._gone.is_set():
            raise Gone
        now = time.monotonic()
        if not self._held:
            self._held_since = now
        self._held.append(piece)
        self._size += len(piece)
        if self._size >= PIECE or now - self._held_since > HURRY:
            sending = asyncio.run_coroutine_threadsafe(self._pass_on(more=True), self._loop)
            try:
                sending.result(PATIENCE)
            except Exception as error:
                sending.cancel()
                raise Gone from error

    async def finish(self) -> None:
        """Send what is held; nothing follows."""
        await self._pass_on(more=False)

    async def _pass_on(self, *, more: bool) -> None:
        if not self._begun:
            if self._head is None:
                raise RuntimeError("the application began no response")
            self._begun = True
            await self._send(self._head)
            if more:
                self._watch = self._loop.create_task(self._wait_for_end())
        body, self._held, self._size = b"".join(self._held), [], 0
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    async def _wait_for_end(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone.set()

    def unwatch(self) -> None:
        """Look no longer whether the reader is there."""
        if self._watch is not None:
            self._watch.cancel()
