"""POST /v1/sites/<site_key>/decisions, row by row of the contract."""

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from consent_server import clock
from consent_server.consents import records
from consent_server.db import db, transaction
from consent_server.ledger.models import Log, Receipt
from consent_server.sites.service import update_site
from tests import make
from tests.contract.problems import problem


def stored(site_id: int) -> int:
    """How many decisions a site has."""
    query = select(func.count()).where(Receipt.site_id == site_id, Receipt.visitor_id.is_not(None))
    return db.session.scalar(query) or 0


def test_a_decision_is_answered_with_its_receipt(client: FlaskClient) -> None:
    site = make.ready_site()
    body = make.body(client, site)

    response = make.post(client, site, body)

    assert response.status_code == 201
    assert response.content_type == "application/json"
    answer = response.get_json()
    assert answer.keys() == {
        "receipt_id", "visitor_id", "issued_at", "expires_at", "choices", "log_index", "receipt",
    }  # fmt: skip
    assert answer["receipt_id"] == body["receipt_id"]
    assert answer["visitor_id"] == body["visitor_id"]
    assert answer["choices"] == body["choices"]
    assert answer["log_index"] == make.first_index(site)
    lasts = datetime.fromisoformat(answer["expires_at"]) - datetime.fromisoformat(answer["issued_at"])
    assert lasts == timedelta(days=180)


def test_a_site_says_how_long_a_choice_lasts(client: FlaskClient) -> None:
    site = make.ready_site(consent_days=30)

    answer = make.decide(client, site)

    lasts = datetime.fromisoformat(answer["expires_at"]) - datetime.fromisoformat(answer["issued_at"])
    assert lasts == timedelta(days=30)


@pytest.mark.parametrize(
    "kind", ["text/plain", "text/plain;charset=UTF-8", "application/json", "application/json; charset=utf-8"]
)
def test_text_plain_and_json_both_work(client: FlaskClient, kind: str) -> None:
    site = make.ready_site()

    assert make.post(client, site, make.body(client, site), content_type=kind).status_code == 201


def test_a_retry_returns_the_first_receipt_byte_for_byte(client: FlaskClient) -> None:
    site = make.ready_site()
    body = make.body(client, site, signals={"gpc": False}, decided_at="2026-03-02T10:00:00.123+08:00")

    first = make.post(client, site, body)
    again = [make.post(client, site, body) for _ in range(3)]

    assert first.status_code == 201
    assert {response.status_code for response in again} == {200}
    assert {response.data for response in again} == {first.data}
    assert stored(site.id) == 1


def test_a_retry_counts_whatever_the_order_and_spelling_of_its_members(client: FlaskClient) -> None:
    site = make.ready_site()
    body = make.body(client, site, decided_at="2026-03-02T10:00:00+08:00", asked=["maps", "analytics"])
    first = make.post(client, site, body)

    turned = dict(reversed(body.items())) | {
        "receipt_id": body["receipt_id"].upper(),
        "decided_at": "2026-03-02T02:00:00.000Z",
        "asked": ["analytics", "maps"],
        "choices": dict(reversed(body["choices"].items())),
    }
    again = make.post(client, site, turned, content_type="application/json")

    assert (again.status_code, again.data) == (200, first.data)


def test_a_retry_after_a_newer_version_still_returns_the_first_receipt(client: FlaskClient) -> None:
    site = make.ready_site()
    body = make.body(client, site)
    first = make.post(client, site, body)
    make.published_version(site, change="recipients")

    again = make.post(client, site, body)

    assert (again.status_code, again.data) == (200, first.data)


@pytest.mark.parametrize(
    "changed",
    [
        {"action": "custom", "choices": {"analytics": "granted", "maps": "denied"}},
        {"visitor_id": "5f0ce6b0-1111-4222-8333-444455556666"},
        {"language": "zh-CN"},
        {"layer": "preferences"},
        {"asked": ["analytics"]},
        {"decided_at": "2026-03-02T10:00:00Z"},
        {"signals": {"gpc": True}},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_the_same_id_with_another_body_is_a_conflict(client: FlaskClient, changed: dict[str, Any]) -> None:
    site = make.ready_site()
    body = make.body(client, site)
    make.post(client, site, body)

    problem(make.post(client, site, body | changed), 409, "receipt-conflict")

    assert stored(site.id) == 1


def test_an_erased_receipt_is_gone_and_its_id_stays_taken(client: FlaskClient) -> None:
    site = make.ready_site()
    body = make.body(client, site)
    make.post(client, site, body)
    with transaction():
        receipt = db.session.get_one(Receipt, (site.id, 1, make.first_index(site)))
        receipt.payload = receipt.visitor_id = None

    problem(make.post(client, site, body), 410, "receipt-erased")


def test_two_sites_may_have_receipts_of_the_same_id(client: FlaskClient) -> None:
    one, other = make.ready_site(), make.ready_site()
    receipt_id = str(uuid.uuid4())

    make.decide(client, one, receipt_id=receipt_id)
    make.decide(client, other, receipt_id=receipt_id)

    assert (stored(one.id), stored(other.id)) == (1, 1)


@pytest.mark.parametrize(
    ("changed", "slug"),
    [
        ({"policy_version": "7.0"}, "unknown-version"),
        ({"language": "fr"}, "unknown-language"),
        ({"choices": {"analytics": "granted", "maps": "granted", "ads": "granted"}}, "unknown-purpose"),
        ({"choices": {"analytics": "granted"}}, "unknown-purpose"),
        ({"choices": {}}, "unknown-purpose"),
        ({"choices": {"analytics": "granted", "maps": "granted", "essential": "granted"}}, "unknown-purpose"),
        ({"asked": ["ads"]}, "unknown-purpose"),
        ({"banner_build": "0" * 64}, "unknown-banner-build"),
    ],
    ids=["version", "language", "purpose", "fewer", "none", "basic", "asked", "build"],
)
def test_what_was_never_published_cannot_be_decided(
    client: FlaskClient, changed: dict[str, Any], slug: str
) -> None:
    site = make.ready_site()

    problem(make.post(client, site, make.body(client, site, **changed)), 422, slug)

    assert stored(site.id) == 0


def test_a_build_of_another_site_does_not_count(client: FlaskClient) -> None:
    one, other = make.ready_site(), make.ready_site()
    foreign = make.banner(client, other)["banner_build"]

    problem(make.post(client, one, make.body(client, one, banner_build=foreign)), 422, "unknown-banner-build")


def test_an_unknown_purpose_is_named(client: FlaskClient) -> None:
    site = make.ready_site()
    wrong = make.body(client, site, choices={"analytics": "granted", "ads": "granted"})

    answer = problem(make.post(client, site, wrong), 422, "unknown-purpose")

    assert (answer["unknown"], answer["missing"]) == (["ads"], ["maps"])


def test_a_superseded_version_is_good_evidence_of_what_was_seen(client: FlaskClient) -> None:
    site = make.ready_site()
    body = make.body(client, site)
    make.published_version(site, change="recipients", touched=["analytics"])

    response = make.post(client, site, body)

    assert response.status_code == 201
    record = records.find(site.id, records.VISITOR, body["visitor_id"])
    assert record is not None
    assert record.state["version"] == "1.0"
    make.run_jobs()
    assert record.flag == "ask"
    assert record.flag_purposes == ["analytics"]


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://shop.example",
        "https://shop.example:8443",
        "https://shop.example.evil.example",
        "https://sub.shop.example",
        "null",
        "",
    ],
)
def test_pages_of_other_origins_may_not_decide(client: FlaskClient, origin: str) -> None:
    site = make.ready_site()
    body = make.body(client, site)

    response = client.post(f"/v1/sites/{site.key}/decisions", json=body, headers={"Origin": origin})

    problem(response, 403, "foreign-origin")
    assert "Access-Control-Allow-Origin" not in response.headers
    assert stored(site.id) == 0


def test_an_origin_that_the_owner_has_just_added_may_decide_at_once(client: FlaskClient) -> None:
    site = make.ready_site()
    body = make.body(client, site)
    with transaction():
        update_site(site, now=make.NOW, actor=make.STAFF, origins=[make.ORIGIN, "https://new.example"])

    assert make.post(client, site, body, origin="https://new.example").status_code == 201


def test_the_page_may_read_the_answer(client: FlaskClient) -> None:
    site = make.ready_site()

    response = make.post(client, site, make.body(client, site))

    assert response.headers["Access-Control-Allow-Origin"] == make.ORIGIN
    assert "Origin" in response.headers.get_all("Vary")


def test_the_page_may_read_why_its_decision_was_refused(client: FlaskClient) -> None:
    site = make.ready_site()

    response = make.post(client, site, make.body(client, site, policy_version="9.0"))

    assert response.status_code == 422
    assert response.headers["Access-Control-Allow-Origin"] == make.ORIGIN


def test_a_call_without_an_origin_is_not_a_foreign_page(client: FlaskClient) -> None:
    site = make.ready_site()

    assert make.post(client, site, make.body(client, site), origin=None).status_code == 201


def test_a_decision_for_a_site_that_does_not_exist(client: FlaskClient) -> None:
    site = make.ready_site()

    problem(make.post(client, "s_nowhere", make.body(client, site)), 404, "unknown-site")


def test_receipts_of_a_site_are_numbered_without_gaps(client: FlaskClient) -> None:
    site, other = make.ready_site(), make.ready_site()

    indexes = [make.decide(client, site)["log_index"] for _ in range(4)]
    make.decide(client, other)
    make.post(client, site, make.body(client, site, policy_version="9.0"))
    indexes.append(make.decide(client, site)["log_index"])

    start = make.first_index(site)
    assert indexes == [start, start + 1, start + 2, start + 3, start + 4]
    assert db.session.get_one(Log, (site.id, 1)).size == start + 5


@pytest.mark.parametrize("action", ["reject_all", "expire", "gpc", "dnt"])
def test_what_is_no_act_of_the_visitor_cannot_grant(client: FlaskClient, action: str) -> None:
    site = make.ready_site()

    answer = problem(make.post(client, site, make.body(client, site, action=action)), 422, "invalid-input")

    assert "choices" in answer["errors"]


def test_accepting_all_cannot_deny(client: FlaskClient) -> None:
    site = make.ready_site()
    body = make.body(client, site, choices={"analytics": "granted", "maps": "denied"})

    problem(make.post(client, site, body), 422, "invalid-input")


@pytest.mark.parametrize("action", ["accept_all", "reject_all", "custom", "withdraw", "expire", "gpc", "dnt"])
def test_every_action_is_taken(client: FlaskClient, action: str) -> None:
    site = make.ready_site()
    choice = "granted" if action == "accept_all" else "denied"

    answer = make.decide(client, site, action=action, choices=dict.fromkeys(["analytics", "maps"], choice))

    assert set(answer["choices"].values()) == {choice}


@pytest.mark.parametrize("layer", ["banner", "preferences", "delta", "frame", "api"])
def test_every_layer_is_taken(client: FlaskClient, layer: str) -> None:
    make.decide(client, make.ready_site(), layer=layer)


def test_a_site_without_additional_purposes_takes_an_empty_choice(client: FlaskClient) -> None:
    site = make.site()
    make.policy(site)
    make.purposes(site, described=[make.purpose("essential", "basic")])
    make.published_version(site)

    assert make.decide(client, site)["choices"] == {}


def test_the_record_follows_the_visitors_decisions(client: FlaskClient) -> None:
    site = make.ready_site()
    visitor = str(uuid.uuid4())
    make.decide(client, site, visitor_id=visitor)
    make.decide(
        client,
        site,
        visitor_id=visitor,
        action="withdraw",
        choices={"analytics": "denied", "maps": "granted"},
    )

    record = records.find(site.id, records.VISITOR, visitor)

    assert record is not None
    assert record.idx == make.first_index(site) + 1
    entries = record.state["purposes"]
    assert (entries["analytics"]["choice"], entries["analytics"]["by"]) == ("denied", "withdraw")
    assert (entries["maps"]["choice"], entries["maps"]["by"]) == ("granted", "accept_all")


def test_the_servers_clock_says_when_and_the_browsers_is_kept_beside_it(
    client: FlaskClient, app: Flask, set_clock: Any
) -> None:
    site = make.ready_site()
    body = make.body(client, site, decided_at="2031-01-01T00:00:00Z")
    set_clock(make.NOW)

    answer = make.post(client, site, body).get_json()

    assert answer["issued_at"] == clock.iso(make.NOW)
    verdict = client.post("/v1/receipts/verify", json={"receipt": answer["receipt"]}).get_json()
    assert verdict["claims"]["decided_at"] == "2031-01-01T00:00:00.000Z"
    assert verdict["claims"]["issued_at"] == clock.iso(make.NOW)


def test_a_clock_that_goes_back_neither_loses_nor_reorders_a_receipt(
    client: FlaskClient, set_clock: Any
) -> None:
    site = make.ready_site()
    visitor = str(uuid.uuid4())
    body = make.body(client, site, visitor_id=visitor)
    back = make.body(client, site, visitor_id=visitor, **make.refusal(site))

    set_clock(make.later(10))
    first = make.post(client, site, body).get_json()
    set_clock(make.later(5))
    second = make.post(client, site, back).get_json()

    start = make.first_index(site)
    assert (first["log_index"], second["log_index"]) == (start, start + 1)
    assert second["issued_at"] == clock.iso(make.later(5))
    record = records.find(site.id, records.VISITOR, visitor)
    assert record is not None
    assert {entry["choice"] for entry in record.state["purposes"].values()} == {"denied"}


def test_decisions_are_limited_for_each_address(build_app: Any, engine: str, databases: Any) -> None:
    app = build_app(engine, decision_rate="3 per minute")
    with app.app_context():
        client, site = app.test_client(), make.ready_site()
        body = make.body(client, site)

        answers = [make.post(client, site, body) for _ in range(4)]

        assert [answer.status_code for answer in answers] == [201, 200, 200, 429]
        problem(answers[-1], 429, "too-many-requests")
        assert int(answers[-1].headers["Retry-After"]) > 0
        assert answers[-1].headers["Access-Control-Allow-Origin"] == make.ORIGIN
