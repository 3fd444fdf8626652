"""What a site's own server may ask about its known users, with its API key."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from consent_server import clock
from consent_server.db import db, transaction
from consent_server.ledger.models import Receipt
from consent_server.sites.api_keys import api_keys, revoke_api_key
from consent_server.sites.models import Site
from tests import make
from tests.contract.problems import problem


def ask(client: FlaskClient, site: Site, path: str, key: str | None, **query: Any) -> TestResponse:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return client.get(f"/v1/sites/{site.key}/{path}", query_string=query, headers=headers)


def known_subject(client: FlaskClient, site: Site, subject: str = "user-1", **decision: Any) -> str:
    """Let a visitor decide and tie the browser to a subject; return the visitor id."""
    visitor: str = make.decide(client, site, **decision)["visitor_id"]
    assert make.identify(client, site, make.subject_token(site, subject), visitor).status_code == 200
    return visitor


PATHS = ["subjects/user-1/consent", "subjects/user-1/reconsent", "subjects/user-1/receipts", "reconsent"]


@pytest.mark.parametrize("path", PATHS)
def test_nobody_is_answered_without_a_key_of_this_site(client: FlaskClient, path: str) -> None:
    site, other = make.ready_site(), make.ready_site()
    known_subject(client, site)
    foreign, revoked = make.api_key(other), make.api_key(site)
    with transaction():
        revoke_api_key(api_keys(site)[0], now=make.NOW, actor=make.STAFF)

    for key in (None, "", "csk_wrong", foreign, revoked, "x" * 5000):
        response = ask(client, site, path, key)
        problem(response, 401, "not-signed-in")
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
    problem(
        client.get(f"/v1/sites/{site.key}/{path}", headers={"Authorization": "Basic dTpw"}),
        401,
        "not-signed-in",
    )
    assert ask(client, site, path, make.api_key(site)).status_code == 200


@pytest.mark.parametrize("path", PATHS)
def test_no_page_of_any_origin_may_read_the_answer(client: FlaskClient, path: str) -> None:
    site = make.ready_site()
    known_subject(client, site)

    response = client.get(
        f"/v1/sites/{site.key}/{path}",
        headers={"Authorization": f"Bearer {make.api_key(site)}", "Origin": make.ORIGIN},
    )

    assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize("path", PATHS[:3])
def test_a_subject_that_nobody_vouched_for(client: FlaskClient, path: str) -> None:
    site = make.ready_site()

    problem(ask(client, site, path, make.api_key(site)), 404, "unknown-subject")


def test_the_consent_of_a_subject_now(client: FlaskClient) -> None:
    site = make.ready_site()
    known_subject(client, site, action="custom", choices={"analytics": "denied", "maps": "granted"})

    answer = ask(client, site, "subjects/user-1/consent", make.api_key(site)).get_json()

    assert answer["subject"] == "user-1"
    assert answer["effective"] == ["maps"]
    assert answer["state"]["purposes"]["analytics"]["choice"] == "denied"


def test_the_consent_of_a_subject_at_a_past_instant(client: FlaskClient, set_clock: Any) -> None:
    site = make.ready_site()
    set_clock(make.later(1))
    visitor = known_subject(client, site)
    set_clock(make.later(5))
    make.decide(
        client,
        site,
        visitor_id=visitor,
        action="withdraw",
        choices={"analytics": "denied", "maps": "granted"},
    )
    set_clock(make.later(9))
    make.published_version(site, change="recipients", touched=["maps"], now=make.later(9))
    make.decide(client, site, visitor_id=visitor, **make.refusal(site))
    set_clock(make.later(12))
    key = make.api_key(site)

    def on(days: float) -> tuple[Any, list[str]]:
        answer = ask(client, site, "subjects/user-1/consent", key, at=clock.iso(make.later(days))).get_json()
        return answer["state"] and answer["state"]["version"], answer["effective"]

    assert on(0.5) == (None, [])
    assert on(1) == ("1.0", ["analytics", "maps"])
    assert on(4.99) == ("1.0", ["analytics", "maps"])
    assert on(5) == ("1.0", ["maps"])
    assert on(9) == ("2.0", [])
    assert ask(client, site, "subjects/user-1/consent", key).get_json()["effective"] == []


def test_an_expired_consent_is_no_longer_effective(client: FlaskClient, set_clock: Any) -> None:
    site = make.ready_site()
    set_clock(make.later(1))
    known_subject(client, site)
    key = make.api_key(site)

    set_clock(make.later(181) - timedelta(milliseconds=1))
    assert ask(client, site, "subjects/user-1/consent", key).get_json()["effective"] == ["analytics", "maps"]
    set_clock(make.later(181))
    assert ask(client, site, "subjects/user-1/consent", key).get_json()["effective"] == []
    assert ask(client, site, "subjects/user-1/reconsent", key).get_json()["delta"]["reason"] == "expired"


@pytest.mark.parametrize(
    "at", ["2999-01-01T00:00:00Z", "2026-03-02", "2026-03-02T10:00:00", "yesterday", "0", ""]
)
def test_an_instant_must_be_past_and_have_a_zone(client: FlaskClient, at: str) -> None:
    site = make.ready_site()
    known_subject(client, site)

    problem(ask(client, site, "subjects/user-1/consent", make.api_key(site), at=at), 422, "invalid-input")


def test_a_major_version_asks_a_subject_whom_it_touches_about_the_delta(client: FlaskClient) -> None:
    site = make.ready_site()
    known_subject(client, site, "touched")
    known_subject(client, site, "refused", **make.refusal(site))
    key = make.api_key(site)
    assert ask(client, site, "subjects/touched/reconsent", key).get_json() == {
        "subject": "touched", "needed": False, "delta": None,
    }  # fmt: skip

    make.published_version(site, change="recipients", touched=["analytics"])

    assert ask(client, site, "subjects/touched/reconsent", key).get_json() == {
        "subject": "touched",
        "needed": True,
        "delta": {"reason": "changed", "ask": ["analytics"], "tell": [], "changes": [["2.0", 0]]},
    }
    assert ask(client, site, "subjects/refused/reconsent", key).get_json()["needed"] is False
    # The old scope is honoured until the subject has answered.
    assert ask(client, site, "subjects/touched/consent", key).get_json()["effective"] == ["analytics", "maps"]


def test_who_is_flagged_is_listed_a_page_at_a_time(client: FlaskClient) -> None:
    site = make.ready_site()
    for number in range(5):
        known_subject(client, site, f"user-{number}")
    known_subject(client, site, "refused", **make.refusal(site))
    key = make.api_key(site)
    make.published_version(site, change=[make.change("recipients", "maps"), make.change("ownership")])
    make.run_jobs()

    pages, after = [], ""
    while after is not None:
        page = ask(client, site, "reconsent", key, limit=2, **({"after": after} if after else {})).get_json()
        pages.append([row["subject"] for row in page["subjects"]])
        assert all(row["purposes"] == ["maps"] for row in page["subjects"])
        after = page["next_after"]

    assert pages == [["user-0", "user-1"], ["user-2", "user-3"], ["user-4"]]
    told = ask(client, site, "reconsent", key, kind="tell").get_json()["subjects"]
    assert [row["subject"] for row in told] == ["refused"]


def test_receipts_come_oldest_first_from_all_browsers_a_page_at_a_time(client: FlaskClient) -> None:
    site = make.ready_site()
    phone, laptop = known_subject(client, site), known_subject(client, site)
    made = [make.decide(client, site, visitor_id=visitor) for visitor in (phone, laptop, phone)]
    make.decide(client, site)  # of a stranger
    key = make.api_key(site)

    first = ask(client, site, "subjects/user-1/receipts", key, limit=3).get_json()
    rest = ask(client, site, "subjects/user-1/receipts", key, limit=3, after=first["next_after"]).get_json()

    start = make.first_index(site)
    indexes = [row["log_index"] - start for row in first["receipts"] + rest["receipts"]]
    assert indexes == [0, 1, 2, 3, 4]
    assert rest["next_after"] is None
    assert (first["receipts"] + rest["receipts"])[2:] == made


def test_erased_receipts_are_left_out_and_no_longer_count(client: FlaskClient) -> None:
    site = make.ready_site()
    visitor = known_subject(client, site)
    make.decide(client, site, visitor_id=visitor, **make.refusal(site))
    with transaction():
        row = db.session.get_one(Receipt, (site.id, 1, make.first_index(site)))
        row.payload = row.visitor_id = row.subject = None

    answer = ask(client, site, "subjects/user-1/receipts", make.api_key(site)).get_json()

    assert [each["log_index"] for each in answer["receipts"]] == [make.first_index(site) + 1]


@pytest.mark.parametrize(
    "query", [{"limit": 0}, {"limit": 501}, {"limit": "x"}, {"after": "x"}, {"page": 2}, {"after": 2**64}]
)
def test_a_page_that_makes_no_sense_is_refused(client: FlaskClient, query: dict[str, Any]) -> None:
    site = make.ready_site()
    known_subject(client, site)

    problem(ask(client, site, "subjects/user-1/receipts", make.api_key(site), **query), 422, "invalid-input")


def test_another_sites_subject_of_the_same_name_is_another_person(client: FlaskClient) -> None:
    one, other = make.ready_site(), make.ready_site()
    known_subject(client, one)
    known_subject(client, other, **make.refusal(other))

    assert ask(client, one, "subjects/user-1/consent", make.api_key(one)).get_json()["effective"]
    assert not ask(client, other, "subjects/user-1/consent", make.api_key(other)).get_json()["effective"]


def test_a_decision_of_an_identified_browser_counts_for_its_subject_and_does_not_name_them(
    client: FlaskClient,
) -> None:
    site = make.ready_site()
    visitor = known_subject(client, site)

    receipt = make.decide(client, site, visitor_id=visitor, **make.refusal(site))["receipt"]

    claims = client.post("/v1/receipts/verify", json={"receipt": receipt}).get_json()["claims"]
    assert "user-1" not in str(claims)
    assert ask(client, site, "subjects/user-1/consent", make.api_key(site)).get_json()["effective"] == []
