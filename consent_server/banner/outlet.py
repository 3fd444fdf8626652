"""The short way of the tag: a WSGI layer before Flask that answers from memory what this process has just served.

Every page view of every site asks for the tag, so it is what a server answers most. Only what is certain is answered
here: GET, a site that this process has read within the cache's seconds, a tag that it has made already. Everything else
goes to the view in `banner/api.py`, which makes it.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from flask import Flask
from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header
from werkzeug.wsgi import get_host

from consent_server.banner import service, tally
from consent_server.config import Settings
from consent_server.http import ALWAYS, cors_headers
from consent_server.policies.published import SiteView, recent_view

Headers = list[tuple[str, str]]
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

PREFIX, SUFFIX = "/w/", ".js"
SCRIPT = "text/javascript; charset=utf-8"


class Outlet:
    """WSGI middleware around an application."""

    def __init__(self, app: Flask, inner: Wsgi) -> None:
        self._inner = inner
        self._tally = tally.tally_of(app)
        self._settings: Settings = app.extensions["settings"]
        self._public_url = self._settings.public_url
        self._control = f"public, max-age={self._settings.tag_max_age}"

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path: str = environ["PATH_INFO"]
        if path.startswith(PREFIX) and path.endswith(SUFFIX) and environ["REQUEST_METHOD"] == "GET":
            view = recent_view(path[len(PREFIX) : -len(SUFFIX)], max_age=self._settings.config_cache_seconds)
            tag = self._tag(view, environ) if view is not None else None
            if view is not None and tag is not None:
                self._tally.seen(view.id, page_of(environ.get("HTTP_REFERER", ""), view), tag.build)
                return self._answer(tag, environ, start_response)
        return self._inner(environ, start_response)

    def _tag(self, view: SiteView, environ: dict[str, Any]) -> service.Tag | None:
        """Return the site's tag if this process has made it."""
        return service.kept(
            view, api=self._public_url or f"{environ['wsgi.url_scheme']}://{get_host(environ)}"
        )

    def _answer(
        self, tag: service.Tag, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        encoding = encoding_for(environ.get("HTTP_ACCEPT_ENCODING", ""))
        etag = f'"{etag_of(tag.etag, encoding)}"'
        held = environ.get("HTTP_IF_NONE_MATCH")
        if held is not None and held != etag and (etag in held or "*" in held):
            return self._inner(environ, start_response)  # a list, or a weak one
        status, headers, body = _response(tag, encoding, self._control, held == etag)
        start_response(status, headers.copy())
        return body


def install(app: Flask) -> None:
    """Put the short way before the application, and count what it answers."""
    app.extensions["tally"] = tally.Tally()
    app.wsgi_app = Outlet(app, app.wsgi_app)  # type: ignore[method-assign]  # as Flask's manual has it


def page_of(referrer: str, view: SiteView) -> str:
    """Return the site's origin that asks, or nothing: any other page, and its address, is no business of ours."""
    scheme, _, rest = referrer.partition("://")
    origin = f"{scheme}://{rest.partition('/')[0]}"
    return origin if origin in view.origins else ""


@lru_cache(maxsize=256)
def encoding_for(accepted: str) -> str:
    """Return the best encoding that an `Accept-Encoding` header takes; "" for none."""
    return parse_accept_header(accepted, Accept).best_match(["br", "gzip"]) or "" if accepted else ""


def etag_of(etag: str, encoding: str) -> str:
    """Return the ETag of one encoding, without its quotes."""
    return f"{etag}-{encoding or 'id'}"


@lru_cache(maxsize=1024)
def _response(
    tag: service.Tag, encoding: str, control: str, unchanged: bool
) -> tuple[str, Headers, list[bytes]]:
    """Return status, headers and body, the same that the view answers."""
    headers: Headers = [
        ("Cache-Control", control),
        ("Vary", "Accept-Encoding"),
        ("ETag", f'"{etag_of(tag.etag, encoding)}"'),
        *ALWAYS,
        *cors_headers("*"),
    ]
    if unchanged:
        return "304 NOT MODIFIED", headers, []
    body = tag.bodies[encoding]
    headers += [("Content-Type", SCRIPT), ("Content-Length", str(len(body)))]
    if encoding:
        headers.append(("Content-Encoding", encoding))
    return "200 OK", headers, [body]
