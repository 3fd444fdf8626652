"""Receipts that are read once for all of their kind say what each of them says itself."""

import random
import secrets
import uuid
from typing import Any

import orjson
import pytest

from consent_server import packing
from consent_server.consents.payload import SCHEMA
from consent_server.evidence import kinds
from consent_server.evidence.kinds import Kind, Kinds, kind_of

INSTANTS = ("decided_at", "expires_at", "issued_at")


def claims_of(dice: random.Random) -> dict[str, Any]:
    """Claims of a decision; few different ones, with ids and instants of their own."""
    asked = dice.choice([["analytics"], ["analytics", "maps"], []])
    claims: dict[str, Any] = {
        "schema": SCHEMA,
        "policy_version": dice.choice(["1.0", "1.1", "2.0"]),
        "language": dice.choice(["en", "zh-CN"]),
        "layer": dice.choice(["banner", "api"]),
        "action": dice.choice(["accept_all", "custom"]),
        "asked": asked,
        "choices": {purpose: dice.choice(["granted", "denied"]) for purpose in asked},
        "receipt_id": str(uuid.UUID(int=dice.getrandbits(128), version=4)),
        "nonce": dice.randbytes(16).hex(),
        "policy_sha256": dice.randbytes(32).hex(),
    }
    for name in INSTANTS[dice.randrange(2) :]:
        claims[name] = f"2026-{dice.randint(1, 12):02}-01T00:00:00.{dice.randrange(1_000):03}Z"
    return claims


def said(kind: Kind) -> tuple[Any, ...]:
    return sorted(kind.facets), kind.counts


def packed(claims: dict[str, Any]) -> bytes:
    return packing.pack(orjson.dumps(claims, option=orjson.OPT_SORT_KEYS), packing.PAYLOAD)


def test_a_kind_says_what_each_of_its_receipts_says() -> None:
    dice = random.Random(11)
    known = Kinds()
    found: dict[int, Kind] = {}

    for _ in range(3_000):
        claims = claims_of(dice)
        kind = known.of(packed(claims))
        assert said(kind) == said(kind_of(claims))
        found[id(kind)] = kind

    assert len(found) < 400, "hardly two receipts were of one kind"
    assert said(known.of(orjson.dumps(claims_of(dice)))) != ([], ())  # a row as earlier versions stored it


def test_nothing_that_a_kind_is_about_can_hide_behind_a_mark() -> None:
    """A value that looks like an id would be told by no head: no facet may be made of one."""
    number, digest = str(uuid.uuid4()), secrets.token_hex(32)
    first, second = (
        claims_of(random.Random(2)) | {"receipt_id": each, "text_sha256": digest}
        for each in (number, str(uuid.uuid4()))
    )
    assert packing.head_of(packed(first)) == packing.head_of(packed(second))
    for each in (*kind_of(first).facets, *(part for count in kind_of(first).counts for part in count)):
        assert not packing.is_taken(each.rpartition(":")[2].encode())


def test_a_changed_bit_shows_in_a_receipt_of_a_known_kind_too() -> None:
    known = Kinds()
    row = packed(claims_of(random.Random(3)))
    known.of(row)

    for place in range(len(row) * 8):
        changed = bytearray(row)
        changed[place // 8] ^= 1 << place % 8
        with pytest.raises((packing.Unreadable, orjson.JSONDecodeError)):
            known.of(bytes(changed))


def test_unusual_choices_cannot_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "MOST", 5)
    dice, known = random.Random(4), Kinds()

    for _ in range(200):
        claims = claims_of(dice)
        assert said(known.of(packed(claims))) == said(kind_of(claims))
        assert len(known._known) <= 5
