"""hammer against a server that keeps its promises, and against servers that break one each."""

import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import pytest
from flask import Flask
from werkzeug.serving import make_server

from consent_server.db import db
from consent_server.ledger.hammer import Plan, run_hammer
from consent_server.ledger.hammer_client import NotNow
from consent_server.ledger.hammer_result import Result
from consent_server.ledger.tasks import integrate_logs
from consent_server.rate_limit import limiter
from tests import make

Body = list[bytes]
Tamper = Callable[[str, Body], Body]


class Tampering:
    """A WSGI middleware that changes bodies of 2xx answers, as a dishonest operator would."""

    def __init__(self, app: Any, tamper: Tamper) -> None:
        self.app, self.tamper = app, tamper

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        kept: list[Any] = []

        def remember(*arguments: Any) -> Callable[[bytes], object]:
            kept.extend(arguments[:2])
            return lambda data: None

        response = self.app(environ, remember)
        body = list(response)
        response.close()
        if kept[0].startswith("2"):
            body = self.tamper(environ["PATH_INFO"], body)
        headers = [(name, value) for name, value in kept[1] if name.lower() != "content-length"]
        start(kept[0], [*headers, ("Content-Length", str(sum(map(len, body))))])
        return body


@contextmanager
def serving(app: Flask, tamper: Tamper | None) -> Iterator[str]:
    """Serve an app on a free port, and integrate its logs ten times a second."""
    ended = threading.Event()

    def integrate() -> None:
        while not ended.wait(0.1):
            with app.app_context():
                integrate_logs()
                db.session.remove()

    wsgi = Tampering(app, tamper) if tamper else app
    server = make_server("127.0.0.1", 0, wsgi, threaded=True)
    threads = [threading.Thread(target=server.serve_forever), threading.Thread(target=integrate)]
    for thread in threads:
        thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        ended.set()
        server.shutdown()
        for thread in threads:
            thread.join()
        server.server_close()


def hammered(app: Flask, tamper: Tamper | None = None, seconds: float = 2) -> Result:
    site = make.ready_site("analytics", "maps")
    plan = {"site": site.key, "origin": make.ORIGIN, "seconds": seconds, "writers": 3, "readers": 2}
    db.session.remove()
    with serving(app, tamper) as address:
        return run_hammer(Plan(address, **plan))


@pytest.fixture(autouse=True)
def no_limits(live_app: Flask, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level("WARNING", logger="werkzeug")
    limiter.enabled = False
    yield
    limiter.enabled = True


def test_a_server_that_keeps_its_promises_passes(live_app: Flask) -> None:
    result = hammered(live_app, seconds=4)

    assert result.violations == []
    assert result.kept, str(result)
    assert result.done["retries"] > 0
    assert result.done["consistency proofs"] > 0
    assert result.done["inclusion proofs"] > 0
    assert result.done["proof files"] > 0
    assert result.done["receipts found at the end"] == len(result.acknowledged)
    assert "every promise was kept" in str(result)


def older_checkpoint() -> Tamper:
    """Show the first checkpoint again, now and then."""
    seen: dict[str, Body] = {}
    count = iter(range(10_000_000))

    def tamper(path: str, body: Body) -> Body:
        if not path.endswith("/checkpoint"):
            return body
        seen.setdefault(path, body)
        return seen[path] if next(count) % 5 == 4 else body

    return tamper


def wrong_tile(path: str, body: Body) -> Body:
    data = b"".join(body)
    return [bytes([data[0] ^ 1]) + data[1:]] if "/tile/0/" in path else body


def wrong_signature(path: str, body: Body) -> Body:
    if not path.endswith("/checkpoint"):
        return body
    head, _, last = b"".join(body).rpartition(b" ")
    return [head + b" " + last[:20] + (b"B" if last[20:21] == b"A" else b"A") + last[21:]]


def wrong_index(path: str, body: Body) -> Body:
    if not path.endswith("/decisions"):
        return body
    return [orjson.dumps(orjson.loads(b"".join(body)) | {"log_index": 0})]


def wrong_proof(path: str, body: Body) -> Body:
    return [b"".join(body).replace(b"index ", b"index 1", 1)] if path.endswith(".tlog-proof") else body


def no_proof(path: str, body: Body) -> Body:
    return [b"\xff{"] if path.endswith("/keys") else body


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (older_checkpoint(), "went back"),
        (wrong_tile, "do not prove|not the tree of"),
        (wrong_signature, "signature of .* is wrong|no known key"),
        (wrong_index, "names another index"),
        (wrong_proof, "BadProof"),
        (no_proof, "UnicodeDecodeError"),
    ],
    ids=["rollback", "tile", "signature", "index", "proof", "garbage"],
)
def test_a_server_that_breaks_one_is_told_so(live_app: Flask, tamper: Tamper, said: str) -> None:
    result = hammered(live_app, tamper)

    assert not result.kept
    assert any(re.search(said, each) for each in result.violations), result.violations[:5]
    assert result.to_json()["violations"]


def test_a_server_that_is_away_is_no_violation_but_no_pass_either(live_app: Flask) -> None:
    with pytest.raises(NotNow):
        run_hammer(Plan("http://127.0.0.1:9", "s_x", make.ORIGIN, 0.2, 1, 1))
