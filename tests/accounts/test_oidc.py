"""The organisation's sign-in, over HTTP against providers: one of another maker in a process of its own, and one that lies."""

import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from consent_server.accounts import invitations, oidc
from consent_server.accounts.service import account_by_email
from consent_server.db import transaction
from tests import make
from tests.accounts.provider import CLIENT, SECRET, Provider, serve_provider, symmetric
from tests.conftest import BuildApp, SetClock, close_app, forget_all
from tests.demo.process import free_port

GO, BACK = "/console/sign-in/organisation", "/console/sign-in/organisation/return"


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with serve_provider() as served:
        yield served


@pytest.fixture(scope="module")
def joined(build_app: BuildApp, provider: Provider) -> Iterator[Flask]:
    """An application that knows the provider."""
    app = build_app(
        "sqlite", rate_limits="false", oidc_issuer=provider.issuer, oidc_client_id=CLIENT,
        oidc_client_secret=SECRET, oidc_name="Lamps Ltd",
    )  # fmt: skip
    with app.app_context():
        make.account()
    yield app
    close_app(app)


@pytest.fixture
def truthful(provider: Provider) -> Iterator[Provider]:
    """The provider, as it was when it started."""
    oidc.forget()
    before = (provider.signer, provider.algorithm, list(provider.published))
    yield provider
    provider.signer, provider.algorithm, provider.published = before
    provider.claims, provider.metadata = {}, {}
    oidc.forget()
    forget_all()


@pytest.fixture
def visitor(joined: Flask, truthful: Provider) -> Iterator[FlaskClient]:
    with joined.app_context():
        yield joined.test_client()


def come_back(visitor: FlaskClient, provider: Provider, **query: str) -> Any:
    """Go to the provider and come back."""
    there = visitor.get(GO, query_string=query)
    assert there.status_code == 302, there.text
    back = provider.sign_in(there.location)
    return visitor.get(back.replace("http://localhost", ""))


def signed_in(visitor: FlaskClient) -> bool:
    return visitor.get("/console").status_code == 200


def test_who_is_vouched_for_signs_in_and_goes_where_they_wanted(
    visitor: FlaskClient, truthful: Provider
) -> None:
    page = visitor.get("/console/sign-in").text
    answer = come_back(visitor, truthful, next="/console/audit")

    assert "Sign in with Lamps Ltd" in page
    assert answer.location == "/console/audit"
    assert signed_in(visitor)


def test_the_name_at_the_provider_counts_and_not_the_address(
    joined: Flask, visitor: FlaskClient, truthful: Provider
) -> None:
    make.account("mei@example.org")
    truthful.claims = {"email": "mei@example.org", "sub": "u-2"}
    come_back(visitor, truthful)

    truthful.claims = {"email": "mei@example.org", "sub": "u-3"}
    other = come_back(joined.test_client(), truthful)
    truthful.claims = {"email": "renamed@example.org", "sub": "u-2"}
    same = come_back(joined.test_client(), truthful)

    assert other.status_code == 403
    assert same.status_code == 303


@pytest.mark.parametrize(
    "claims", [{"email": "nobody@example.org"}, {"email_verified": False}, {"email": None}]
)
def test_who_is_not_invited_or_whose_address_is_not_verified_stays_out(
    visitor: FlaskClient, truthful: Provider, claims: dict[str, Any]
) -> None:
    truthful.claims = {"sub": "stranger"} | claims

    answer = come_back(visitor, truthful)

    assert answer.status_code == 403
    assert "Nobody has invited you" in answer.text
    assert not signed_in(visitor)


def test_an_invitation_is_accepted_by_the_verified_address(visitor: FlaskClient, truthful: Provider) -> None:
    with transaction():
        invitations.invite(
            email="wei@example.org", name="", language="zh-CN", role="auditor", site_id=None,
            now=make.clock.now(), actor="account:1", mail=False,
        )  # fmt: skip
    truthful.claims = {"sub": "u-9", "email": "Wei@Example.org", "name": "Wei"}

    come_back(visitor, truthful)

    account = account_by_email("wei@example.org")
    assert account is not None
    assert (account.name, account.password_hash) == ("Wei", None)
    assert signed_in(visitor)


LIES: list[dict[str, Any]] = [
    {"nonce": "another"}, {"nonce": None}, {"iss": "http://127.0.0.1:9"}, {"aud": "another client"},
    {"aud": [CLIENT, "another"]}, {"aud": [CLIENT, "another"], "azp": "another"}, {"exp": 1}, {"exp": None},
    {"sub": ""}, {"sub": 7}, {"sub": "x" * 300},
]  # fmt: skip


def test_a_token_that_is_not_for_this_sign_in_is_refused(
    joined: Flask, visitor: FlaskClient, truthful: Provider
) -> None:
    for lie in LIES:
        truthful.claims = lie
        stranger = joined.test_client()
        assert come_back(stranger, truthful).status_code == 502, lie
        assert not signed_in(stranger)


def test_keys_may_be_rotated_and_unknown_ones_are_refused(
    joined: Flask, visitor: FlaskClient, truthful: Provider
) -> None:
    come_back(visitor, truthful)
    reads = truthful.key_reads
    oidc.LEAST_BETWEEN_KEYS, kept = -1.0, oidc.LEAST_BETWEEN_KEYS
    try:
        truthful.rotate()
        assert come_back(joined.test_client(), truthful).status_code == 303
        assert truthful.key_reads == reads + 1

        truthful.signer, truthful.algorithm = symmetric(), "HS256"
        assert come_back(joined.test_client(), truthful).status_code == 502
        truthful.rotate()
        truthful.published = []
        assert come_back(joined.test_client(), truthful).status_code == 502
    finally:
        oidc.LEAST_BETWEEN_KEYS = kept


def test_an_answer_to_another_browser_or_twice_is_refused(
    joined: Flask, visitor: FlaskClient, truthful: Provider
) -> None:
    victim = joined.test_client()
    back = truthful.sign_in(visitor.get(GO).location).replace("http://localhost", "")

    assert victim.get(back).status_code == 502
    assert visitor.get(back.replace("state=", "state=x")).status_code == 502
    assert visitor.get(back).status_code == 502  # the state was spent by the attempt before
    assert visitor.get(f"{BACK}?error=access_denied").status_code == 502
    assert not signed_in(victim)


def test_an_answer_of_another_provider_is_refused(visitor: FlaskClient, truthful: Provider) -> None:
    back = truthful.sign_in(visitor.get(GO).location).replace("http://localhost", "")

    assert visitor.get(re.sub("iss=.*", "iss=https://evil.example", back)).status_code == 502


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://another.example"},
        {"authorization_endpoint": "http://evil.example/authorize"},
        {"authorization_endpoint": None},
    ],
)
def test_a_provider_that_cannot_be_relied_on_is_not_gone_to(
    visitor: FlaskClient, truthful: Provider, metadata: dict[str, Any]
) -> None:
    truthful.metadata = metadata

    answer = visitor.get(GO)

    assert answer.status_code == 502
    assert "The organisation&#39;s sign-in has not worked" in answer.text


def test_it_ends_when_it_takes_too_long(
    visitor: FlaskClient, truthful: Provider, set_clock: SetClock
) -> None:
    set_clock(make.NOW)
    back = truthful.sign_in(visitor.get(GO).location).replace("http://localhost", "")

    set_clock(make.later(minutes=11))

    assert visitor.get(back).status_code == 502


def test_without_a_provider_there_is_no_such_way_in(app: Flask, client: FlaskClient) -> None:
    assert client.get(GO).status_code == 404
    assert "organisation" not in client.get("/console/sign-in").text


def test_a_provider_of_another_maker_in_a_process_of_its_own(build_app: BuildApp) -> None:
    port = free_port()
    issuer = f"http://localhost:{port}"
    command = [
        sys.executable,
        "-m",
        "oidc_provider_mock",
        "-p",
        str(port),
        "-H",
        "127.0.0.1",
        "--require-nonce",
        "--user-claims",
        '{"sub": "lin", "email": "lin@example.org", "email_verified": true}',
    ]
    process = subprocess.Popen(
        command, env=dict(os.environ), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait(
            lambda: urllib.request.urlopen(f"{issuer}/.well-known/openid-configuration", timeout=2).close(),
            process,
        )
        app = build_app("sqlite", oidc_issuer=issuer, oidc_client_id="console", oidc_client_secret="secret")
        with app.app_context():
            make.account()
            visitor = app.test_client()
            authorize = visitor.get(GO).location
            form = urllib.parse.urlencode({"sub": "lin", "action": "authorize"}).encode()
            back = _redirect_of(urllib.request.Request(authorize, data=form))
            answer = visitor.get(back.replace("http://localhost/", "/"))

            assert answer.status_code == 303, answer.text
            assert signed_in(visitor)
        close_app(app)
    finally:
        process.terminate()
        process.wait(20)


def _wait(attempt: Callable[[], None], process: "subprocess.Popen[bytes]") -> None:
    for _ in range(300):
        try:
            return attempt()
        except (urllib.error.URLError, ConnectionError):
            assert process.poll() is None, "the provider did not start"
            time.sleep(0.1)
    raise AssertionError("the provider does not answer")


def _redirect_of(request: urllib.request.Request) -> str:
    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            return None

    with pytest.raises(urllib.error.HTTPError) as answer:
        urllib.request.build_opener(Stay).open(request, timeout=10)
    answer.value.close()
    return str(answer.value.headers["Location"])
