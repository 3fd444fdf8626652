"""The ASGI application: tags and decisions on the event loop, everything else on threads.

A decision waits for its commit most of the time. On threads, a thousand waiting visitors are a thousand threads, and each
answer has several of them change places, which costs more than what there is to do; an event loop waits for all of them
at once (docs/performance.md has the figures).
"""

import asyncio
import io
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import lru_cache, partial
from typing import Any, TypeVar

from flask import Flask

from consent_server.banner.outlet import Outlet
from consent_server.config import Settings
from consent_server.consents import recording
from consent_server.consents.answers import Acknowledgement, Outcome
from consent_server.consents.intake import Intake
from consent_server.consents.service import Submission
from consent_server.front.environ import environ_of
from consent_server.front.threads import Gone, Receive, Send, Threads, next_piece
from consent_server.http import behind_proxies
from consent_server.rate_limit import limiter
from consent_server.short_ways import Answer, Environ

Result = TypeVar("Result")


class Front:
    """An application before its framework, for one event loop."""

    def __init__(self, app: Flask) -> None:
        settings: Settings = app.extensions["settings"]
        self._app = app
        self._outlet, self._intake = Outlet(app), Intake(app)
        # Without an application behind it, the layer only writes into the environment what the proxies vouch for.
        self._proxies: Callable[..., Any] | None = None
        if settings.proxy_hops:
            self._proxies = behind_proxies(settings, lambda _environ, _start: ())
        # The framework itself, past the layers that servers without an event loop need: all of them have had their say.
        self._threads = Threads(
            partial(Flask.wsgi_app, app), threads=settings.threads, most_bytes=settings.max_upload_bytes
        )

    def __enter__(self) -> "Front":
        return self

    def __exit__(self, *_: object) -> None:
        """End the threads."""
        self._threads.pool.shutdown()

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._answer(environ_of(scope), receive, send)
        elif scope["type"] == "lifespan":
            await _live(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _answer(self, environ: Environ, receive: Receive, send: Send) -> None:
        if self._proxies is not None:
            self._proxies(environ, None)
        answer = self._outlet.answer(environ)
        if answer is None:
            call = OnLoop(self._app, self._threads.pool, receive)
            answer = await self._intake.answer(environ, call)
        if answer is None:
            await self._threads(environ, receive, send)
        else:
            await _send(answer, send)


class OnLoop:
    """A call that waits on the event loop. What would keep the loop from others is done on a thread."""

    def __init__(self, app: Flask, pool: Executor, receive: Receive) -> None:
        self._app, self._pool, self._receive = app, pool, receive

    async def read(self, environ: Environ, size: int) -> bytes:
        """Read, and leave the body to be read again."""
        pieces, more = b"", True
        try:
            while more and len(pieces) < size:
                piece, more = await next_piece(self._receive)
                pieces += piece
        except Gone:
            pass  # what there is does not fit what was announced, and nobody waits for an answer
        environ["wsgi.input"] = io.BytesIO(pieces)
        return pieces

    async def count(self, rate: str, *, name: str, address: str) -> None:
        """Count at once where that is in memory; a storage is asked on a thread."""
        counting = partial(limiter.count, self._app, rate, name=name, address=address)
        if limiter.is_shared(self._app):
            await self.aside(counting)
        else:
            counting()

    async def record(self, site_key: str, submission: Submission) -> Acknowledgement:
        """Go on when it is stored."""
        return await recording.recorded(self._app, site_key, submission)

    async def record_batch(self, site_key: str, submissions: Sequence[Submission]) -> list[Outcome]:
        """Go on when they are stored."""
        return await recording.batch_recorded(self._app, site_key, submissions)

    async def aside(self, work: Callable[[], Result]) -> Result:
        """Do it on a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)


async def _send(answer: Answer, send: Send) -> None:
    status, headers, body = answer
    await send(
        {"type": "http.response.start", "status": status, "headers": [_written(each) for each in headers]}
    )
    await send({"type": "http.response.body", "body": body, "more_body": False})


@lru_cache(maxsize=2_048)  # most answers have the same few
def _written(header: tuple[str, str]) -> tuple[bytes, bytes]:
    return header[0].lower().encode("latin-1"), header[1].encode("latin-1")


async def _live(receive: Receive, send: Send) -> None:
    """Say that there is nothing to wait for when the server starts and ends."""
    while True:
        moment = (await receive())["type"]
        await send({"type": f"{moment}.complete"})
        if moment == "lifespan.shutdown":
            return
