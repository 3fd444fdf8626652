"""The stored log: integration, proofs, tiles, and the refusal to sign what contradicts itself."""

import hashlib
import itertools
import threading
import uuid
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, func, select, update

from consent_server import clock
from consent_server.db import db
from consent_server.keys import KeyRing
from consent_server.ledger import append, merkle, notes, proofs, proving, tiles
from consent_server.ledger.integrate import LogName, TreeRefused, dirty_logs, integrate, newest_checkpoint
from consent_server.ledger.models import Log, Receipt, SignedCheckpoint, Tile, Tree
from consent_server.ledger.proving import consistency_proof, inclusion_proof
from consent_server.ledger.tasks import integrate_logs
from tests import make
from tests.ledger.filled import disarm


def ring(app: Flask) -> KeyRing:
    found: KeyRing = app.extensions["keys"]
    return found


def fill(site_id: int, count: int) -> list[bytes]:
    """Append `count` entries and return what the log commits to."""
    log = append.lock_log(site_id)
    entries = []
    for number in range(count):
        payload = f"{log.size} {number}".encode()
        append.append(log, append.Entry(uuid.uuid4(), uuid.uuid4(), make.NOW, "k", payload))
        entries.append(hashlib.sha256(payload).digest())
    return entries


def step(app: Flask, log: LogName, origin: str, now: object = None) -> notes.Checkpoint | None:
    return integrate(log, origin=origin, key=ring(app).checkpoint_key, now=now or make.NOW)  # type: ignore[arg-type]


@pytest.fixture
def named(app: Flask) -> tuple[LogName, str]:
    site = make.site()
    log = db.session.scalars(select(Log).where(Log.site_id == site.id)).one()
    return LogName(log.site_id, log.epoch), log.origin


def test_the_tree_grows_in_steps_and_every_step_is_consistent_with_the_last(
    app: Flask, named: tuple[LogName, str]
) -> None:
    log, origin = named
    entries: list[bytes] = []
    roots = {}
    for count in (1, 2, 253, 1, 300, 5):
        entries += fill(log.site_id, count)

        found = step(app, log, origin)

        edge, _ = merkle.Frontier().extend(map(merkle.leaf_hash, entries))
        assert found == notes.Checkpoint(origin, len(entries), edge.root())
        roots[len(entries)] = edge.root()
    sizes = sorted(roots)
    for old, new in itertools.pairwise(sizes):
        proof = consistency_proof(log, old, new)
        assert merkle.is_consistent(old, roots[old], new, roots[new], proof)
    for index in (0, 255, 256, 511, 561):
        proof = inclusion_proof(log, index, sizes[-1])
        leaf = merkle.leaf_hash(entries[index])
        assert merkle.root_from_inclusion(leaf, index, sizes[-1], proof) == roots[sizes[-1]]
        assert inclusion_proof(log, index, sizes[-1]) == proof, "out of tiles that were kept"
        proving.forget()
        text = proving.newest_inclusion_file(log, index)
        assert text is not None
        verified = proofs.parse(text)
        assert (verified.index, list(verified.hashes)) == (index, proof)
    assert proving.newest_inclusion_file(log, sizes[-1]) is None


def test_nothing_new_signs_nothing(app: Flask, named: tuple[LogName, str]) -> None:
    log, origin = named
    assert step(app, log, origin) is None
    fill(log.site_id, 3)
    assert step(app, log, origin) is not None

    assert step(app, log, origin) is None
    assert dirty_logs() == []


@pytest.mark.parametrize("damage", ["frontier", "checkpoint", "leaf", "gap", "clock"])
def test_a_tree_that_contradicts_itself_is_not_signed(
    app: Flask, named: tuple[LogName, str], damage: str
) -> None:
    log, origin = named
    fill(log.site_id, 7)
    step(app, log, origin)
    fill(log.site_id, 2)
    now = make.NOW
    if damage == "frontier":
        db.session.execute(update(Tree).values(frontier=bytes(96)))
    if damage == "checkpoint":
        db.session.execute(update(SignedCheckpoint).values(root=bytes(32)))
    if damage == "leaf":  # already signed, in no full tile yet
        disarm()
        db.session.execute(update(Receipt).where(Receipt.idx == 5).values(entry=bytes(32)))
    if damage == "gap":
        db.session.execute(update(Log).values(size=Log.size + 1))
        fill(log.site_id, 1)
    if damage == "clock":
        now -= timedelta(seconds=1)

    with pytest.raises(TreeRefused):
        step(app, log, origin, now)


def test_the_chore_integrates_what_decisions_left(app: Flask, client: FlaskClient) -> None:
    site = make.ready_site("analytics")
    receipt = make.decide(client, site)

    integrate_logs()

    keys = [notes.NoteKey(f"localhost/log/{site.key}", ring(app).checkpoint_key.public)]
    text = client.get(f"/log/{site.key}/proof/{receipt['log_index']}.tlog-proof").text
    stored = db.session.get_one(Receipt, (site.id, 1, make.first_index(site)))
    _, found = proofs.verify(text, entry=stored.entry, keys=keys, origin=keys[0].name)
    assert found.size == receipt["log_index"] + 1
    served = client.get(f"/log/{site.key}/checkpoint")
    assert notes.open_checkpoint(served.text, keys, origin=keys[0].name) == found
    assert served.headers["Access-Control-Allow-Origin"] == "*"


def test_what_comes_while_the_chore_signs_waits_for_the_next_poll(live_app: Flask) -> None:
    """A busy log has a new leaf after every checkpoint: a poll signs it once, not on and on."""
    client, site = live_app.test_client(), make.ready_site("analytics")
    bodies = [make.body(client, site) for _ in range(4)]
    assert make.post(client, site, bodies.pop()).status_code == 201
    log, key, signed, answers = LogName(site.id, 1), site.key, [False], []

    def another_visitor() -> None:
        with live_app.app_context():
            answers.append(client.post(f"/v1/sites/{key}/decisions", json=bodies.pop()).status_code)

    def signing(_1: object, _2: object, statement: str, *_3: object) -> None:
        signed[0] |= statement.startswith("INSERT INTO checkpoint")

    def durable(_: object) -> None:
        if signed[0] and bodies:
            signed[0] = False
            visitor = threading.Thread(target=another_visitor)
            visitor.start()
            visitor.join()

    event.listen(db.engine, "before_cursor_execute", signing)
    event.listen(db.session, "after_commit", durable)
    try:
        integrate_logs()
    finally:
        event.remove(db.session, "after_commit", durable)

    assert answers == [201]
    assert [name for name, _, _ in dirty_logs()] == [log]
    assert db.session.scalar(select(func.count()).select_from(SignedCheckpoint)) == 1


def test_tiles_and_bundles_are_served_as_the_specification_says(
    app: Flask, client: FlaskClient, named: tuple[LogName, str]
) -> None:
    log, origin = named
    entries = fill(log.site_id, 260)
    step(app, log, origin)
    db.session.commit()
    base = f"/log/{origin.rpartition('/')[2]}/tile"
    leaves = [merkle.leaf_hash(entry) for entry in entries]

    full, partial = client.get(f"{base}/0/000"), client.get(f"{base}/0/001.p/4")
    above, bundle = client.get(f"{base}/1/000.p/1"), client.get(f"{base}/entries/001.p/4")

    assert full.data == b"".join(leaves[:256])
    assert partial.data == b"".join(leaves[256:])
    assert above.data == tiles.roots_of_full(leaves[:256])
    assert bundle.data == b"".join(b"\x00\x20" + entry for entry in entries[256:])
    assert "immutable" in full.headers["Cache-Control"]
    for missing in ("0/001", "0/001.p/5", "0/002.p/1", "1/000", "2/000.p/1", "0/0", "entries/001"):
        assert client.get(f"{base}/{missing}").status_code == 404, missing


def test_a_receipt_that_is_not_integrated_yet_says_so(client: FlaskClient) -> None:
    site = make.ready_site("analytics")
    make.decide(client, site)

    answer = client.get(f"/log/{site.key}/proof/0.tlog-proof")

    assert answer.status_code == 404
    assert answer.json is not None
    assert answer.json["type"].endswith("not-integrated")
    assert answer.headers["Retry-After"] == "1"
    assert client.get("/log/nobody/checkpoint").status_code == 404


def test_the_clock_of_a_checkpoint_is_the_entry_points(app: Flask, named: tuple[LogName, str]) -> None:
    log, origin = named
    fill(log.site_id, 1)
    step(app, log, origin, clock.now())

    signed = newest_checkpoint(log)

    assert signed is not None
    assert db.session.scalars(select(Tile)).all() == []
