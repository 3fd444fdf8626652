"""The demo site's own pages: a bookshop front in two languages, served on an origin of its own.

It is what a customer's site would be: it knows the consent server only by its tag, its API and its identity secret.
The "partners" whose scripts are gated are played by this server too, so that the demo needs no network.
"""

import base64
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus

from flask import Blueprint, Flask, Response, current_app, jsonify, render_template, request
from werkzeug.exceptions import HTTPException
from werkzeug.serving import make_server

from consent_server import clock
from consent_server.demo.identity import identity_token
from consent_server.demo.words import WORDS

READER = "reader-1"
COOKIE = "lb_session"
FORTNIGHT = 14 * 24 * 3600  # seconds, as the shop's policy states for this cookie
PATHS = {"zh-CN": "/", "en": "/en"}
PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")

bp = Blueprint("shop", __name__)


@dataclass(frozen=True)
class Shop:
    """What the shop knows of the consent server: its address, the site's key and identity secret."""

    server: str
    site_key: str
    identity_secret: str
    origins: tuple[str, ...]


def build_shop(shop: Shop) -> Flask:
    """Return the shop's WSGI application."""
    app = Flask("consent_server.demo")
    app.extensions["shop"] = shop
    app.register_blueprint(bp)
    app.after_request(_headers)
    app.register_error_handler(HTTPException, _error)
    return app


@contextmanager
def serve_shop(shop: Shop, bound: socket.socket) -> Iterator[None]:
    """Serve the shop's pages on threads of this process, on a socket that is bound already."""
    logging.getLogger("werkzeug").setLevel(
        logging.ERROR
    )  # its request log is nothing for the person who tries
    host, port = bound.getsockname()[:2]
    bound.listen(128)
    server = make_server(host, port, build_shop(shop), threaded=True, fd=bound.fileno())
    server.daemon_threads = True  # type: ignore[attr-defined]  # the threaded kind has it
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@bp.get("/")
def home() -> str:
    """Show the front page in Chinese."""
    return _front("zh-CN")


@bp.get("/en")
def home_english() -> str:
    """Show the front page in English."""
    return _front("en")


@bp.get("/map/<language>")
def map_page(language: str) -> str:
    """Show the map that the front page embeds in a frame."""
    return render_template("map.html", t=WORDS[_known(language)], language=_known(language))


@bp.get("/partner/pixel.gif")
def pixel() -> Response:
    """Serve the advertiser's pixel."""
    response = Response(PIXEL, mimetype="image/gif")
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.post("/session")
def sign_in() -> tuple[Response, int]:
    """Sign the reader in and return a fresh identity token, as a shop does once it has checked a password."""
    if request.headers.get("Origin") not in _shop().origins:
        return jsonify({"error": "not from this shop's pages"}), HTTPStatus.FORBIDDEN
    response = jsonify({"reader": READER, "token": _token()})
    response.set_cookie(COOKIE, READER, max_age=FORTNIGHT, httponly=True, samesite="Lax")
    return response, HTTPStatus.OK


@bp.delete("/session")
def sign_out() -> tuple[Response, int]:
    """Sign the reader out."""
    if request.headers.get("Origin") not in _shop().origins:
        return jsonify({"error": "not from this shop's pages"}), HTTPStatus.FORBIDDEN
    response = jsonify({"reader": None})
    response.delete_cookie(COOKIE)
    return response, HTTPStatus.OK


def _front(language: str) -> str:
    other = next(each for each in PATHS if each != language)
    shop = _shop()
    return render_template(
        "home.html",
        t=WORDS[language],
        language=language,
        other=other,
        other_path=PATHS[other],
        shop=shop,
        signed_in=request.cookies.get(COOKIE) == READER,
    )


def _token() -> str:
    shop = _shop()
    instant = int(clock.now().timestamp())
    return identity_token(READER, site_key=shop.site_key, secret=shop.identity_secret, now=instant)


def _shop() -> Shop:
    found: Shop = current_app.extensions["shop"]
    return found


def _known(language: str) -> str:
    return language if language in WORDS else "en"


def _headers(response: Response) -> Response:
    server = _shop().server
    headers = response.headers
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "strict-origin-when-cross-origin"
    headers.setdefault("Cache-Control", "no-cache")
    if response.mimetype == "text/html":
        headers["Cache-Control"] = "no-store"
        ancestors = "'self'" if request.path.startswith("/map/") else "'none'"
        headers["Content-Security-Policy"] = (
            f"default-src 'none'; script-src 'self' {server}; style-src 'self'; img-src 'self'; frame-src 'self'; "
            f"connect-src 'self' {server}; form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}; "
            "require-trusted-types-for 'script'; trusted-types consent-server"
        )
    return response


def _error(error: HTTPException) -> tuple[str, int]:
    return f"{error.code} {error.name}\n", error.code or 500
