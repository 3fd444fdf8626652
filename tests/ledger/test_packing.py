"""Packed payloads and states: every text comes back, every changed bit shows, and old rows stay readable."""

import hashlib
import re
import secrets
import uuid
import zlib
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as some
from sqlalchemy import LargeBinary, literal, select, type_coerce, update

from consent_server.consents.models import ConsentRecord
from consent_server.db import db
from consent_server.evidence import search
from consent_server.ledger.models import Receipt
from consent_server.packing import DICTIONARIES, PAYLOAD, STATE, Unreadable, pack, unpack
from tests import make
from tests.contract.problems import problem
from tests.ledger.filled import disarm

VERIFY = Path(__file__).resolve().parents[2] / "docs" / "verify.md"
DIGITS = (
    some.uuids().map(str)
    | some.binary(min_size=32, max_size=32).map(bytes.hex)
    | some.binary(min_size=16, max_size=16).map(bytes.hex)
    | some.datetimes().map(lambda at: at.isoformat(timespec="milliseconds") + "Z")
)
CLAIMS: Any = some.recursive(
    DIGITS | DIGITS.map(str.upper) | some.text() | some.integers(-(2**53), 2**53) | some.booleans() | some.none(),
    lambda inner: some.lists(inner) | some.dictionaries(some.text() | DIGITS, inner),
    max_leaves=6,
)  # fmt: skip


def packed_row(site_id: int) -> bytes:
    """Return the newest decision as it lies in the database."""
    query = select(type_coerce(Receipt.payload, LargeBinary)).where(
        Receipt.site_id == site_id, Receipt.visitor_id.is_not(None)
    )
    found = db.session.scalars(query.order_by(Receipt.idx.desc())).first()
    assert found is not None
    return found


def put(site_id: int, stored: bytes) -> None:
    """Write bytes into the newest decision's row past everything that would refuse them."""
    newest = db.session.scalars(
        select(Receipt.idx)
        .where(Receipt.site_id == site_id, Receipt.visitor_id.is_not(None))
        .order_by(Receipt.idx.desc())
    ).first()
    disarm()
    row_is = (Receipt.site_id == site_id, Receipt.idx == newest)
    change = update(Receipt).where(*row_is).values(payload=literal(stored, LargeBinary))
    db.session.execute(change.execution_options(synchronize_session=False))
    db.session.commit()
    db.session.expire_all()


@pytest.mark.parametrize("number", [PAYLOAD, STATE])
@given(claims=some.dictionaries(some.text() | DIGITS, CLAIMS, max_size=6))
def test_every_json_comes_back(number: int, claims: dict[str, Any]) -> None:
    text = orjson.dumps(claims, option=orjson.OPT_SORT_KEYS)

    assert unpack(pack(text, number)) == text


@given(text=some.binary())
def test_what_is_no_json_comes_back_too(text: bytes) -> None:
    assert unpack(pack(text, PAYLOAD)) == text


def test_any_changed_bit_and_any_cut_shows(client: FlaskClient) -> None:
    site = make.ready_site()
    make.decide(client, site)
    stored = packed_row(site.id)

    for bit in range(len(stored) * 8):
        changed = bytearray(stored)
        changed[bit >> 3] ^= 1 << (bit & 7)
        with pytest.raises(Unreadable):
            unpack(bytes(changed))
    for length in range(len(stored)):
        with pytest.raises(Unreadable):
            unpack(stored[:length])


def test_a_format_of_a_later_version_is_named() -> None:
    body = b"\x09\x00later"

    with pytest.raises(Unreadable, match="format 9"):
        unpack(body + zlib.crc32(body).to_bytes(4, "big"))


def test_the_dictionaries_are_those_that_rows_were_packed_with() -> None:
    assert {number: hashlib.sha256(each).hexdigest() for number, each in DICTIONARIES.items()} == {
        PAYLOAD: "5674693c9aa6fb151c853c0063a603b4b624cd408cece0d25753b3d02a48146e",
        STATE: "0d8cd6018c115963f754ccc2a74cef24e88119d9299537e5fb11af985b90b83f",
    }


def test_a_row_of_a_format_is_read_by_all_later_versions() -> None:
    text = b'{"at":"2026-01-31T08:00:00.000Z","id":"00112233-4455-6677-8899-aabbccddeeff","policy_version":"1.0"}'

    assert (
        unpack(
            bytes.fromhex(
                "0103312e3003062d3c0c600ec0ead05a00026013108000000000112233445566778899aabbccddeeff550af06e"
            )
        )
        == text
    )
    assert unpack(bytes.fromhex("02004309284c69000be2e13c")) == b'{"purposes":{},"version":"1.0"}'


def test_a_decision_takes_a_quarter(client: FlaskClient) -> None:
    site = make.ready_site()
    receipt = make.decide(client, site)["receipt"]
    record = db.session.scalars(select(type_coerce(ConsentRecord.state, LargeBinary))).one()

    assert len(packed_row(site.id)) < 230 < len(receipt) / 4
    assert len(record) < 60


def test_an_auditor_reads_it_by_the_documents_own_words(client: FlaskClient) -> None:
    site = make.ready_site()
    make.decide(client, site)
    code = re.findall(r"```python\n(.*?)```", VERIFY.read_text(encoding="utf-8"), re.DOTALL)[-1]
    names: dict[str, Any] = {}
    exec(code, names)

    stored = packed_row(site.id)

    assert names["DICTIONARY"] == DICTIONARIES[PAYLOAD]
    assert orjson.loads(names["claims_of"](stored))["site"] == site.key
    assert names["claims_of"](stored) == unpack(stored)


def test_rows_of_earlier_versions_are_read_and_found(client: FlaskClient) -> None:
    site = make.ready_site()
    body = make.body(client, site)
    first = make.post(client, site, body).get_json()
    put(site.id, unpack(packed_row(site.id)))
    assert packed_row(site.id).startswith(b"{")
    other = make.decide(client, site)

    again = make.post(client, site, body).get_json()
    found = search.find_receipts(site.id, search.Filter(version="1.0")).receipts

    assert again["receipt"] == first["receipt"]
    assert [str(each.receipt_id) for each in found] == [other["receipt_id"], first["receipt_id"]]
    assert search.find_receipts(site.id, search.Filter(version="1")).receipts == []
    assert search.find_receipts(site.id, search.Filter(version="1.0" * 100)).receipts == []


def test_a_row_that_cannot_be_read_is_a_clear_error(client: FlaskClient) -> None:
    site = make.ready_site()
    body = make.body(client, site)
    make.post(client, site, body)
    put(site.id, b"\x01" + secrets.token_bytes(100) + uuid.uuid4().bytes)

    answer = problem(make.post(client, site, body), 500, "unreadable-row")

    assert "ledger fsck" in answer["detail"]
