"""The desk finds what fits, whichever way it takes, and page follows page without gap or repeat."""

import random
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from consent_server.banner import service as banner
from consent_server.consents.recording import record_all
from consent_server.consents.schemas import DecisionSchema
from consent_server.consents.service import Submission
from consent_server.db import db, transaction
from consent_server.evidence import facets, projecting, search, tasks
from consent_server.evidence.models import DayCount, Facet, FacetMark
from consent_server.ledger.models import Receipt
from consent_server.retention.service import erase_visitor
from consent_server.sites.models import Site
from tests import make

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)


def store(site: Site, count: int, *, seed: int = 1) -> list[dict[str, Any]]:
    """Store decisions of many kinds, through the product's own way, an hour apart; return what was said."""
    dice = random.Random(seed)
    shown = banner.banner(make.view(site), language="en", api="http://localhost", now=BEGIN)["banner_build"]
    visitors = [str(uuid.UUID(int=dice.getrandbits(128), version=4)) for _ in range(count // 3 + 1)]
    bodies, submissions = [], []
    for place in range(count):
        choices = {key: dice.choice(["granted", "denied"]) for key in ("analytics", "maps")}
        action = "custom" if len(set(choices.values())) > 1 else dice.choice(["custom", "withdraw"])
        body = make.decision_body(
            site,
            shown,
            receipt_id=str(uuid.UUID(int=dice.getrandbits(128), version=4)),
            visitor_id=dice.choice(visitors),
            language=dice.choice(["en", "zh-CN"]),
            policy_version=dice.choice([each.number for each in make.view(site).versions]),
            action=action,
            choices=choices,
        )
        bodies.append(body)
        submissions.append(Submission(DecisionSchema().load(body), BEGIN + timedelta(hours=place)))
    for outcome in record_all(site.key, submissions):
        assert outcome.created  # type: ignore[union-attr]  # a refusal has none
    db.session.add(site)  # storing ends the session that it belonged to
    return bodies


@pytest.fixture
def shop(app: Flask) -> Site:
    made = make.ready_site()
    make.published_version(made, change="wording")
    return made


def read(site: Site, count: int | None = None) -> None:
    """Have facets and counts read so many entries of the log, or all."""
    with transaction():
        while projecting.project(site.id, 1, limit=count or 100) and count is None:
            pass


def ids(receipts: Sequence[Receipt]) -> list[str]:
    return [str(each.receipt_id) for each in receipts]


def questions(bodies: Sequence[dict[str, Any]], dice: random.Random) -> search.Filter:
    some = dice.choice(bodies)
    wanted: dict[str, Any] = {
        "version": some["policy_version"],
        "language": some["language"],
        "purpose": dice.choice(["analytics", "maps", "video"]),
        "choice": dice.choice(["granted", "denied"]),
        "action": some["action"],
        "visitor_id": uuid.UUID(some["visitor_id"]),
        "since": BEGIN + timedelta(hours=dice.randrange(len(bodies))),
        "before": BEGIN + timedelta(hours=dice.randrange(len(bodies) + 1)),
    }
    chosen = dice.sample(sorted(wanted), dice.randint(0, 4))
    return search.Filter(**{name: wanted[name] for name in chosen})


def expected(bodies: Sequence[dict[str, Any]], wanted: search.Filter) -> list[str]:
    """What a reader of all receipts would find, newest first."""
    found = []
    for place, body in enumerate(bodies):
        at = BEGIN + timedelta(hours=place)
        stated = (
            body["choices"]
            if wanted.purpose is None
            else {wanted.purpose: body["choices"].get(wanted.purpose)}
        )
        answers = {each for each in stated.values() if each}
        if (
            (wanted.version in (None, body["policy_version"]))
            and (wanted.language in (None, body["language"]))
            and (wanted.action in (None, body["action"]))
            and (wanted.visitor_id is None or str(wanted.visitor_id) == body["visitor_id"])
            and (wanted.since is None or at >= wanted.since)
            and (wanted.before is None or at < wanted.before)
            and (wanted.purpose is None or answers)
            and (wanted.choice is None or wanted.choice in answers)
        ):
            found.append(body["receipt_id"])
    return found[::-1]


def test_every_question_is_answered_as_a_reader_of_all_receipts_would(
    shop: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    width = 16
    for module in (facets, projecting, search):
        monkeypatch.setattr(module, "WIDTH", width)
    monkeypatch.setattr(facets, "_BYTES", width // 8)
    monkeypatch.setattr(projecting, "SLICE", 5)
    bodies, dice = store(shop, 70), random.Random(7)

    for upto in (0, 37, 40, None):  # nothing read yet, a part of a block, a little more of it, all
        if upto != 0:
            read(shop, upto)
        for _ in range(10):
            wanted = questions(bodies, dice)
            seen: list[str] = []
            cursor = None
            while True:
                page = search.find_receipts(shop.id, wanted, cursor=cursor, limit=7)
                seen += ids(page.receipts)
                cursor = page.next_cursor
                if cursor is None:
                    break
            assert seen == expected(bodies, wanted), wanted
    assert db.session.get_one(FacetMark, (shop.id, 1)).upto >= 70


def test_one_may_look_for_a_known_user_or_a_receipt_with_anything_else(
    client: FlaskClient, shop: Site
) -> None:
    mine = make.decide(client, shop, language="zh-CN")
    make.decide(client, shop)
    make.identify(client, shop, make.subject_token(shop, "user-7"), mine["visitor_id"])

    def found(**wanted: Any) -> list[str]:
        return ids(search.find_receipts(shop.id, search.Filter(**wanted)).receipts)

    assert found(subject="user-7", language="zh-CN") == [mine["receipt_id"]]
    assert found(subject="user-7", language="en") == []
    assert found(receipt_id=uuid.UUID(mine["receipt_id"]), choice="granted") == [mine["receipt_id"]]
    assert found(receipt_id=uuid.UUID(mine["receipt_id"]), choice="denied") == []


def test_too_much_to_read_at_once_goes_on_with_the_next_page(
    shop: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies = store(shop, 60)
    monkeypatch.setattr(search, "MOST_READ", 20)
    wanted = search.Filter(receipt_id=None, before=BEGIN + timedelta(hours=3))

    pages = [search.find_receipts(shop.id, wanted)]
    while pages[-1].partial:
        pages.append(search.find_receipts(shop.id, wanted, cursor=pages[-1].next_cursor))

    assert [each for page in pages for each in ids(page.receipts)] == [b["receipt_id"] for b in bodies[2::-1]]
    assert len(pages) == 4
    assert ids(pages[0].receipts) == []


def test_what_is_erased_is_found_by_its_place_only(app: Flask, shop: Site) -> None:
    bodies = store(shop, 40)
    read(shop)
    gone = bodies[11]["visitor_id"]
    theirs = [each["receipt_id"] for each in bodies if each["visitor_id"] == gone]

    with transaction():
        erase_visitor(shop, uuid.UUID(gone), ring=app.extensions["keys"], now=make.later(9), actor="command")

    everything = ids(search.find_receipts(shop.id, search.Filter(), limit=99).receipts)
    assert set(theirs) < set(everything)
    for language in ("en", "zh-CN"):
        found = ids(search.find_receipts(shop.id, search.Filter(language=language), limit=99).receipts)
        assert set(found).isdisjoint(theirs)
    left = db.session.scalars(
        select(Facet).where(Facet.site_id == shop.id, Facet.name.startswith("language:"))
    ).all()
    assert sum(facets.unpack(row.members).bit_count() for row in left) == len(bodies) - len(theirs)


def test_counts_are_those_of_the_receipts_however_often_the_reading_stopped(
    shop: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projecting, "SLICE", 5)
    bodies = store(shop, 50)
    for count in (1, 7, 7, 3, 50):
        read(shop, count)
        db.session.expire_all()
    assert tasks.catch_up()
    assert tasks.catch_up()  # once more adds nothing

    rows = db.session.execute(
        select(
            DayCount.day,
            DayCount.version,
            DayCount.language,
            DayCount.purpose,
            DayCount.choice,
            DayCount.count,
        ).where(DayCount.site_id == shop.id)
    ).all()
    wanted: dict[Any, int] = {}
    for place, body in enumerate(bodies):
        key = ((BEGIN + timedelta(hours=place)).date(), body["policy_version"], body["language"])
        said = [("", body["action"]), *body["choices"].items()]
        for each in said:
            wanted[(*key, *each)] = wanted.get((*key, *each), 0) + 1
    assert {tuple(row[:-1]): row[-1] for row in rows} == wanted
    assert not projecting.is_behind(shop.id)


def test_facets_are_small_and_say_what_the_receipts_say(shop: Site) -> None:
    store(shop, 120)
    read(shop)

    rows = db.session.scalars(select(Facet).where(Facet.site_id == shop.id)).all()
    for row in rows:
        members = {
            row.block * facets.WIDTH + place for place in facets.newest_first(facets.unpack(row.members))
        }
        receipts = db.session.scalars(
            select(Receipt).where(Receipt.site_id == shop.id, Receipt.idx.in_(members))
        )
        for each in receipts:
            assert row.name in facets.facets_of(orjson.loads(each.payload or b"{}"))
            assert row.first_at <= each.issued_at <= row.last_at
    names = {row.name for row in rows}
    assert {"decision", "language:en", "choice:maps:denied", "choice::granted", "version:1.1"} <= names
    stored = db.session.scalar(select(func.sum(func.length(Facet.members))).where(Facet.site_id == shop.id))
    assert (stored or 0) < 120 * len(names)


@pytest.mark.parametrize("members", [0, 1, 1 << 4_095, (1 << 4_096) - 1, random.Random(3).getrandbits(4_096)])
def test_a_set_comes_back_as_it_was_stored(members: int) -> None:
    assert facets.unpack(facets.pack(members)) == members
    assert len(facets.pack(members)) <= 513
    assert list(facets.newest_first(members)) == [n for n in range(4_095, -1, -1) if members >> n & 1]
