"""The short way of a decision: a WSGI layer before Flask that answers the usual one and hands on every other.

The framework, its schemas and its sessions would cost a browser's decision several times what storing it costs
(docs/performance.md shows where the time goes). Only what is certain is answered here: the usual form, a site and an
origin that this process knows, a lane that runs. Everything else goes to the view in `consents/api.py` untouched, body
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
from consent_server.consents.payload import Decision
from consent_server.consents.service import Submission
from consent_server.keys import KeyRing
from consent_server.policies.published import SiteView, recent_view
from consent_server.rate_limit import limiter

Headers = list[tuple[str, str]]
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

ADDRESS = re.compile(r"/v1/sites/([^/]+)/decisions")
VIEW = "consent_server.consents.api.Decisions.post"  # both ways count as one view against the rate limit
STATUS = {code.value: f"{code.value} {code.phrase}" for code in HTTPStatus}


class Intake:
    """WSGI middleware around an application; it hands on everything while no committer lane runs."""

    def __init__(self, app: Flask, inner: Wsgi) -> None:
        self._app, self._inner = app, inner
        self._settings: Settings = app.extensions["settings"]
        self._ring: KeyRing = app.extensions["keys"]

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        view = self._view(environ)
        origin = environ.get("HTTP_ORIGIN")
        if view is None or (origin is not None and origin not in view.origins):
            return self._inner(environ, start_response)
        decision = self._read(environ)
        if decision is None:
            return self._inner(environ, start_response)
        status, headers, body = self._answer(view, decision, environ.get("REMOTE_ADDR") or "unknown")
        headers += http.ALWAYS
        if origin is not None:
            headers += http.cors_headers(origin)
        headers.append(("Content-Length", str(len(body))))
        start_response(STATUS[status], headers)
        return [body]

    def _view(self, environ: dict[str, Any]) -> SiteView | None:
        """Return the site that a decision is posted to, if this process knows it."""
        if environ["REQUEST_METHOD"] != "POST" or recording.LANE not in self._app.extensions:
            return None
        found = ADDRESS.fullmatch(environ["PATH_INFO"])
        return recent_view(found[1], max_age=self._settings.config_cache_seconds) if found else None

    def _read(self, environ: dict[str, Any]) -> Decision | None:
        """Return the decision in the body; the body can be read again afterwards."""
        kind = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
        length = environ.get("CONTENT_LENGTH") or ""
        if kind not in http.BODY_TYPES or not length.isdecimal():
            return None
        size = int(length)
        if size > self._settings.max_body_bytes:
            return None
        body = environ["wsgi.input"].read(size)
        environ["wsgi.input"] = io.BytesIO(body)
        return wire.read(body) if len(body) == size else None

    def _answer(self, view: SiteView, decision: Decision, address: str) -> tuple[int, Headers, bytes]:
        try:
            limiter.count(self._app, self._settings.decision_rate, view=VIEW, address=address)
            stored = recording.record(self._app, view.key, Submission(decision, clock.now()))
            # Signed after the commit only: a signature on what was rolled back would be a false receipt.
            answer = stored.body(self._ring)
        except Exception as error:
            problem = http.problem_of(error)
            headers = [("Content-Type", http.PROBLEM_JSON), *problem.headers.items()]
            return int(problem.status), headers, orjson.dumps(problem.to_json())
        return 201 if stored.created else 200, [("Content-Type", "application/json")], answer


def install(app: Flask) -> None:
    """Put the short way before the application."""
    app.wsgi_app = Intake(app, app.wsgi_app)  # type: ignore[method-assign]  # as Flask's manual has it
