"""What a log tells besides decisions: keys, published versions, banner builds, in time, once, and as they are."""

import hashlib
import uuid
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, select, update

from consent_server import clock
from consent_server.banner.models import BannerBuild
from consent_server.consents import verification
from consent_server.consents.export import log as log_export
from consent_server.db import db, transaction
from consent_server.keys import CHECKPOINTS, RECEIPTS, KeyRing, add_signing_key, create_keys, load_keys
from consent_server.ledger import append, fsck, jws, leaves
from consent_server.ledger.leaf_rules import BANNER, KEY, VERSION, leaf_id, name_of
from consent_server.ledger.models import Log, Receipt
from consent_server.ledger.published_keys import log_keys
from consent_server.ledger.tasks import integrate_logs
from consent_server.ledger.verify_log import BadLog, Checked, Keys, verify_log
from consent_server.policies import publishing
from consent_server.policies.models import PolicyVersion
from consent_server.sites.models import Site
from tests import make
from tests.ledger.filled import disarm, entry, found, ring

Claims = dict[str, Any]


def rows(site: Site) -> list[Receipt]:
    query = select(Receipt).where(Receipt.site_id == site.id).order_by(Receipt.epoch, Receipt.idx)
    return list(db.session.scalars(query.execution_options(populate_existing=True)))


def told(site: Site) -> list[Claims]:
    claims = [orjson.loads(row.payload or b"{}") for row in rows(site)]
    return [each for each in claims if name_of(each)]


def tell(site: Site, **more: Any) -> None:
    """As a process does that has just started."""
    leaves.forget()
    with transaction():
        leaves.tell(append.lock_log(site.id), now=make.later(1), **more)


def check(app: Flask) -> str:
    return found(fsck.check(db.session.connection(), ring(app)))


def whole(app: Flask, site: Site) -> Checked:
    integrate_logs()
    wanted = log_export.log_range(site.key)
    lines = [log_export.header(wanted), *log_export.entries(wanted, ring=ring(app))]
    return verify_log(lines, Keys(ring(app).receipt_keys, log_keys(ring(app), wanted.origin)))


def as_made(client: FlaskClient, site: Site, **members: Any) -> append.Entry:
    """Return an entry like a decision's, with other members."""
    body = make.body(client, site)
    current = make.view(site).current
    assert current is not None
    texts = {"policy_sha256": current.sha256, "text_sha256": current.notices["en"]["sha256"]}
    claims = {"site": site.key, "policy_version": "1.0", "language": "en", **texts, **members}
    return entry(ring(client.application), make.NOW, **{"banner_build": body["banner_build"], **claims})


def put(site: Site, *entries: append.Entry) -> None:
    with transaction():
        append.append_many(append.lock_log(site.id), entries)


def test_keys_version_and_banner_stand_before_the_first_decision_that_needs_them(
    app: Flask, client: FlaskClient
) -> None:
    site = make.ready_site()
    receipt = jws.parse(make.decide(client, site)["receipt"])

    receipts, checkpoints, version, banner = told(site)

    keys = ring(app)
    assert receipt.header["idx"] == 4
    assert (receipts["schema"], receipts["use"], receipts["jwk"]) == (KEY, RECEIPTS, keys.receipt_key.jwk())
    assert (checkpoints["use"], checkpoints["kid"]) == (CHECKPOINTS, keys.checkpoint_key.kid)
    assert receipts["replaces"] is checkpoints["replaces"] is None
    stored = db.session.scalars(select(PolicyVersion).where(PolicyVersion.policy_id == site.policy_id)).one()
    assert (version["schema"], version["number"]) == (VERSION, "1.0")
    assert version["sha256"] == receipt.claims["policy_sha256"] == (stored.sha256 or b"").hex()
    assert version["texts"] == {each.language: each.sha256.hex() for each in stored.notices}
    assert (version["class"], version["changes"]) == (None, [])
    assert (banner["schema"], banner["sha256"]) == (BANNER, receipt.claims["banner_build"])
    assert (banner["policy"], banner["policy_version"]) == ("privacy", "1.0")
    assert all(row.visitor_id is None for row in rows(site)[:4])


def test_a_later_version_says_how_serious_its_changes_are(client: FlaskClient) -> None:
    site = make.ready_site()
    make.published_version(site, change=[make.change("wording"), make.change("recipients", "maps")])

    first, second = (each for each in told(site) if each["schema"] == VERSION)

    assert (second["number"], second["class"], second["predecessor"]) == (
        "2.0",
        "major_consent",
        first["sha256"],
    )
    assert second["changes"][1] == {"type": "recipients", "class": "major_consent", "purposes": ["maps"]}


def test_what_fails_to_be_published_is_not_told(client: FlaskClient) -> None:
    site = make.ready_site()
    before = len(rows(site))
    draft = make.draft(site, changes=[make.change("recipients")])

    def interrupted() -> None:
        with transaction():
            publishing.publish_version(draft, now=make.NOW, actor=make.STAFF)
            raise OSError("whatever goes wrong before the commit")

    with pytest.raises(OSError, match="before the commit"):
        interrupted()

    assert len(rows(site)) == before
    make.published_version(site, change="recipients")
    assert len(rows(site)) == before + 1


def test_telling_again_adds_nothing(client: FlaskClient) -> None:
    site = make.ready_site()
    make.decide(client, site)
    before = len(rows(site))

    tell(site)
    tell(site, anew=True)

    assert len(rows(site)) == before


def test_a_new_key_is_told_once_with_the_one_that_it_replaces(
    app: Flask, client: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_keys(tmp_path)
    monkeypatch.setitem(app.extensions, "keys", load_keys(tmp_path))
    site = make.ready_site()
    make.decide(client, site)
    old: KeyRing = app.extensions["keys"]
    add_signing_key(tmp_path, RECEIPTS)
    monkeypatch.setitem(app.extensions, "keys", load_keys(tmp_path))

    make.published_version(site, change="recipients")
    tell(site)

    new = [each for each in told(site) if each["schema"] == KEY][2:]
    assert [(each["kid"], each["replaces"]) for each in new] == [
        (ring(app).receipt_key.kid, old.receipt_key.kid)
    ]
    assert rows(site)[-1].kid == ring(app).receipt_key.kid
    make.decide(client, site)
    assert check(app) == ""
    assert whole(app, site).receipts == 2


def test_a_new_key_is_told_before_the_first_decision_that_it_signs(
    app: Flask, client: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_keys(tmp_path)
    monkeypatch.setitem(app.extensions, "keys", load_keys(tmp_path))
    site = make.ready_site()
    make.decide(client, site)
    add_signing_key(tmp_path, RECEIPTS)
    monkeypatch.setitem(app.extensions, "keys", load_keys(tmp_path))  # as a process that has just started
    leaves.forget()

    answer = make.decide(client, site)

    newest = orjson.loads(rows(site)[answer["log_index"] - 1].payload or b"{}")
    assert (newest["schema"], newest["kid"]) == (KEY, ring(app).receipt_key.kid)
    assert make.decide(client, site)["log_index"] == answer["log_index"] + 1
    assert check(app) == ""


def test_a_log_from_before_catches_up_and_is_not_blamed(app: Flask, client: FlaskClient) -> None:
    site = make.ready_site()
    made = as_made(client, site)
    disarm()
    with transaction():
        db.session.execute(db.text("DELETE FROM receipt"))
        db.session.execute(update(Log).values(size=0))
    leaves.forget()
    put(site, made)
    assert check(app) == ""

    make.published_version(site, change="recipients")

    assert [each["schema"] for each in told(site)] == [KEY, KEY, VERSION, VERSION, BANNER]
    make.decide(client, site)
    assert check(app) == ""
    assert whole(app, site).receipts == 2
    old = rows(site)[0]
    log = db.session.get_one(Log, (site.id, 1))
    signed = jws.sign(old.payload or b"", key=ring(app).receipt_key, log=log.origin, idx=0)
    checks = verification.verify(signed, ring=ring(app)).checks
    assert "told" not in [each["check"] for each in checks]


def test_a_receipt_that_took_a_leafs_id_does_not_silence_it(app: Flask, client: FlaskClient) -> None:
    site = make.site()
    log = db.session.get_one(Log, (site.id, 1))
    name = (KEY, ring(app).receipt_key.kid)
    squatted = entry(ring(app), make.NOW)._replace(receipt_id=leaf_id(log.origin, name))
    put(site, squatted)

    tell(site)

    assert name in [name_of(each) for each in told(site)]
    leaf = leaves.find_leaf(site.id, log.origin, name)
    assert leaf is not None
    assert leaf.receipt_id != squatted.receipt_id
    before = len(rows(site))
    tell(site)
    assert len(rows(site)) == before


def test_a_closed_log_is_told_nothing_and_the_banner_is_served_all_the_same(client: FlaskClient) -> None:
    site = make.ready_site()
    with transaction():
        db.session.execute(update(Log).where(Log.site_id == site.id).values(state="forked"))

    assert client.get(f"/w/{site.key}.js").status_code == 200

    assert [each["schema"] for each in told(site)] == [KEY, KEY, VERSION]


@pytest.mark.parametrize(
    ("members", "what"),
    [
        ({"policy_sha256": "ab" * 32}, "it names a policy version that the log had not told of"),
        ({"text_sha256": "ab" * 32}, "it names another text than its policy version has in that language"),
        ({"banner_build": "ab" * 32}, "it names a banner that the log had not told of"),
    ],
)
def test_a_decision_about_what_was_not_told_is_found_everywhere(
    app: Flask, client: FlaskClient, members: Claims, what: str
) -> None:
    site = make.ready_site()
    made = as_made(client, site, **members)
    put(site, made)

    assert what in check(app)
    with pytest.raises(BadLog, match=what):
        whole(app, site)
    log = db.session.get_one(Log, (site.id, 1))
    signed = jws.sign(made.payload, key=ring(app).receipt_key, log=log.origin, idx=log.size - 1)
    verdict = verification.verify(signed, ring=ring(app))
    assert not verdict.valid


def test_a_version_told_only_afterwards_does_not_count(app: Flask, client: FlaskClient) -> None:
    site = make.ready_site()
    make.decide(client, site)
    make.draft(site, changes=[make.change("recipients")])
    late = as_made(client, site, policy_sha256="cd" * 32)
    put(site, late)
    claims = told(site)[2] | {"sha256": "cd" * 32, "receipt_id": str(uuid.uuid4())}
    kid = ring(app).receipt_key.kid
    leaf = append.Entry(
        uuid.UUID(claims["receipt_id"]),
        None,
        clock.from_ms(clock.to_ms(make.later(1))),
        kid,
        orjson.dumps(claims),
    )
    put(site, leaf)

    assert "it names a policy version that the log had not told of" in check(app)
    assert "it tells of a policy version that this server does not have" in check(app)


def forge(site: Site, place: int, **members: Any) -> None:
    """Rewrite a leaf as somebody can who has the database's password, hash and all."""
    disarm()
    with transaction():
        row = rows(site)[place]
        claims = orjson.loads(row.payload or b"{}") | members
        payload = orjson.dumps(claims, option=orjson.OPT_SORT_KEYS)
        where = (Receipt.site_id == site.id) & (Receipt.idx == row.idx)
        digest = hashlib.sha256(payload).digest()
        db.session.execute(update(Receipt).where(where).values(payload=payload, entry=digest))


@pytest.mark.parametrize(
    ("place", "members", "what"),
    [
        (0, {"replaces": "another"}, "it tells of the key something else than this server has"),
        (2, {"number": "9.9"}, "it tells of the policy version something else than this server has"),
        (2, {"texts": {"en": "00" * 32}}, "it tells of the policy version something else"),
        (3, {"policy_version": "9.9"}, "it tells of the banner something else than this server has"),
        (0, {"kid": "x"}, "it tells of a key that this server does not have"),
        (3, {"sha256": "00" * 32}, "it does not tell of banner"),
    ],
)
def test_a_leaf_that_says_something_else_is_found(
    app: Flask, client: FlaskClient, place: int, members: Claims, what: str
) -> None:
    site = make.ready_site()
    make.banner(client, site)
    assert check(app) == ""

    forge(site, place, **members)

    assert what in check(app)


def test_a_banner_that_the_log_was_never_told_of_is_found(app: Flask, client: FlaskClient) -> None:
    site = make.ready_site()
    make.banner(client, site)
    one = db.session.scalars(select(BannerBuild).where(BannerBuild.site_id == site.id)).one()
    values = {name: getattr(one, name) for name in ("site_id", "bundle", "configuration", "created_at")}
    with transaction():
        db.session.execute(insert(BannerBuild).values(sha256=bytes(32), **values))

    assert f"it does not tell of banner {'00' * 32}" in check(app)
