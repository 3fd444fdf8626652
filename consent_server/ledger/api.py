"""The log as C2SP serves it: checkpoint, tiles, bundles of entries, and proofs as files. Public, without query strings."""

from datetime import timedelta

from flask import Blueprint, Response, abort, current_app, make_response

from consent_server.auth import auth
from consent_server.http import allow_origin
from consent_server.ledger import proving, tiles
from consent_server.ledger.integrate import LogName, newest_checkpoint, tile_hashes
from consent_server.ledger.models import SignedCheckpoint
from consent_server.ledger.names import log_named, place_of
from consent_server.ledger.published_keys import log_keys
from consent_server.problems import NotFound

bp = Blueprint("ledger", __name__, url_prefix="/log")
FOR_EVER = "public, max-age=31536000, immutable"
BRIEFLY = f"public, max-age={int(timedelta(seconds=1).total_seconds())}"
TEXT, BYTES = "text/plain; charset=utf-8", "application/octet-stream"


class UnknownLog(NotFound):
    slug = "unknown-log"
    title = "There is no log of this name"


class NotIntegrated(NotFound):
    """Receipts are integrated within a second or two of their storing."""

    slug = "not-integrated"
    title = "No signed checkpoint covers this yet"


@bp.get("/<string:name>/checkpoint")
@auth("public")
def checkpoint(name: str) -> Response:
    """Return the newest signed checkpoint."""
    return _answer(_signed(_log(name)).note.encode(), TEXT, BRIEFLY)


@bp.get("/<string:name>/keys")
@auth("public")
def keys(name: str) -> Response:
    """Return the verifier keys of the log's checkpoints, one a line; retired ones stay."""
    found = log_named(name)
    if found is None:
        raise UnknownLog("A receipt's header names its log.")
    origin = found.origin
    lines = [key.vkey() + "\n" for key in log_keys(current_app.extensions["keys"], origin)]
    return _answer("".join(lines).encode(), TEXT, "public, max-age=300")


@bp.get("/<string:name>/tile/<path:path>")
@auth("public")
def tile(name: str, path: str) -> Response:
    """Return a tile of hashes or a bundle of entries, full or partial."""
    address = tiles.parse_path(path) or abort(404)
    log = _log(name)
    size = _signed(log).size
    if address.level is None:
        there = tiles.partial_width(0, address.n, size)
        body = proving.entry_bundle(log, address.n, address.width) if address.width <= there else None
    else:
        there = tiles.partial_width(address.level, address.n, size)
        hashes = tile_hashes(log, address.level, address.n, size) if address.width <= there else []
        body = b"".join(hashes[: address.width]) or None
    if body is None:
        raise NotIntegrated("Ask for no more than the newest checkpoint covers.")
    return _answer(body, BYTES, FOR_EVER)


@bp.get("/<string:name>/proof/<int:index>.tlog-proof")
@auth("public")
def proof(name: str, index: int) -> Response:
    """Return the proof that the entry at an index stands in the newest checkpoint's tree."""
    found = proving.newest_inclusion_file(_log(name), index)
    if found is None:
        raise NotIntegrated("Try again in a second.", headers={"Retry-After": "1"})
    return _answer(found.encode(), TEXT, BRIEFLY)


def _log(name: str) -> LogName:
    place = place_of(name)
    if place is None:
        raise UnknownLog("A receipt's header names its log.")
    return LogName(*place)


def _signed(log: LogName) -> SignedCheckpoint:
    signed = newest_checkpoint(log)
    if signed is None:
        raise NotIntegrated(
            "The log is empty, or its first receipt is a moment old.", headers={"Retry-After": "1"}
        )
    return signed


def _answer(body: bytes, kind: str, control: str) -> Response:
    allow_origin("*")
    response = make_response(body)
    response.content_type = kind
    response.headers["Cache-Control"] = control
    return response
