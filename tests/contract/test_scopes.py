"""API keys: what each scope opens and what it does not, and when a key ends."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from consent_server import auth
from consent_server.problems import InvalidInput
from consent_server.sites import api_keys
from consent_server.sites.scopes import SCOPES
from tests import make
from tests.contract.problems import problem
from tests.house.test_routes import rules

# What every endpoint of the site's server needs; a new endpoint gets a line here.
NEEDS = {
    ("POST", "/v1/sites/x/decisions/batch"): "decisions:write",
    ("GET", "/v1/sites/x/subjects/x/consent"): "consents:read",
    ("GET", "/v1/sites/x/subjects/x/timeline"): "consents:read",
    ("GET", "/v1/sites/x/visitors/5f0ce6b0-1111-4222-8333-444455556666/consent"): "consents:read",
    ("GET", "/v1/sites/x/subjects/x/receipts"): "receipts:read",
    ("GET", "/v1/sites/x/receipts/5f0ce6b0-1111-4222-8333-444455556666"): "receipts:read",
    ("GET", "/v1/sites/x/receipts/5f0ce6b0-1111-4222-8333-444455556666.json"): "receipts:read",
    ("GET", "/v1/sites/x/receipts/5f0ce6b0-1111-4222-8333-444455556666/shown"): "receipts:read",
    ("GET", "/v1/sites/x/subjects/x/reconsent"): "reconsent:read",
    ("GET", "/v1/sites/x/reconsent"): "reconsent:read",
    ("POST", "/v1/sites/x/addresses"): "addresses:write",
}


def test_the_table_above_names_every_endpoint_of_the_sites_server(app: Flask) -> None:
    assert set(rules(app, "server")) == set(NEEDS)
    assert set(NEEDS.values()) == set(SCOPES)


def test_every_cell_of_endpoint_and_scope(app: Flask, client: FlaskClient) -> None:
    site = make.ready_site()
    tokens = {scope: make.api_key(site, scope) for scope in SCOPES}

    for (method, path), needed in NEEDS.items():
        address = path.replace("/sites/x/", f"/sites/{site.key}/")
        for scope, token in tokens.items():
            answer = client.open(address, method=method, headers={"Authorization": f"Bearer {token}"})
            if scope == needed:
                assert answer.status_code not in (401, 403), (method, path, scope)
            else:
                problem(answer, 403, "scope-missing")
                assert answer.get_json()["scope"] == needed
                assert f'scope="{needed}"' in answer.headers["WWW-Authenticate"]


def test_a_key_ends_when_it_was_said_to(app: Flask, client: FlaskClient, set_clock) -> None:  # type: ignore[no-untyped-def]
    site = make.ready_site()
    token = make.api_key(site, life=timedelta(days=30))
    call = {"headers": {"Authorization": f"Bearer {token}"}}
    address = f"/v1/sites/{site.key}/reconsent"

    set_clock(make.later(days=30) - timedelta(milliseconds=1))
    assert client.get(address, **call).status_code == 200
    set_clock(make.later(days=30))

    problem(client.get(address, **call), 401, "not-signed-in")


@pytest.mark.parametrize("scopes", [(), ("all",), ("receipts:read", "receipts:write")])
def test_a_key_for_nothing_or_for_what_there_is_not_is_refused(app: Flask, scopes: tuple[str, ...]) -> None:
    site = make.site()

    with pytest.raises(InvalidInput):
        api_keys.issue_api_key(site, name="x", scopes=scopes, now=make.NOW, actor=make.STAFF)


@pytest.mark.parametrize("life", [timedelta(), timedelta(days=-1), timedelta(days=4000)])
def test_a_key_that_never_lives_or_for_ever_is_refused(app: Flask, life: timedelta) -> None:
    site = make.site()

    with pytest.raises(InvalidInput):
        api_keys.issue_api_key(site, name="x", scopes=SCOPES, life=life, now=make.NOW, actor=make.STAFF)


@pytest.mark.parametrize(("kind", "scope"), [("server", None), ("public", "receipts:read")])
def test_a_view_for_the_sites_server_and_only_such_a_view_names_a_scope(kind: str, scope: str | None) -> None:
    with pytest.raises(ValueError, match="scope"):
        auth.auth(kind, scope=scope)


def test_the_description_says_what_each_call_needs(app: Flask, client: FlaskClient) -> None:
    paths = client.get("/openapi.json").get_json()["paths"]

    assert paths["/v1/sites/{site_key}/reconsent"]["get"]["security"] == [{"apiKey": ["reconsent:read"]}]
    assert "security" not in paths["/v1/receipts/verify"]["post"]
