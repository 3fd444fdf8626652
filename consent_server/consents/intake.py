"""The short way of a decision: a layer before Flask that answers the usual one and hands on every other.

The framework, its schemas and its sessions would cost a browser's decision several times what storing it costs
(docs/performance.md shows where the time goes). Only what is certain is answered here: the usual form, a site, an
origin or a key that this process knows, a lane that runs. Everything else goes to the view in `consents/api.py` untouched, body
included, and with it every question of what is wrong. Both store through `recording`: there is one way into the ledger.

It is written once for two kinds of server: under `front` it waits on an event loop, as WSGI middleware on a thread.
"""

import io
import re
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol, TypeVar

import orjson
from flask import Flask

from consent_server import clock, http
from consent_server.config import Settings
from consent_server.consents import recording, wire
from consent_server.consents.answers import Acknowledgement, Outcome, batch_body
from consent_server.consents.schemas import MOST_BATCH_BYTES
from consent_server.consents.service import Submission
from consent_server.keys import KeyRing
from consent_server.policies.published import SiteView, recent_view
from consent_server.problems import NotSignedIn
from consent_server.rate_limit import limiter
from consent_server.short_ways import Answer, Environ, Layer
from consent_server.sites import keys_let_in

ADDRESS = re.compile(r"/v1/sites/([^/]+)/decisions(/batch)?")
JSON = ("Content-Type", "application/json")


Result = TypeVar("Result")


class Call(Protocol):
    """What a request needs of its server, which has a thread for each or one event loop for all."""

    async def read(self, environ: Environ, size: int) -> bytes:
        """Return so many bytes of the body, or what there is of it."""

    async def count(self, rate: str, *, name: str, address: str) -> None:
        """Count a call against a rate, as `rate_limit` does."""

    async def record(self, site_key: str, submission: Submission) -> Acknowledgement:
        """Store a decision, as `recording.record` does."""

    async def record_batch(self, site_key: str, submissions: Sequence[Submission]) -> list[Outcome]:
        """Store decisions, as `recording.record_batch` does."""

    async def aside(self, work: Callable[[], Result]) -> Result:
        """Do what takes long enough to be felt by others."""


class Intake:
    """Answers usual decisions and batches of them; nothing while no committer lane runs."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._ring: KeyRing = app.extensions["keys"]

    @property
    def _settings(self) -> Settings:
        found: Settings = self._app.extensions["settings"]
        return found

    async def answer(self, environ: Environ, call: Call) -> Answer | None:
        """Return the answer to a decision or a batch of them; None for whatever else or unusual this is."""
        if environ["REQUEST_METHOD"] != "POST" or recording.LANE not in self._app.extensions:
            return None
        found = ADDRESS.fullmatch(environ["PATH_INFO"])
        if found is None:
            return None
        view = recent_view(found[1], max_age=self._settings.config_cache_seconds)
        if view is None:
            return None
        try:
            answer = await (self._batch if found[2] else self._decision)(view, environ, call)
        except Exception as error:
            answer = _refusal(error)
        if answer is not None:
            answer[1].extend(http.ALWAYS)
            answer[1].append(("Content-Length", str(len(answer[2]))))
        return answer

    async def _decision(self, view: SiteView, environ: Environ, call: Call) -> Answer | None:
        origin = environ.get("HTTP_ORIGIN")
        if origin is not None and origin not in view.origins:
            return None
        decision = wire.read(await _body(environ, call, limit=self._settings.max_body_bytes))
        if decision is None:
            return None
        try:
            address = environ.get("REMOTE_ADDR") or "unknown"
            await call.count(self._settings.decision_rate, name=recording.DECISIONS, address=address)
            stored = await call.record(view.key, Submission(decision, clock.now()))
            # Signed after the commit only: a signature on what was rolled back would be a false receipt.
            answer: Answer = (201 if stored.created else 200, [JSON], stored.body(self._ring))
        except Exception as error:
            answer = _refusal(error)
        if origin is not None:
            answer[1].extend(http.cors_headers(origin))
        return answer

    async def _batch(self, view: SiteView, environ: Environ, call: Call) -> Answer | None:
        """Answer a batch whose sender's key has been good before, when all of it is usual."""
        instant = clock.now()
        presented = environ.get("HTTP_AUTHORIZATION", "")
        key = keys_let_in.known(view.key, presented, recording.SCOPE, now=instant)
        if key is None:
            return None
        decisions = wire.read_batch(await _body(environ, call, limit=MOST_BATCH_BYTES))
        if decisions is None:
            return None
        outcomes = await call.record_batch(
            view.key, [Submission(decision, instant, key) for decision in decisions]
        )
        for each in outcomes:
            if isinstance(each, NotSignedIn):
                raise each  # the key was revoked meanwhile, so nothing of the batch is stored
        return 200, [JSON], await call.aside(lambda: batch_body(outcomes, self._ring))


class OnThread:
    """A call that has a thread for itself: whatever it waits for, the thread waits."""

    def __init__(self, app: Flask) -> None:
        self._app = app

    async def read(self, environ: Environ, size: int) -> bytes:
        """Read, and leave the body to be read again."""
        body: bytes = environ["wsgi.input"].read(size)
        environ["wsgi.input"] = io.BytesIO(body)
        return body

    async def count(self, rate: str, *, name: str, address: str) -> None:
        """Count at once."""
        limiter.count(self._app, rate, name=name, address=address)

    async def record(self, site_key: str, submission: Submission) -> Acknowledgement:
        """Wait until it is stored."""
        return recording.record(self._app, site_key, submission)

    async def record_batch(self, site_key: str, submissions: Sequence[Submission]) -> list[Outcome]:
        """Wait until they are stored."""
        return recording.record_batch(self._app, site_key, submissions)

    async def aside(self, work: Callable[[], Result]) -> Result:
        """Do it here."""
        return work()


def _at_once(answering: Coroutine[Any, Any, Answer | None]) -> Answer | None:
    """Return what a coroutine returns that never gives way, since its call waits in place."""
    try:
        answering.send(None)
    except StopIteration as end:
        answer: Answer | None = end.value
        return answer
    raise RuntimeError("a call on a thread gave way to an event loop")


async def _body(environ: Environ, call: Call, *, limit: int) -> bytes:
    """Return a body of the usual kind, empty for any other."""
    kind = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    length = environ.get("CONTENT_LENGTH") or ""
    if kind not in http.BODY_TYPES or not length.isdecimal() or int(length) > limit:
        return b""
    size = int(length)
    body = await call.read(environ, size)
    return body if len(body) == size else b""


def _refusal(error: Exception) -> Answer:
    problem = http.problem_of(error)
    headers = [("Content-Type", http.PROBLEM_JSON), *problem.headers.items()]
    return int(problem.status), headers, orjson.dumps(problem.to_json())


def install(app: Flask) -> None:
    """Put the short way before the application, for servers that have a thread for each request."""
    intake, call = Intake(app), OnThread(app)
    app.wsgi_app = Layer(lambda environ: _at_once(intake.answer(environ, call)), app.wsgi_app)  # type: ignore[method-assign]  # as Flask's manual has it
