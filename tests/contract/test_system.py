"""The server's own endpoints, and what errors look like where no view answers."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from consent_server import __version__
from consent_server.db import db, transaction
from consent_server.ledger.models import Log
from tests import make
from tests.contract.problems import problem


def test_the_published_keys_are_public_halves_only(client: FlaskClient) -> None:
    response = client.get("/.well-known/jwks.json")

    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    (key,) = response.get_json()["keys"]
    assert key.keys() == {"kty", "crv", "x", "kid", "use", "alg"}
    assert (key["kty"], key["crv"], key["alg"]) == ("OKP", "Ed25519", "Ed25519")


def test_global_privacy_control_is_honoured_and_says_since_when(client: FlaskClient) -> None:
    response = client.get("/.well-known/gpc.json")

    assert response.get_json() == {"gpc": True, "lastUpdate": "2026-11-01"}
    assert response.content_type == "application/json"


def test_the_description_is_openapi_3_1_and_names_every_call_of_the_contract(client: FlaskClient) -> None:
    spec = client.get("/openapi.json").get_json()

    assert spec["openapi"].startswith("3.1")
    assert spec["info"]["version"] == __version__
    assert {
        "/v1/sites/{site_key}/banner", "/v1/sites/{site_key}/decisions", "/v1/sites/{site_key}/identify",
        "/v1/sites/{site_key}/policies/{policy_key}/versions",
        "/v1/sites/{site_key}/policies/{policy_key}/versions/{number}",
        "/v1/receipts/verify", "/v1/sites/{site_key}/subjects/{ref}/consent",
        "/v1/sites/{site_key}/subjects/{ref}/reconsent", "/v1/sites/{site_key}/subjects/{ref}/receipts",
    } <= spec["paths"].keys()  # fmt: skip
    body = spec["paths"]["/v1/sites/{site_key}/decisions"]["post"]["requestBody"]["content"]
    assert body.keys() == {"application/json", "text/plain"}


def test_the_description_can_be_read_as_a_page_without_scripts(client: FlaskClient) -> None:
    page = client.get("/docs")

    assert page.status_code == 200
    assert page.mimetype == "text/html"
    assert "<script" not in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


def test_the_process_says_that_it_lives(client: FlaskClient) -> None:
    assert client.get("/healthz").get_json() == {"status": "ok"}


def test_it_says_when_traffic_may_come(live_app) -> None:  # type: ignore[no-untyped-def]
    response = live_app.test_client().get("/readyz")

    assert response.status_code == 200
    assert response.get_json() == {
        "status": "ready", "database": "ok", "migration": "ok", "late_jobs": 0, "forked_logs": [],
    }  # fmt: skip


def test_it_names_the_logs_that_wait_for_a_person(live_app: Flask) -> None:
    site = make.site()
    with transaction():
        db.session.execute(update(Log).where(Log.site_id == site.id).values(state="forked"))

    assert live_app.test_client().get("/readyz").get_json()["forked_logs"] == [site.key]


@pytest.mark.parametrize(
    "path", ["/nope", "/v1", "/v1/sites/", "/w/", "/w/x.css", "/%00", "/v1/sites/a%2Fb/banner"]
)
def test_an_address_of_nothing(client: FlaskClient, path: str) -> None:
    response = client.get(path)

    assert response.status_code == 404
    assert response.content_type == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/v1/sites/s/decisions"),
        ("GET", "/v1/receipts/verify"),
        ("DELETE", "/v1/sites/s/banner"),
        ("POST", "/healthz"),
    ],
)
def test_a_method_that_is_not_offered_names_those_that_are(
    client: FlaskClient, method: str, path: str
) -> None:
    response = client.open(path, method=method)

    problem(response, 405, "method-not-allowed")
    assert response.headers["Allow"]


def test_no_public_answer_sets_a_cookie(client: FlaskClient) -> None:
    site = make.ready_site()

    for path in (f"/w/{site.key}.js", f"/v1/sites/{site.key}/banner", "/openapi.json", "/docs", "/healthz"):
        assert "Set-Cookie" not in client.get(path).headers, path
    assert "Set-Cookie" not in make.post(client, site, make.body(client, site)).headers
