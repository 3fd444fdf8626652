"""The short way of a decision: a WSGI layer before Flask that answers the usual one and hands on every other.

The framework, its schemas and its sessions would cost a browser's decision several times what storing it costs
(docs/performance.md shows where the time goes). Only what is certain is answered here: the usual form, a site, an
origin or a key that this process knows, a lane that runs. Everything else goes to the view in `consents/api.py` untouched, body
included, and with it every question of what is wrong. Both store through `recording`: there is one way into the ledger.
"""

import io
import re
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

import orjson
from flask import Flask

from consent_server import clock, http
from consent_server.config import Settings
from consent_server.consents import recording, wire
from consent_server.consents.answers import batch_body
from consent_server.consents.schemas import MOST_BATCH_BYTES
from consent_server.consents.service import Submission
from consent_server.keys import KeyRing
from consent_server.policies.published import SiteView, recent_view
from consent_server.problems import NotSignedIn
from consent_server.rate_limit import limiter
from consent_server.sites import keys_let_in

Headers = list[tuple[str, str]]
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

ADDRESS = re.compile(r"/v1/sites/([^/]+)/decisions(/batch)?")
STATUS = {code.value: f"{code.value} {code.phrase}" for code in HTTPStatus}
JSON = ("Content-Type", "application/json")

Answer = tuple[int, Headers, bytes]


class Intake:
    """WSGI middleware around an application; it hands on everything while no committer lane runs."""

    def __init__(self, app: Flask, inner: Wsgi) -> None:
        self._app, self._inner = app, inner
        self._settings: Settings = app.extensions["settings"]
        self._ring: KeyRing = app.extensions["keys"]

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        answer = self._answer(environ)
        if answer is None:
            return self._inner(environ, start_response)
        status, headers, body = answer
        headers += http.ALWAYS
        headers.append(("Content-Length", str(len(body))))
        start_response(STATUS[status], headers)
        return [body]

    def _answer(self, environ: dict[str, Any]) -> Answer | None:
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
            return self._batch(view, environ) if found[2] else self._decision(view, environ)
        except Exception as error:
            return _refusal(error)

    def _decision(self, view: SiteView, environ: dict[str, Any]) -> Answer | None:
        origin = environ.get("HTTP_ORIGIN")
        if origin is not None and origin not in view.origins:
            return None
        decision = wire.read(_body(environ, limit=self._settings.max_body_bytes))
        if decision is None:
            return None
        try:
            address = environ.get("REMOTE_ADDR") or "unknown"
            rate = self._settings.decision_rate
            limiter.count(self._app, rate, name=recording.DECISIONS, address=address)
            stored = recording.record(self._app, view.key, Submission(decision, clock.now()))
            # Signed after the commit only: a signature on what was rolled back would be a false receipt.
            answer: Answer = (201 if stored.created else 200, [JSON], stored.body(self._ring))
        except Exception as error:
            answer = _refusal(error)
        if origin is not None:
            answer[1].extend(http.cors_headers(origin))
        return answer

    def _batch(self, view: SiteView, environ: dict[str, Any]) -> Answer | None:
        """Answer a batch whose sender's key has been good before, when all of it is usual."""
        instant = clock.now()
        presented = environ.get("HTTP_AUTHORIZATION", "")
        key = keys_let_in.known(view.key, presented, recording.SCOPE, now=instant)
        if key is None:
            return None
        decisions = wire.read_batch(_body(environ, limit=MOST_BATCH_BYTES))
        if decisions is None:
            return None
        outcomes = recording.record_batch(
            self._app, view.key, [Submission(decision, instant, key) for decision in decisions]
        )
        for each in outcomes:
            if isinstance(each, NotSignedIn):
                raise each  # the key was revoked meanwhile, so nothing of the batch is stored
        return 200, [JSON], batch_body(outcomes, self._ring)


def _body(environ: dict[str, Any], *, limit: int) -> bytes:
    """Return a body of the usual kind, empty for any other; it can be read again afterwards."""
    kind = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    length = environ.get("CONTENT_LENGTH") or ""
    if kind not in http.BODY_TYPES or not length.isdecimal() or int(length) > limit:
        return b""
    size = int(length)
    body: bytes = environ["wsgi.input"].read(size)
    environ["wsgi.input"] = io.BytesIO(body)
    return body if len(body) == size else b""


def _refusal(error: Exception) -> Answer:
    problem = http.problem_of(error)
    headers = [("Content-Type", http.PROBLEM_JSON), *problem.headers.items()]
    return int(problem.status), headers, orjson.dumps(problem.to_json())


def install(app: Flask) -> None:
    """Put the short way before the application."""
    app.wsgi_app = Intake(app, app.wsgi_app)  # type: ignore[method-assign]  # as Flask's manual has it
