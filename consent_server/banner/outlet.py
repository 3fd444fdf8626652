"""The short way of the tag: a layer before Flask that answers from memory what this process has just served.

Every page view of every site asks for the tag, so it is what a server answers most. Only what is certain is answered
here: GET, a site that this process has read within the cache's seconds, a tag that it has made already. Everything else
goes to the view in `banner/api.py`, which makes it.
"""

from functools import lru_cache

from flask import Flask
from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header
from werkzeug.wsgi import get_host

from consent_server.banner import service, tally
from consent_server.config import Settings
from consent_server.http import ALWAYS, cors_headers
from consent_server.policies.published import SiteView, recent_view
from consent_server.short_ways import Answer, Environ, Headers, Layer

PREFIX, SUFFIX = "/w/", ".js"
SCRIPT = "text/javascript; charset=utf-8"


class Outlet:
    """Answers requests for tags."""

    def __init__(self, app: Flask) -> None:
        self._tally = tally.tally_of(app)
        self._settings: Settings = app.extensions["settings"]
        self._public_url = self._settings.public_url
        self._control = f"public, max-age={self._settings.tag_max_age}"

    def answer(self, environ: Environ) -> Answer | None:
        """Return the answer to a request for a tag that this process has made; None for whatever else this is."""
        path: str = environ["PATH_INFO"]
        if not (path.startswith(PREFIX) and path.endswith(SUFFIX) and environ["REQUEST_METHOD"] == "GET"):
            return None
        view = recent_view(path[len(PREFIX) : -len(SUFFIX)], max_age=self._settings.config_cache_seconds)
        tag = self._tag(view, environ) if view is not None else None
        if view is None or tag is None:
            return None
        encoding = encoding_for(environ.get("HTTP_ACCEPT_ENCODING", ""))
        etag = f'"{etag_of(tag.etag, encoding)}"'
        held = environ.get("HTTP_IF_NONE_MATCH")
        if held is not None and held != etag and (etag in held or "*" in held):
            return None  # a list, or a weak one
        self._tally.seen(view.id, page_of(environ.get("HTTP_REFERER", ""), view), tag.build)
        status, headers, body = _response(tag, encoding, self._control, held == etag)
        return status, headers.copy(), body

    def _tag(self, view: SiteView, environ: Environ) -> service.Tag | None:
        """Return the site's tag if this process has made it."""
        return service.kept(
            view, api=self._public_url or f"{environ['wsgi.url_scheme']}://{get_host(environ)}"
        )


def install(app: Flask) -> None:
    """Put the short way before the application, and count what it answers."""
    app.extensions["tally"] = tally.Tally()
    app.wsgi_app = Layer(Outlet(app).answer, app.wsgi_app)  # type: ignore[method-assign]  # as Flask's manual has it


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
def _response(tag: service.Tag, encoding: str, control: str, unchanged: bool) -> Answer:
    """Return status, headers and body, the same that the view answers."""
    headers: Headers = [
        ("Cache-Control", control),
        ("Vary", "Accept-Encoding"),
        ("ETag", f'"{etag_of(tag.etag, encoding)}"'),
        *ALWAYS,
        *cors_headers("*"),
    ]
    if unchanged:
        return 304, headers, b""
    body = tag.bodies[encoding]
    headers += [("Content-Type", SCRIPT), ("Content-Length", str(len(body)))]
    if encoding:
        headers.append(("Content-Encoding", encoding))
    return 200, headers, body
