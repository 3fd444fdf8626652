"""POST /v1/sites/<site_key>/identify: the site's own server vouches for a browser's subject."""

import uuid
from typing import Any

import pytest
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from consent_server import clock
from consent_server.consents.models import SubjectLink
from consent_server.db import db, transaction
from consent_server.keys import b64u
from consent_server.sites import service as sites
from tests import make
from tests.contract.problems import problem


def seconds() -> int:
    return int(clock.now().timestamp())


def test_a_browser_is_tied_to_the_subject_and_learns_the_subjects_state(client: FlaskClient) -> None:
    site = make.ready_site()
    receipt = make.decide(client, site)

    response = make.identify(client, site, make.subject_token(site), receipt["visitor_id"])

    assert response.status_code == 200
    answer = response.get_json()
    assert (answer["subject_known"], answer["linked"]) == (True, True)
    assert answer["state"]["version"] == "1.0"
    assert answer["state"]["purposes"]["analytics"]["choice"] == "granted"
    assert response.headers["Access-Control-Allow-Origin"] == make.ORIGIN


def test_a_second_browser_gets_the_choice_of_the_first(client: FlaskClient) -> None:
    site = make.ready_site()
    first = make.decide(client, site)
    make.identify(client, site, make.subject_token(site), first["visitor_id"])

    answer = make.identify(client, site, make.subject_token(site)).get_json()

    assert (answer["subject_known"], answer["linked"]) == (True, False)
    assert {entry["choice"] for entry in answer["state"]["purposes"].values()} == {"granted"}


def test_the_newest_answer_wins_whichever_browser_it_came_from(client: FlaskClient) -> None:
    site = make.ready_site()
    phone = make.decide(client, site)["visitor_id"]
    laptop = make.decide(client, site, **make.refusal(site))["visitor_id"]

    make.identify(client, site, make.subject_token(site), laptop)
    answer = make.identify(client, site, make.subject_token(site), phone).get_json()
    assert {entry["choice"] for entry in answer["state"]["purposes"].values()} == {"denied"}

    make.decide(client, site, visitor_id=phone)
    answer = make.identify(client, site, make.subject_token(site), laptop).get_json()
    assert {entry["choice"] for entry in answer["state"]["purposes"].values()} == {"granted"}


def test_identifying_twice_changes_nothing(client: FlaskClient) -> None:
    site = make.ready_site()
    visitor = make.decide(client, site)["visitor_id"]

    answers = [make.identify(client, site, make.subject_token(site), visitor).get_json() for _ in range(3)]

    assert answers[0] == answers[1] == answers[2]


def test_a_subject_without_a_decision_is_not_known(client: FlaskClient) -> None:
    site = make.ready_site()

    answer = make.identify(client, site, make.subject_token(site)).get_json()
    assert answer == {"subject_known": False, "linked": False, "state": None}

    answer = make.identify(client, site, make.subject_token(site), str(uuid.uuid4())).get_json()
    assert answer == {"subject_known": False, "linked": True, "state": None}


def test_a_browser_never_changes_hands(client: FlaskClient) -> None:
    site = make.ready_site()
    visitor = make.decide(client, site)["visitor_id"]
    make.identify(client, site, make.subject_token(site, "li"), visitor)

    problem(
        make.identify(client, site, make.subject_token(site, "wang"), visitor),
        409,
        "visitor-of-another-subject",
    )

    link = db.session.get_one(SubjectLink, (site.id, uuid.UUID(visitor)))
    assert link.subject == "li"
    assert make.identify(client, site, make.subject_token(site, "wang")).get_json()["state"] is None


BAD_CLAIMS: dict[str, dict[str, Any]] = {
    "another site's key": {"aud": "s_another"},
    "no audience": {"aud": None},
    "a list of audiences": {"aud": ["s_another"]},
    "no subject": {"sub": None},
    "an empty subject": {"sub": ""},
    "a number as subject": {"sub": 7},
    "a subject with a space": {"sub": "a b"},
    "a subject with a newline": {"sub": "a\n"},
    "a long subject": {"sub": "x" * 129},
    "a subject beyond ASCII": {"sub": "李"},
    "no expiry": {"exp": None},
    "no issue": {"iat": None},
    "text as expiry": {"exp": "tomorrow"},
    "a fraction as expiry": {"exp": 1e10},
    "a boolean as issue": {"iat": True},
    "a huge expiry": {"exp": 2**80},
    "an infinite expiry": {"exp": 10**400},
}


@pytest.mark.parametrize("claims", BAD_CLAIMS.values(), ids=BAD_CLAIMS)
def test_a_token_with_such_claims_vouches_for_nobody(client: FlaskClient, claims: dict[str, Any]) -> None:
    site = make.ready_site()

    problem(make.identify(client, site, make.subject_token(site, **claims)), 401, "bad-identity-token")


@pytest.mark.parametrize(
    ("issued", "expires"),
    [(-600, -1), (-600, 0), (120, 400), (0, 3601), (-3600, 3600), (10, 5)],
    ids=[
        "expired",
        "expires now",
        "of the future",
        "an hour and a second",
        "two hours",
        "expires before its issue",
    ],
)
def test_a_token_that_is_stale_early_or_too_long_lived(
    client: FlaskClient, issued: int, expires: int
) -> None:
    site, at = make.ready_site(), seconds()

    token = make.subject_token(site, iat=at + issued, exp=at + expires)

    problem(make.identify(client, site, token), 401, "bad-identity-token")


@pytest.mark.parametrize(("issued", "expires"), [(0, 3600), (50, 300), (-3500, 100)])
def test_a_token_may_live_an_hour_and_clocks_may_differ_by_a_minute(
    client: FlaskClient, issued: int, expires: int
) -> None:
    site, at = make.ready_site(), seconds()

    assert (
        make.identify(client, site, make.subject_token(site, iat=at + issued, exp=at + expires)).status_code
        == 200
    )


def test_a_token_signed_with_anything_but_the_sites_secret_is_forged(client: FlaskClient) -> None:
    site, other = make.ready_site(), make.ready_site()
    claims = {"sub": "u", "aud": site.key, "iat": seconds(), "exp": seconds() + 300}
    good = make.subject_token(site)
    head, payload, signature = good.split(".")
    none = b64u(b'{"alg":"none","typ":"JWT"}')
    secret = OctKey.import_key(make.identity_secret(site).encode())
    rsa = jwt.encode({"alg": "RS256"}, claims, RSAKey.generate_key(2048))
    longer = jwt.encode({"alg": "HS512"}, claims, secret, algorithms=["HS512"])
    foreign = make.subject_token(site, secret=make.identity_secret(other))
    forged = [
        foreign, rsa, longer, f"{none}.{payload}.", f"{none}.{payload}.{signature}", f"{head}.{payload}.", good[:-1],
        good + "A", f"{head}.{b64u(b'{}')}.{signature}", f"{head}.{b64u(b'[]')}.{signature}", "x", "a.b.c", "..", "名.名.名",
        f"{b64u(b'[]')}.{payload}.{signature}", "." * 2000,
    ]  # fmt: skip

    for token in forged:
        problem(make.identify(client, site, token), 401, "bad-identity-token")


def test_another_sites_token_is_void_here(client: FlaskClient) -> None:
    site, other = make.ready_site(), make.ready_site()

    problem(make.identify(client, site, make.subject_token(other)), 401, "bad-identity-token")


def test_a_replaced_secret_voids_the_tokens_of_the_old_one(client: FlaskClient) -> None:
    site = make.ready_site()
    old = make.subject_token(site)
    with transaction():
        sites.rotate_identity_secret(site, now=make.NOW, actor=make.STAFF)

    problem(make.identify(client, site, old), 401, "bad-identity-token")
    assert make.identify(client, site, make.subject_token(site)).status_code == 200


def test_a_token_is_not_read_from_pages_of_other_origins(client: FlaskClient) -> None:
    site = make.ready_site()

    response = client.post(
        f"/v1/sites/{site.key}/identify",
        json={"token": make.subject_token(site)},
        headers={"Origin": "https://evil.example"},
    )

    problem(response, 403, "foreign-origin")


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"token": ""},
        {"token": 5},
        {"token": "x" * 5000},
        {"token": "x", "visitor_id": "7"},
        {"token": "x", "y": 1},
    ],
)
def test_a_body_of_another_form_is_refused(client: FlaskClient, data: Any) -> None:
    site = make.ready_site()

    problem(
        client.post(f"/v1/sites/{site.key}/identify", json=data, headers={"Origin": make.ORIGIN}),
        422,
        "invalid-input",
    )
