"""The short way of a decision says what the long way says, and takes only what the schema takes."""

import json
import uuid
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask, request_started
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from werkzeug.test import TestResponse

from consent_server.consents import recording, wire
from consent_server.consents.schemas import ACTIONS, CHOICES, LAYERS, DecisionSchema
from consent_server.db import db, transaction
from consent_server.front.asgi import Front
from consent_server.ledger.models import Receipt
from consent_server.policies import published
from consent_server.policies.published import site_view
from consent_server.problems import Problem
from consent_server.schema import load
from consent_server.sites.api_keys import api_keys, revoke_api_key
from consent_server.sites.service import site_by_key, update_site
from tests import make
from tests.front.asking import ask

KEYS = ("analytics", "marketing", "maps", "Bad key", "")
TIMES = (
    "2026-01-31T08:00:00.000Z", "2026-01-31T08:00:00Z", "2026-02-31T08:00:00.000Z", "2026-01-31T08:00:00.000+08:00",
    "2026-01-31T08:00:00.000", "0001-01-01T00:00:00.000Z", "1999-12-31T23:59:60.000Z", "now", "", 7, None,
)  # fmt: skip
IDS = (str(uuid.uuid4()), uuid.uuid4().hex, "{" + str(uuid.uuid4()) + "}", "x", 1, None)


def mostly(good: st.SearchStrategy[Any], bad: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(good, good, good, bad)


def bodies() -> st.SearchStrategy[dict[str, Any]]:
    keys, choices = st.sampled_from(KEYS[:3]), st.sampled_from(CHOICES)
    junk = st.one_of(st.none(), st.integers(), st.text(max_size=3), st.booleans(), st.just([]), st.just({}))
    ids = mostly(st.just(IDS[0]), st.sampled_from(IDS))
    required = {
        "receipt_id": ids,
        "visitor_id": ids,
        "policy_version": mostly(st.just("2.0"), st.sampled_from(("2", "02.0", "1.0\n", 2.0))),
        "language": mostly(st.just("zh-CN"), st.sampled_from(("", "zh_CN", "e", 3))),
        "action": mostly(st.sampled_from(ACTIONS), junk),
        "layer": mostly(st.sampled_from(LAYERS), junk),
        "choices": mostly(
            st.dictionaries(keys, choices),
            st.dictionaries(st.sampled_from(KEYS), st.one_of(choices, junk)),
        ),
        "banner_build": mostly(st.just("a" * 64), st.sampled_from(("A" * 64, "a" * 63, "a" * 65, None))),
    }
    optional = {
        "asked": mostly(st.lists(keys), st.one_of(junk, st.lists(st.sampled_from(KEYS)))),
        "decided_at": st.sampled_from(TIMES),
        "signals": mostly(
            st.fixed_dictionaries({}, optional={"gpc": st.booleans(), "dnt": st.booleans()}),
            st.one_of(junk, st.just({"gpc": "true"}), st.just({"gpc": True, "other": True})),
        ),
        "surprise": junk,
    }
    return st.fixed_dictionaries(required, optional=optional)


@settings(max_examples=500, deadline=None)
@given(bodies())
def test_what_is_read_fast_is_what_the_schema_reads(body: dict[str, Any]) -> None:
    text = json.dumps(body).encode()

    fast = wire.read(text)

    assert wire.convert(json.loads(text)) == fast
    try:
        slow = load(DecisionSchema(), json.loads(text))
    except Problem:
        assert fast is None
    else:
        assert fast is None or fast == slow


def test_the_usual_body_is_read_fast() -> None:
    body = {
        "receipt_id": str(uuid.uuid4()),
        "visitor_id": str(uuid.uuid4()),
        "policy_version": "2.0",
        "language": "zh-CN",
        "action": "custom",
        "layer": "preferences",
        "choices": {"analytics": "granted", "maps": "denied"},
        "asked": ["analytics"],
        "banner_build": "0" * 64,
        "decided_at": "2026-01-31T08:00:00.123Z",
        "signals": {"gpc": True},
    }

    assert wire.read(json.dumps(body).encode()) == load(DecisionSchema(), body)


@pytest.fixture(params=["on a thread", "on an event loop"])
def with_lane(live_app: Flask, request: pytest.FixtureRequest) -> Iterator[Flask]:
    """An application with a lane, behind a server of either kind."""
    lane = recording.start_lane(live_app)
    with Front(live_app) if request.param == "on an event loop" else nullcontext() as front:
        live_app.extensions["front"] = front
        yield live_app
    lane.stop()
    live_app.extensions.pop(recording.LANE, None)


@pytest.fixture
def long_ways(with_lane: Flask) -> Iterator[list[Any]]:
    """What went through the framework, request by request."""
    seen: list[Any] = []

    def note(sender: Flask, **_: Any) -> None:
        seen.append(sender)

    with request_started.connected_to(note, with_lane):
        yield seen


def post(app: Flask, path: str, body: Any, headers: dict[str, str]) -> TestResponse:
    text = body if isinstance(body, (str, bytes)) else json.dumps(body)
    front: Front | None = app.extensions["front"]
    if front is None:
        return app.test_client().post(path, data=text, headers=headers)
    return ask(front, "POST", path, headers, text if isinstance(text, bytes) else text.encode())


def send(app: Flask, site_key: str, body: Any, **headers: str) -> TestResponse:
    usual = {"Origin": make.ORIGIN, "Content-Type": "text/plain;charset=UTF-8"}
    return post(app, f"/v1/sites/{site_key}/decisions", body, usual | headers)


def prepared(app: Flask) -> tuple[str, dict[str, Any]]:
    """Return a site that this process knows, and a decision for it."""
    site = make.ready_site()
    body = make.body(app.test_client(), site)
    key = site.key
    site_view(key)
    db.session.remove()
    return key, body


def test_both_ways_give_the_same_receipt_and_headers(with_lane: Flask, long_ways: list[Any]) -> None:
    key, body = prepared(with_lane)
    long_ways.clear()

    first = send(with_lane, key, body)
    short = send(with_lane, key, body)
    assert long_ways == []
    lane = with_lane.extensions.pop(recording.LANE)
    long = send(with_lane, key, body)
    with_lane.extensions[recording.LANE] = lane

    assert len(long_ways) == 1
    assert (first.status_code, short.status_code, long.status_code) == (201, 200, 200)
    assert first.data == short.data == long.data
    assert sorted(short.headers) == sorted(long.headers)


def send_batch(app: Flask, site_key: str, decisions: list[Any], key: str) -> TestResponse:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    return post(app, f"/v1/sites/{site_key}/decisions/batch", {"decisions": decisions}, headers)


def test_both_ways_of_a_batch_give_the_same_receipts_and_headers(
    with_lane: Flask, long_ways: list[Any]
) -> None:
    key, body = prepared(with_lane)
    token = make.api_key(site_by_key(key))
    conflict = body | {"language": "en" if body["language"] != "en" else "zh-CN"}
    unknown = body | {"receipt_id": str(uuid.uuid4()), "policy_version": "99.0"}
    other = body | {"receipt_id": str(uuid.uuid4())}
    decisions = [body, conflict, other, unknown, body]
    send_batch(with_lane, key, decisions[:1], token)
    long_ways.clear()

    first = send_batch(with_lane, key, decisions, token)
    short = send_batch(with_lane, key, decisions, token)
    assert long_ways == []
    lane = with_lane.extensions.pop(recording.LANE)
    long = send_batch(with_lane, key, decisions, token)
    with_lane.extensions[recording.LANE] = lane

    assert len(long_ways) == 1
    assert [each["status"] for each in first.get_json()["outcomes"]] == [200, 409, 201, 422, 200]
    assert [each["status"] for each in short.get_json()["outcomes"]] == [200, 409, 200, 422, 200]
    assert short.data == long.data
    assert sorted(short.headers) == sorted(long.headers)
    receipts = [[each.get("receipt") for each in answer.get_json()["outcomes"]] for answer in (first, short)]
    assert receipts[0] == receipts[1]


def test_a_batch_that_is_not_certain_goes_the_long_way(with_lane: Flask, long_ways: list[Any]) -> None:
    key, body = prepared(with_lane)
    token = make.api_key(site_by_key(key))
    send_batch(with_lane, key, [body], token)
    long_ways.clear()
    cases: list[tuple[list[Any], str, int]] = [
        ([body], "csk_unknown", 401),
        ([body, {"receipt_id": "x"}], token, 200),
        ([], token, 422),
        ([body] * 101, token, 422),
    ]
    for number, (decisions, presented, status) in enumerate(cases, 1):
        assert send_batch(with_lane, key, decisions, presented).status_code == status
        assert len(long_ways) == number


def test_a_key_that_was_revoked_stores_nothing_on_the_short_way(
    with_lane: Flask, long_ways: list[Any]
) -> None:
    key, body = prepared(with_lane)
    token = make.api_key(site_by_key(key))
    fresh = body | {"receipt_id": str(uuid.uuid4())}
    send_batch(with_lane, key, [body], token)
    with transaction():
        [known] = api_keys(site_by_key(key))
        revoke_api_key(known, now=make.NOW, actor="cli")
    long_ways.clear()

    short = send_batch(with_lane, key, [fresh], token)
    assert long_ways == []
    long = send_batch(with_lane, key, [fresh, {}], token)

    assert len(long_ways) == 1
    assert short.status_code == long.status_code == 401
    assert short.get_json() == long.get_json()
    assert short.headers["WWW-Authenticate"] == long.headers["WWW-Authenticate"]
    assert (
        db.session.scalar(select(Receipt).where(Receipt.receipt_id == uuid.UUID(fresh["receipt_id"]))) is None
    )


def test_both_ways_count_against_one_rate(with_lane: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    key, body = prepared(with_lane)
    chosen = with_lane.extensions["settings"]
    monkeypatch.setitem(
        with_lane.extensions, "settings", replace(chosen, decision_rate="2 per hour", rate_limits=True)
    )
    unusual = body | {"decided_at": "2026-01-31T08:00:00+08:00"}

    answers = [send(with_lane, key, each).status_code for each in (body, unusual, body, unusual)]

    assert answers == [201, 409, 429, 429]


def test_a_problem_of_the_short_way_is_that_of_the_long_way(with_lane: Flask, long_ways: list[Any]) -> None:
    key, body = prepared(with_lane)
    send(with_lane, key, body)
    conflict = body | {"language": "en" if body["language"] != "en" else "zh-CN"}
    unknown = body | {"receipt_id": str(uuid.uuid4()), "policy_version": "99.0"}
    lane = with_lane.extensions[recording.LANE]
    for wrong, status in ((conflict, 409), (unknown, 422)):
        long_ways.clear()
        short = send(with_lane, key, wrong)
        assert long_ways == []
        del with_lane.extensions[recording.LANE]
        long = send(with_lane, key, wrong)
        with_lane.extensions[recording.LANE] = lane

        assert short.status_code == long.status_code == status
        assert short.get_json() == long.get_json()
        assert short.headers["Content-Type"] == long.headers["Content-Type"] == "application/problem+json"
        assert short.headers["Access-Control-Allow-Origin"] == make.ORIGIN


def test_what_is_not_certain_goes_the_long_way(with_lane: Flask, long_ways: list[Any]) -> None:
    key, body = prepared(with_lane)
    fresh = body | {"receipt_id": str(uuid.uuid4())}
    cases: list[tuple[str, Any, dict[str, str], int]] = [
        (key, "{", {}, 400),
        (key, fresh | {"surprise": 1}, {}, 422),
        (key, fresh, {"Content-Type": "application/xml"}, 415),
        (key, fresh, {"Origin": "https://elsewhere.example"}, 403),
        ("s_0000000000000000", fresh, {}, 404),
        (key, " " * 70_000 + json.dumps(fresh), {}, 413),
        (key, fresh | {"decided_at": "2026-01-31T08:00:00+08:00"}, {}, 201),
    ]
    for number, (to, what, headers, status) in enumerate(cases, 1):
        assert send(with_lane, to, what, **headers).status_code == status, what
        assert len(long_ways) >= number

    with with_lane.app_context():
        decisions = db.session.query(Receipt).filter(Receipt.visitor_id.is_not(None)).count()
    assert decisions == 1


def test_a_site_that_was_read_too_long_ago_is_read_anew(
    with_lane: Flask, long_ways: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    key, body = prepared(with_lane)
    with transaction():
        site = site_by_key(key)
        update_site(site, origins=["https://other.example"], now=make.NOW, actor="cli")
    read_at, old = published._views[key]
    monkeypatch.setitem(published._views, key, (read_at - 3_600, old))
    long_ways.clear()

    assert send(with_lane, key, body).status_code == 403
    assert len(long_ways) == 1
    assert send(with_lane, key, body, Origin="https://other.example").status_code == 201
    assert len(long_ways) == 1
