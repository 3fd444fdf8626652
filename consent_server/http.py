"""What all HTTP entry points share: JSON bodies, problems, CORS, security headers, limits, the public address."""

from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
import structlog
from flask import Flask, Request, Response, current_app, g, has_request_context, jsonify, request
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.middleware.proxy_fix import ProxyFix

from consent_server.config import Settings
from consent_server.db import unreachable
from consent_server.problems import (
    BodyTooLarge,
    Forbidden,
    InternalError,
    InvalidInput,
    MalformedBody,
    NotFound,
    Problem,
    Unavailable,
    UnsupportedMedia,
)
from consent_server.short_ways import Wsgi

if TYPE_CHECKING:
    from flask import Blueprint as FlaskBlueprint

    Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

    class SmorestBlueprint(FlaskBlueprint):
        """What we use of flask-smorest's blueprint; the library has no types of its own."""

        def __init__(self, name: str, import_name: str, *, url_prefix: str, description: str) -> None: ...

        def route(self, rule: str, **options: Any) -> Callable[[Endpoint], Endpoint]: ...

        def arguments(self, schema: Any, *, location: str = "json") -> Callable[[Endpoint], Endpoint]: ...

        def response(self, status: int, schema: Any = None) -> Callable[[Endpoint], Endpoint]: ...

        def alt_response(
            self, status: int, *, schema: Any, description: str
        ) -> Callable[[Endpoint], Endpoint]: ...

else:
    from flask_smorest import Blueprint as SmorestBlueprint

log = structlog.get_logger(__name__)

PROBLEM_JSON = "application/problem+json"
ALWAYS = (("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "same-origin"))
BODY_TYPES = ("application/json", "text/plain")
# The console and public pages: own files only, no inline script or style, no frames, no plug-ins.
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)


class BodyParser(FlaskParser):
    """Reads JSON whatever the declared type is: `text/plain` spares the browser a CORS preflight."""

    DEFAULT_UNKNOWN_BY_LOCATION = FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION | {
        "json": "raise",
        "query": "raise",
    }

    def load_json(self, req: Request, schema: Any) -> Any:
        """Return the parsed body."""
        return json_body(req)

    def handle_error(
        self, error: Any, req: Any, schema: Any, *, error_status_code: Any, error_headers: Any
    ) -> Any:
        """Turn the schema's messages into a problem."""
        messages: dict[str, Any] = {}
        for location in error.normalized_messages().values():
            messages.update(location if isinstance(location, dict) else {"_schema": location})
        raise InvalidInput("See `errors` for each field.", errors=messages)


class Blueprint(SmorestBlueprint):
    """An API blueprint whose arguments are read by `BodyParser`."""

    ARGUMENTS_PARSER = BodyParser()


def json_body(req: Request) -> Any:
    """Return the request's JSON body.

    Raises:
        UnsupportedMedia, BodyTooLarge, MalformedBody: as their names say.
    """
    if req.mimetype not in BODY_TYPES:
        raise UnsupportedMedia(f"Not {req.mimetype or 'without a type'}.")
    view = current_app.view_functions.get(req.endpoint or "")
    limit = getattr(getattr(view, "view_class", None), "max_body_bytes", settings().max_body_bytes)
    req.max_content_length = limit + 1  # a chunked body is cut there silently: one byte more tells
    try:
        body = req.get_data()
    except RequestEntityTooLarge as error:
        raise BodyTooLarge(f"At most {limit} bytes.") from error
    if len(body) > limit:
        raise BodyTooLarge(f"At most {limit} bytes.")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedBody(str(error)) from error


def settings() -> Settings:
    """Return the app's settings."""
    found: Settings = current_app.extensions["settings"]
    return found


def public_url() -> str:
    """Return the address under which browsers reach this server, without a slash at the end."""
    return settings().public_url or request.host_url.rstrip("/")


def allow_origin(origin: str) -> None:
    """Let pages of this origin (or `*`) read the answer."""
    g.cors = origin


def cors_headers(origin: str) -> list[tuple[str, str]]:
    """Return the headers that let pages of an origin, or of all (`*`), read the answer."""
    allowed = [("Access-Control-Allow-Origin", origin), ("Cross-Origin-Resource-Policy", "cross-origin")]
    return allowed if origin == "*" else [*allowed, ("Vary", "Origin")]


def problem_of(error: Exception) -> Problem:
    """Return the problem that an error is to its caller; what is not the caller's fault is logged."""
    if isinstance(error, Problem):
        return error
    if unreachable(error):
        log.error("database not usable", error=type(error).__name__)
        # Not "nothing was stored": the answer to a commit may be what was lost.
        advice = "Try again in a moment; under the same receipt id a decision is stored once at most."
        return Unavailable(advice, headers={"Retry-After": "5"})
    where = request.endpoint if has_request_context() else None
    log.error("unexpected error", endpoint=where, exc_info=error)
    return InternalError("Nothing was stored.")


def problem_response(problem: Problem) -> Response:
    """Return a problem as `application/problem+json`."""
    response = jsonify(problem.to_json())
    response.status_code = int(problem.status)
    response.content_type = PROBLEM_JSON
    response.headers.update(problem.headers)
    return response


def behind_proxies(chosen: Settings, inner: Wsgi) -> ProxyFix:
    """Return a layer that writes into the environment what the proxies in front of the server vouch for."""
    hops = chosen.proxy_hops
    return ProxyFix(inner, x_for=hops, x_proto=hops, x_host=hops, x_port=hops)


def install(app: Flask, *, html_error: Callable[[Problem], Any]) -> None:
    """Attach error handlers, headers and the request log."""

    def answer(problem: Problem) -> Any:
        return html_error(problem) if _wants_page() else problem_response(problem)

    def on_http(error: HTTPException) -> Any:
        if error.code is None or error.code < 400:
            return error
        return answer(_translated(error))

    def on_error(error: Exception) -> Any:
        return answer(problem_of(error))

    app.register_error_handler(Problem, answer)
    app.register_error_handler(HTTPException, on_http)
    app.register_error_handler(Exception, on_error)
    # Before the gates, which look up what the address names.
    app.before_request_funcs.setdefault(None, []).insert(0, _refuse_nul)
    app.after_request(_headers)


def _translated(error: HTTPException) -> Problem:
    """Return the problem that stands for one of the framework's own errors."""
    code = HTTPStatus(error.code or 500)
    known: dict[int, type[Problem]] = {
        404: NotFound,
        413: BodyTooLarge,
        403: Forbidden,
        415: UnsupportedMedia,
    }
    if code in known:
        return known[code](error.description or "")
    other = Problem(error.description or "")
    other.slug, other.status, other.title = code.phrase.lower().replace(" ", "-"), code, code.phrase  # type: ignore[misc]  # an error without a class of its own
    if code == HTTPStatus.METHOD_NOT_ALLOWED and getattr(error, "valid_methods", None):
        other.headers = {"Allow": ", ".join(sorted(error.valid_methods))}  # type: ignore[attr-defined]
    return other


def _wants_page() -> bool:
    return request.path.startswith(("/console", "/p/", "/docs", "/verify", "/mail/")) or request.path == "/"


def _refuse_nul() -> None:
    """Refuse NUL in addresses and console forms: PostgreSQL takes it in no text."""
    if "\0" in request.path:
        raise NotFound("No address holds a NUL character.")
    if request.path.startswith("/console") and any(
        "\0" in part for name, texts in request.values.lists() for part in (name, *texts)
    ):
        raise InvalidInput("A field holds a NUL character.")


def _headers(response: Response) -> Response:
    headers = response.headers
    for name, value in ALWAYS:
        headers.setdefault(name, value)
    if response.mimetype == "text/html":
        headers.setdefault("Content-Security-Policy", CSP)
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        headers.setdefault("Cache-Control", "no-store")
    origin = g.get("cors")
    if origin is not None:
        for name, value in cors_headers(origin):
            if name == "Vary":
                headers.add(name, value)
            else:
                headers.setdefault(name, value)
    return response
