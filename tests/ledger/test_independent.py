"""Others agree: a library that is not ours on our proofs, and RFC 8785's reference on our canonical JSON."""

import base64
import random
import uuid

import orjson
import pytest
import rfc8785
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from scitt_cose import merkle as theirs
from sqlalchemy import select

from consent_server.db import db, transaction
from consent_server.ledger import merkle, proofs
from consent_server.ledger.canonical import LARGEST, NotCanonical, canonical
from consent_server.ledger.models import Receipt
from consent_server.ledger.tasks import integrate_logs
from consent_server.retention import service
from tests import make
from tests.ledger.filled import ring
from tests.ledger.test_merkle import Tree

SIZES = [*range(1, 21), 255, 256, 257, 511, 513, 1023, 1025, 2000, 4097]


def entry(index: int) -> str:
    return str(index).encode().hex()


@pytest.mark.parametrize("size", SIZES)
def test_another_library_accepts_our_proofs_and_refuses_them_for_another_place(size: int) -> None:
    tree, chance = Tree(size), random.Random(size)
    root = tree.roots[size].hex()

    for index in {chance.randrange(size) for _ in range(12)}:
        path = [each.hex() for each in merkle.proof(merkle.inclusion_path(index, size), tree.read)]
        assert theirs.verify_inclusion(entry(index), index, size, path, root)
        assert not theirs.verify_inclusion(entry(index + 1), index, size, path, root)
    for old in {chance.randint(1, size) for _ in range(12)}:
        path = [each.hex() for each in merkle.proof(merkle.consistency_path(old, size), tree.read)]
        assert theirs.verify_consistency(tree.roots[old].hex(), root, old, size, path)
        if old < size:
            assert not theirs.verify_consistency(tree.roots[old - 1].hex(), root, old, size, path)


def test_we_accept_the_other_librarys_proofs_and_the_same_roots() -> None:
    entries = [entry(index) for index in range(300)]
    tree = Tree(300)

    assert theirs.merkle_root(entries) == tree.roots[300].hex()
    for index in range(0, 300, 7):
        path = [bytes.fromhex(each) for each in theirs.inclusion_proof(entries, index)]
        assert merkle.root_from_inclusion(tree.leaves[index], index, 300, path) == tree.roots[300]
        path = [bytes.fromhex(each) for each in theirs.consistency_proof(entries, index + 1, 300)]
        assert merkle.is_consistent(index + 1, tree.roots[index + 1], 300, tree.roots[300], path)


def test_another_library_accepts_every_proof_that_a_server_serves(client: FlaskClient) -> None:
    site = make.ready_site()
    for _ in range(9):
        make.decide(client, site)
    integrate_logs()

    rows = db.session.scalars(select(Receipt).where(Receipt.site_id == site.id).order_by(Receipt.idx)).all()
    for row in rows:
        served = client.get(f"/log/{site.key}/proof/{row.idx}.tlog-proof").text
        path = [each.hex() for each in proofs.parse(served).hashes]
        size, root = served.partition("\n\n")[2].split("\n")[1:3]
        found = theirs.root_from_inclusion_proof(row.entry.hex(), row.idx, int(size), path)
        assert found is not None
        assert base64.b64encode(bytes.fromhex(found)).decode() == root


NAMES = st.text(st.characters(max_codepoint=127), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-LARGEST, LARGEST) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=120, deadline=None)
@given(st.dictionaries(NAMES, VALUES, max_size=6))
def test_inside_the_profile_our_bytes_are_those_of_rfc_8785(members: dict[str, object]) -> None:
    assert canonical(members) == rfc8785.dumps(members)  # type: ignore[arg-type]  # JSON


def test_the_example_of_rfc_8785_as_far_as_the_profile_reaches() -> None:
    text = "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/"

    found = canonical({"string": text, "literals": [None, True, False]})

    assert found.hex() == (
        "7b226c69746572616c73223a5b6e756c6c2c747275652c66616c73655d2c22737472696e67223a"
        "22e282ac245c75303030665c6e4127425c225c5c5c5c5c222f227d"
    )


@pytest.mark.parametrize(
    "value",
    [
        333333333.33333329, 1e30, 4.5, 0.002, -0.0, float("nan"), float("inf"), LARGEST + 1, -LARGEST - 1, 2**64,
        {"\u20ac": 1}, {"\u00f6": 1}, {"\U0001f600": 1}, {1: 1}, b"bytes", make.NOW, {1, 2}, object(),
    ],
)  # fmt: skip
def test_what_lies_outside_the_profile_is_refused(value: object) -> None:
    for members in ({"a": value}, {"a": [value]}, {"a": {"b": [{"c": value}]}}):
        with pytest.raises(NotCanonical):
            canonical(members)


@pytest.mark.parametrize(
    "members",
    [
        {"choices": {"analytics": 1.5}},
        {"choices": {"analytics": 2**60}},
        {"choices": {"анализ": "granted"}},
        {"asked": ["統計"]},
        {"asked": [0.1]},
        {"signals": {"gpc": 1.0}},
        {"signals": {"größe": True}},
        {"größe": 1},
        {"decided_at": 1.5},
        {"layer": 0.5},
    ],
)
def test_a_decision_cannot_bring_in_what_lies_outside_the_profile(
    client: FlaskClient, members: dict[str, object]
) -> None:
    site = make.ready_site()
    body = make.body(client, site)

    assert make.post(client, site, body | members).status_code == 422


def test_every_payload_in_a_log_is_canonical(client: FlaskClient) -> None:
    site = make.ready_site()
    made = make.decide(client, site, signals={"gpc": True, "dnt": False}, decided_at="2026-03-02T09:00:00Z")
    make.published_version(site, change="recipients")
    make.decide(client, site, **make.refusal(site))
    visitor = uuid.UUID(made["visitor_id"])
    with transaction():
        service.erase_visitor(site, visitor, ring=ring(client.application), now=make.NOW, actor="command")

    payloads = db.session.scalars(select(Receipt.payload).where(Receipt.site_id == site.id)).all()

    there = [each for each in payloads if each is not None]
    assert len(there) >= 8
    assert [rfc8785.dumps(orjson.loads(each)) for each in there] == there
