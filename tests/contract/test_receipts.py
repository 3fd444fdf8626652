"""POST /v1/receipts/verify, and receipts checked without trusting this server's code."""

import base64
import hashlib
import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from joserfc import jws
from joserfc.jwk import KeySet

from consent_server.db import db, transaction
from consent_server.keys import KeyRing, b64u
from consent_server.ledger import jws as ours
from consent_server.ledger.models import Receipt
from tests import make
from tests.contract.problems import problem


def verify(client: FlaskClient, receipt: str) -> dict[str, Any]:
    response = client.post("/v1/receipts/verify", json={"receipt": receipt})
    assert response.status_code == 200, response.text
    data: dict[str, Any] = response.get_json()
    return data


def failed(verdict: dict[str, Any]) -> list[str]:
    return [check["check"] for check in verdict["checks"] if not check["ok"]]


def repacked(receipt: str, part: int, change: Any) -> str:
    """Change the JSON of one part and leave the signature."""
    parts = receipt.split(".")
    data = json.loads(base64.urlsafe_b64decode(parts[part] + "=="))
    parts[part] = base64.urlsafe_b64encode(json.dumps(data | change).encode()).decode().rstrip("=")
    return ".".join(parts)


def test_anybody_can_verify_a_receipt_with_the_published_keys_alone(client: FlaskClient) -> None:
    site = make.ready_site()
    body = make.body(client, site, language="zh-CN")
    receipt = make.post(client, site, body).get_json()["receipt"]
    keys = KeySet.import_key_set(client.get("/.well-known/jwks.json").get_json())

    # joserfc refuses header members that it does not know unless told otherwise; RFC 7515 says to ignore them.
    registry = jws.JWSRegistry(algorithms=["Ed25519"], strict_check_header=False)
    checked = jws.deserialize_compact(receipt, keys, registry=registry)

    claims = json.loads(checked.payload)
    for name in (
        "receipt_id",
        "visitor_id",
        "policy_version",
        "language",
        "action",
        "layer",
        "choices",
        "banner_build",
    ):
        assert claims[name] == body[name]
    text = client.get(f"/v1/sites/{site.key}/policies/privacy/versions/1.0?lang=zh-CN").get_json()
    assert claims["text_sha256"] == hashlib.sha256(text["source"].encode()).hexdigest()
    assert claims["policy_sha256"] == text["sha256"]
    assert claims["site"] == site.key
    assert checked.headers()["typ"] == "consent-receipt+jws"
    assert checked.headers()["idx"] == make.first_index(site)


def test_the_log_holds_the_hash_of_the_very_bytes_that_were_signed(client: FlaskClient) -> None:
    site = make.ready_site()

    receipt = make.decide(client, site)["receipt"]

    row = db.session.get_one(Receipt, (site.id, 1, make.first_index(site)))
    payload = base64.urlsafe_b64decode(receipt.split(".")[1] + "==")
    assert payload == row.payload
    assert hashlib.sha256(payload).digest() == row.entry


def test_a_good_receipt_is_valid_and_says_what_it_says(client: FlaskClient) -> None:
    site = make.ready_site()
    made = make.decide(client, site)

    verdict = verify(client, made["receipt"])

    assert verdict["valid"] is True
    assert [check["check"] for check in verdict["checks"]] == [
        "form", "signature", "log", "told", "version", "text",
    ]  # fmt: skip
    assert all(check["detail"].endswith(".") for check in verdict["checks"])
    assert verdict["claims"]["choices"] == made["choices"]


def test_it_stays_valid_after_later_versions(client: FlaskClient) -> None:
    site = make.ready_site()
    receipt = make.decide(client, site)["receipt"]
    make.published_version(site, change="recipients")

    assert verify(client, receipt)["valid"] is True


def test_white_space_around_a_receipt_does_no_harm(client: FlaskClient) -> None:
    receipt = make.decide(client, make.ready_site())["receipt"]

    assert verify(client, f"\n  {receipt}\r\n")["valid"] is True


@pytest.mark.parametrize(
    ("part", "change"),
    [
        (1, {"choices": {"analytics": "denied", "maps": "denied"}}),
        (1, {"visitor_id": "5f0ce6b0-1111-4222-8333-444455556666"}),
        (0, {"idx": 7}),
        (0, {"kid": "another"}),
    ],
)
def test_a_tampered_receipt_fails_by_its_signature(client: FlaskClient, part: int, change: Any) -> None:
    receipt = make.decide(client, make.ready_site())["receipt"]

    verdict = verify(client, repacked(receipt, part, change))

    assert verdict["valid"] is False
    assert failed(verdict) == ["signature"]
    assert verdict["claims"] is None


@pytest.mark.parametrize(
    "change", [{"alg": "none"}, {"alg": "HS256"}, {"alg": "EdDSA"}, {"typ": "JWT"}, {"typ": None}]
)
def test_the_header_cannot_choose_another_algorithm_or_type(client: FlaskClient, change: Any) -> None:
    receipt = make.decide(client, make.ready_site())["receipt"]

    assert failed(verify(client, repacked(receipt, 0, change))) == ["form"]


def test_truncated_and_padded_receipts_are_not_of_this_form(client: FlaskClient) -> None:
    receipt = make.decide(client, make.ready_site())["receipt"]
    head, payload, signature = receipt.split(".")

    broken = [
        receipt[:-1], receipt[:-20], receipt[1:], f"{head}.{payload}", f"{head}.{payload}.", f"..{signature}", "x", "...",
        f"{receipt}.{signature}", f"{receipt}=", f"{head}.{payload}.{signature[:-1]}A=", "eyJ9.eyJ9.AA", "名.字.号",
    ]  # fmt: skip

    for text in broken:
        verdict = verify(client, text)
        assert verdict["valid"] is False, text
        assert verdict["claims"] is None


def test_every_flipped_character_is_noticed(client: FlaskClient) -> None:
    receipt = make.decide(client, make.ready_site())["receipt"]

    for place in range(0, len(receipt), 37):
        other = "A" if receipt[place] != "A" else "B"
        assert verify(client, receipt[:place] + other + receipt[place + 1 :])["valid"] is False, place


def test_a_receipt_of_another_server_is_refused(client: FlaskClient, tmp_path: Any) -> None:
    from consent_server.keys import create_keys, load_keys

    receipt = make.decide(client, make.ready_site())["receipt"]
    create_keys(tmp_path / "foreign")
    foreign: KeyRing = load_keys(tmp_path / "foreign")
    parsed = ours.parse(receipt)

    forged = ours.sign(
        parsed.payload, key=foreign.receipt_key, log=parsed.header["log"], idx=parsed.header["idx"]
    )

    assert failed(verify(client, forged)) == ["signature"]


def test_a_signed_receipt_that_the_log_does_not_hold_is_not_valid(client: FlaskClient, app: Any) -> None:
    ring: KeyRing = app.extensions["keys"]
    receipt = make.decide(client, make.ready_site())["receipt"]
    parsed = ours.parse(receipt)

    elsewhere = ours.sign(parsed.payload, key=ring.receipt_key, log=parsed.header["log"], idx=99)
    nowhere = ours.sign(parsed.payload, key=ring.receipt_key, log="no.such.log/x", idx=0)
    other = ours.sign(
        parsed.payload.replace(b"granted", b"denied!"),
        key=ring.receipt_key,
        log=parsed.header["log"],
        idx=parsed.header["idx"],
    )

    assert "log" in failed(verify(client, elsewhere))
    assert "log" in failed(verify(client, nowhere))
    assert "log" in failed(verify(client, other))


@pytest.mark.parametrize("idx", [-1, 2**70, "0", None, True, 1.5, [0], {"a": 1}])
def test_an_index_that_is_none_is_answered_not_crashed(client: FlaskClient, app: Any, idx: Any) -> None:
    import orjson

    ring: KeyRing = app.extensions["keys"]
    parsed = ours.parse(make.decide(client, make.ready_site())["receipt"])
    header = json.dumps(
        {
            "alg": "Ed25519",
            "idx": idx,
            "kid": ring.receipt_key.kid,
            "log": parsed.header["log"],
            "typ": ours.TYPE,
        }
    )
    signing_input = f"{b64u(header.encode())}.{b64u(parsed.payload)}"
    forged = f"{signing_input}.{b64u(ring.receipt_key.sign(signing_input.encode()))}"

    verdict = verify(client, forged)

    assert orjson.dumps(verdict)
    assert verdict["valid"] is False


def test_an_erased_receipt_still_verifies_by_its_hash(client: FlaskClient) -> None:
    site = make.ready_site()
    receipt = make.decide(client, site)["receipt"]
    with transaction():
        row = db.session.get_one(Receipt, (site.id, 1, make.first_index(site)))
        row.payload = row.visitor_id = row.subject = None

    verdict = verify(client, receipt)

    assert verdict["valid"] is True
    assert "erased" in next(check["detail"] for check in verdict["checks"] if check["check"] == "log")


@pytest.mark.parametrize(
    "data", [{}, {"receipt": ""}, {"receipt": 7}, {"receipt": None}, {"receipt": "a", "x": 1}]
)
def test_a_question_of_another_form_is_refused(client: FlaskClient, data: Any) -> None:
    problem(client.post("/v1/receipts/verify", json=data), 422, "invalid-input")
