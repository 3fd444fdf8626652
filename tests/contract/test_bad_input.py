"""What is malformed, too large, of the wrong type or of no known name gets a clear answer and stores nothing."""

import io
import json
import uuid
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from consent_server import clock
from consent_server.db import db
from consent_server.ledger.models import Receipt
from tests import make
from tests.contract.problems import problem


@pytest.fixture(autouse=True)
def nothing_is_stored(app: Flask) -> Any:
    yield
    assert db.session.scalar(select(func.count()).where(Receipt.visitor_id.is_not(None))) == 0


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"{", b"{]", b"nul", b"{'a': 1}", b'{"a": 1,}', b'{"a": NaN}', b'{"a": Infinity}', b'{"a": 1e999999}',
        b"\xff\xfe", b'{"a": "\xff"}', b'{"a": "\xc3("}', b'{"a": "\xed\xa0\x80"}', b'{"a": "\\ud800"}', b"\x00", b"\xef\xbb\xbf{}",
        b'{"a": "\n"}', '{"a": 1}'.encode("utf-16"), b"[" * 60_000, b'{"a":' * 10_000,
    ],
    ids=lambda body: repr(body[:12]),
)  # fmt: skip
def test_what_is_not_json_in_utf8(client: FlaskClient, body: bytes) -> None:
    site = make.ready_site()

    response = make.post(client, site, body)

    problem(response, 400, "malformed-body")
    assert len(response.data) < 2000


@pytest.mark.parametrize("body", [b"null", b"true", b"7", b'"text"', b"[]", b"[{}]"])
def test_json_that_is_not_an_object(client: FlaskClient, body: bytes) -> None:
    problem(make.post(client, make.ready_site(), body), 422, "invalid-input")


WRONG: list[tuple[str, Any]] = [
    ("receipt_id", "7"), ("receipt_id", 7), ("receipt_id", None), ("receipt_id", ""), ("receipt_id", ["x"]),
    ("visitor_id", "not-a-uuid"), ("visitor_id", {}), ("visitor_id", True),
    ("policy_version", 1.0), ("policy_version", 1), ("policy_version", "1"), ("policy_version", "01.0"),
    ("policy_version", "1.0\n"), ("policy_version", "1.00"), ("policy_version", "1.0.0"), ("policy_version", "１.0"),
    ("policy_version", "9999999.0"), ("policy_version", ""),
    ("language", "english language"), ("language", ""), ("language", None), ("language", "en\x00"), ("language", ["en"]),
    ("action", "accept"), ("action", ""), ("action", True), ("action", None), ("action", "ACCEPT_ALL"),
    ("layer", "popup"), ("layer", 1), ("layer", None),
    ("choices", None), ("choices", []), ("choices", "granted"), ("choices", True),
    ("choices", {"analytics": True, "maps": True}), ("choices", {"analytics": "true", "maps": "true"}),
    ("choices", {"analytics": 1, "maps": 1}), ("choices", {"analytics": "Granted", "maps": "granted"}),
    ("choices", {"analytics": None, "maps": "granted"}), ("choices", {"analytics": ["granted"], "maps": "granted"}),
    ("choices", {"Analytics": "granted"}), ("choices", {"": "granted"}), ("choices", {"a\x00b": "granted"}),
    ("choices", {"__proto__": "granted"}), ("choices", {f"p{n}": "granted" for n in range(61)}),
    ("banner_build", "0" * 63), ("banner_build", "G" * 64), ("banner_build", "A" * 64), ("banner_build", ""),
    ("asked", "analytics"), ("asked", None), ("asked", [1]), ("asked", [None]), ("asked", {"analytics": True}),
    ("decided_at", "2026-03-02"), ("decided_at", "2026-03-02T10:00:00"), ("decided_at", 1772443800), ("decided_at", None),
    ("decided_at", "0000-00-00T00:00:00Z"), ("decided_at", "0001-01-01T00:00:00+14:00"), ("decided_at", "9999-12-31T23:59:59-12:00"), ("decided_at", "never"), ("decided_at", "99999-01-01T00:00:00Z"),
    ("signals", {"gpc": "true"}), ("signals", {"gpc": 1}), ("signals", {"gpc": 0}), ("signals", {"gpc": "on"}),
    ("signals", {"gpc": None}), ("signals", {"usp": True}), ("signals", []), ("signals", None), ("signals", "gpc"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), WRONG, ids=lambda value: repr(value)[:40])
def test_a_member_of_the_wrong_type_is_named(client: FlaskClient, name: str, value: Any) -> None:
    site = make.ready_site()

    answer = problem(make.post(client, site, make.body(client, site) | {name: value}), 422, "invalid-input")

    assert name in answer["errors"]


@pytest.mark.parametrize(
    "missing",
    [
        "receipt_id", "visitor_id", "policy_version", "language", "action", "layer", "choices", "banner_build",
    ],
)  # fmt: skip
def test_a_missing_member_is_named(client: FlaskClient, missing: str) -> None:
    site = make.ready_site()

    answer = problem(
        make.post(client, site, make.body(client, site, **{missing: None})), 422, "invalid-input"
    )

    assert list(answer["errors"]) == [missing]


@pytest.mark.parametrize("name", ["subject", "issued_at", "receiptId", "", "__class__", "x" * 500])
def test_an_unknown_member_is_refused(client: FlaskClient, name: str) -> None:
    site = make.ready_site()

    answer = problem(make.post(client, site, make.body(client, site) | {name: 1}), 422, "invalid-input")

    assert list(answer["errors"]) == [name]


def test_a_member_that_comes_twice_counts_once(client: FlaskClient) -> None:
    site = make.ready_site()
    body = json.dumps(make.body(client, site, language="xx")).encode()

    # The last one counts, as in JavaScript; here it is the language that does not exist.
    problem(make.post(client, site, body[:1] + b'"language": "en",' + body[1:]), 422, "unknown-language")


@pytest.mark.parametrize("number", [10**30, -(10**30), 2**64, 2**63])
def test_huge_numbers_are_refused(client: FlaskClient, number: int) -> None:
    site = make.ready_site()
    body = json.dumps(make.body(client, site, layer=number)).encode()

    response = make.post(client, site, body)

    assert response.status_code in (400, 422)
    assert response.content_type == "application/problem+json"


@pytest.mark.parametrize(
    "kind", ["text/html", "application/x-www-form-urlencoded", "multipart/form-data", "", "json", "a/b/c"]
)
def test_another_content_type_is_refused(client: FlaskClient, kind: str) -> None:
    site = make.ready_site()

    problem(
        make.post(client, site, make.body(client, site), content_type=kind), 415, "unsupported-media-type"
    )


def test_a_body_larger_than_the_stated_limit_is_refused(client: FlaskClient) -> None:
    site = make.ready_site()
    body = make.body(client, site) | {"asked": ["a" * 70_000]}

    answer = problem(make.post(client, site, body), 413, "body-too-large")

    assert "65536 bytes" in answer["detail"]


def test_a_body_at_the_limit_is_read(client: FlaskClient) -> None:
    body = b'{"a": "' + b"x" * (65_536 - 9) + b'"}'
    assert len(body) == 65_536

    problem(make.post(client, make.ready_site(), body), 422, "invalid-input")
    problem(make.post(client, make.ready_site(), body + b" "), 413, "body-too-large")


def test_a_chunked_body_cannot_smuggle_more_than_the_limit(client: FlaskClient) -> None:
    site = make.ready_site()

    response = client.post(
        f"/v1/sites/{site.key}/decisions",
        input_stream=io.BytesIO(b'{"a": "' + b"x" * 300_000),
        headers={"Transfer-Encoding": "chunked", "Origin": make.ORIGIN},
        content_type="text/plain",
        environ_overrides={"wsgi.input_terminated": True},
    )

    problem(response, 413, "body-too-large")


def test_a_length_that_lies_is_refused_before_anything_is_read(client: FlaskClient) -> None:
    site = make.ready_site()

    response = client.post(
        f"/v1/sites/{site.key}/decisions",
        input_stream=io.BytesIO(b"{}"),
        content_type="text/plain",
        environ_overrides={"CONTENT_LENGTH": "99999999999"},
    )

    assert response.status_code in (400, 413)
    assert response.content_type == "application/problem+json"


@pytest.mark.parametrize(
    "key", ["s_nowhere", "%F0%9F%8D%AA", "s%00", "'%20OR%201=1--", "..", "x" * 3000, "%ff%fe", "s_%0a"]
)
def test_a_site_key_that_is_none(client: FlaskClient, key: str) -> None:
    response = client.post(f"/v1/sites/{key}/decisions", data=b"{}", content_type="text/plain")

    assert response.status_code == 404, response.text
    assert response.content_type == "application/problem+json"
    assert client.get(f"/v1/sites/{key}/banner").status_code == 404
    assert client.get(f"/w/{key}.js").status_code == 404


@pytest.mark.parametrize("ref", ["%00", "%ff", "x" * 3000, "%F0%9F%8D%AA", "a%20b", "..", "%0d%0aX: 1"])
def test_a_subject_that_is_none(client: FlaskClient, ref: str) -> None:
    site = make.ready_site()
    headers = {"Authorization": f"Bearer {make.api_key(site)}"}

    for call in ("consent", "reconsent", "receipts"):
        response = client.get(f"/v1/sites/{site.key}/subjects/{ref}/{call}", headers=headers)
        assert response.status_code == 404, response.text
        assert response.content_type == "application/problem+json"


@pytest.mark.parametrize(
    "name", ["%00", "%ff", "../../etc/passwd", "preferences-", "preferences-%00", "x" * 5000]
)
def test_a_script_that_is_none(client: FlaskClient, name: str) -> None:
    assert client.get(f"/w/{name}.js").status_code == 404


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer  ", "bearer \x01", "Bearer é", "Basic x", "Bearer " + "k" * 9000]
)
def test_a_strange_authorization_header(client: FlaskClient, header: str) -> None:
    site = make.ready_site()

    response = client.get(f"/v1/sites/{site.key}/subjects/a/consent", headers={"Authorization": header})

    problem(response, 401, "not-signed-in")


def test_no_error_shows_what_is_inside(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    site = make.ready_site()
    body = make.body(client, site)

    def broken() -> None:
        raise ZeroDivisionError("secret detail in clock.py")

    with monkeypatch.context() as patch:
        patch.setattr(clock, "now", broken)
        answer = problem(make.post(client, site, body), 500, "internal-error")

    assert "secret" not in json.dumps(answer)


def test_the_ids_of_visitors_are_not_logged(client: FlaskClient, capfd: pytest.CaptureFixture[str]) -> None:
    site = make.ready_site()
    visitor = str(uuid.uuid4())

    make.post(client, site, make.body(client, site, visitor_id=visitor, policy_version="9.0"))
    make.post(client, site, make.body(client, site, visitor_id=visitor) | {"action": visitor})

    captured = capfd.readouterr()
    assert visitor not in captured.out + captured.err
