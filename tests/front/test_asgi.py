"""The front answers as the application does, whichever part of it an answer comes from."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask, request_started
from werkzeug.test import TestResponse

from consent_server.front.asgi import Front
from tests import make
from tests.front.asking import Line, ask, finished, scope_of

pytestmark = pytest.mark.engines("sqlite")  # whatever database the application has stands behind it


@pytest.fixture
def front(live_app: Flask) -> Iterator[Front]:
    with Front(live_app) as made:
        yield made


def test_what_the_framework_says_arrives_unchanged(live_app: Flask, front: Front) -> None:
    for method, path, status in [
        ("GET", "/healthz", 200),
        ("HEAD", "/healthz", 200),
        ("GET", "/console", 302),
        ("GET", "/console/sign-in", 200),
        ("GET", "/static/console/base.css", 200),
        ("GET", "/p/nowhere/privacy", 404),
        ("POST", "/healthz", 405),
        ("GET", "/%E9%9A%90%E7%A7%81?x=%E4%B8%AD", 404),
        ("GET", "/%FF", 404),
    ]:
        answer = ask(front, method, path)
        with live_app.test_client().open(path, method=method) as direct:
            assert answer.status_code == direct.status_code == status, path
            assert answer.data == direct.data or "csrf" in direct.text
            assert named(answer) == named(direct)


def named(response: TestResponse) -> set[tuple[str, str]]:
    """The headers that are the same each time."""
    changing = {"date", "set-cookie"}
    return {(name.lower(), value) for name, value in response.headers if name.lower() not in changing}


def test_a_tag_that_was_made_is_answered_without_the_framework(live_app: Flask, front: Front) -> None:
    address, seen = f"/w/{make.ready_site().key}.js", []

    def note(sender: Flask, **_: Any) -> None:
        seen.append(sender)

    with request_started.connected_to(note, live_app):
        made = ask(front, "GET", address, {"Accept-Encoding": "br"})
        again = ask(front, "GET", address, {"Accept-Encoding": "br"})
        held = ask(front, "GET", address, {"Accept-Encoding": "br", "If-None-Match": made.headers["ETag"]})

    assert len(seen) == 1
    assert (made.status_code, again.status_code, held.status_code) == (200, 200, 304)
    assert again.data == made.data
    assert named(again) == named(made)
    assert held.data == b""


def test_a_body_is_whole_or_refused_for_its_length(live_app: Flask, front: Front) -> None:
    site = make.ready_site()
    body = make.body(live_app.test_client(), site)
    most = live_app.extensions["settings"].max_upload_bytes
    address, kind = f"/v1/sites/{site.key}/decisions", {"Content-Type": "application/json"}
    for chunked, status in ((False, 201), (True, 200)):
        text = json.dumps(body).encode()
        assert ask(front, "POST", address, kind, text, chunked=chunked).status_code == status
        answer = ask(front, "POST", address, kind, b" " * (most + 1_000), chunked=chunked)
        assert answer.status_code == 413
        assert answer.get_json()["type"].endswith("body-too-large")


def test_a_body_that_announces_too_much_is_not_read(live_app: Flask, front: Front) -> None:
    most = live_app.extensions["settings"].max_upload_bytes
    line = Line([b"x"] * 10)
    headers = [("Content-Length", str(most + 1)), ("Content-Type", "application/json")]
    scope = scope_of("POST", "/v1/sites/s_0000000000000000/decisions", headers)

    finished(front(scope, line.receive, line.send))

    assert line.response().status_code in {404, 413}
    assert line.asked == 0


def test_a_sender_that_leaves_in_mid_body_costs_no_thread(front: Front) -> None:
    headers = [("Content-Length", "100"), ("Content-Type", "application/json")]
    for path in ("/v1/sites/s_0000000000000000/decisions", "/console/sign-in"):
        line = Line([b"{"], leaves=True)
        finished(front(scope_of("POST", path, headers), line.receive, line.send))
        assert not line.head


def test_what_proxies_vouch_for_is_believed_as_far_as_there_are_any(live_app: Flask) -> None:
    forwarded = {
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "tags.example",
        "X_Forwarded_Host": "evil.example",
    }
    address = f"/w/{make.ready_site().key}.js"
    with Front(live_app) as plain:
        without = ask(plain, "GET", address, forwarded).text
        assert ask(plain, "GET", address, forwarded).text == without
    live_app.extensions["settings"] = replace(live_app.extensions["settings"], proxy_hops=1)
    with Front(live_app) as proxied:
        made = ask(proxied, "GET", address, forwarded).text
        kept = ask(proxied, "GET", address, forwarded).text

    assert "https://tags.example" not in without
    assert "https://tags.example" in made
    assert kept == made
    assert "evil.example" not in without + made


def test_a_server_that_tells_of_start_and_end_is_answered(front: Front) -> None:
    moments = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    said: list[str] = []

    async def receive() -> dict[str, Any]:
        return moments.pop(0)

    async def send(message: dict[str, Any]) -> None:
        said.append(message["type"])

    finished(front({"type": "lifespan"}, receive, send))

    assert said == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
