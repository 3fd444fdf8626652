"""A log as a file with proofs: whole or in part, verified from the lines up, written in constant memory."""

import base64
import hashlib
import os
import random
import subprocess
import sys
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, select

from consent_server.consents.export import log as log_export
from consent_server.db import db, transaction
from consent_server.ledger.api import NotIntegrated, UnknownLog
from consent_server.ledger.integrate import TreeRefused
from consent_server.ledger.models import Log, Receipt
from consent_server.ledger.names import open_log
from consent_server.ledger.published_keys import log_keys
from consent_server.ledger.verify_log import BadLog, Checked, Keys, verify_log
from consent_server.problems import InvalidInput
from consent_server.retention.leaves import later_leaves
from consent_server.retention.service import erase_visitor
from consent_server.sites.models import Site
from tests import make
from tests.consents.exported import integrate
from tests.nursery import Nursery
from tests.retention import people

Lines = list[dict[str, Any]]


def keys(site: Site) -> Keys:
    origins = db.session.scalars(select(Log.origin).where(Log.site_id == site.id)).all()
    ring = people.ring()
    return Keys(ring.receipt_keys, [key for origin in origins for key in log_keys(ring, origin)])


def exported(site: Site, **wanted: Any) -> Lines:
    chosen = log_export.log_range(site.key, **wanted)
    later = later_leaves(chosen.log.site_id, chosen.log.epoch, ring=people.ring())
    lines = [
        log_export.header(chosen, erasures=later),
        *log_export.entries(chosen, ring=people.ring()),
    ]
    return [orjson.loads(line) for line in lines]


def check(lines: Lines, site: Site) -> Checked:
    return verify_log([orjson.dumps(line) for line in lines], keys(site))


def fill(site: Site, count: int, *, signed: bool = True) -> None:
    """Append entries in bulk: what they say does not matter here, and thousands of decisions would take minutes."""
    kid = people.ring().receipt_key.kid
    with transaction():
        log = db.session.scalars(select(Log).where(Log.site_id == site.id)).one()
        rows = []
        for idx in range(log.size, log.size + count):
            payload = orjson.dumps({"idx": idx, "nonce": f"{idx:032x}", "padding": "x" * 300})
            rows.append(
                {
                    "site_id": site.id,
                    "epoch": log.epoch,
                    "idx": idx,
                    "receipt_id": uuid.uuid4(),
                    "kid": kid,
                    "visitor_id": uuid.uuid4(),
                    "issued_at": make.NOW,
                    "entry": hashlib.sha256(payload).digest(),
                    "payload": payload,
                }
            )
        for start in range(0, count, 2_000):
            db.session.execute(insert(Receipt), rows[start : start + 2_000])
        log.size += count
    integrate()


def test_the_whole_log_is_genuine_and_names_what_is_in_it(client: FlaskClient) -> None:
    site = make.ready_site()
    made = [make.decide(client, site) for _ in range(3)]
    integrate()

    lines = exported(site)

    start = make.first_index(site)
    assert [line["receipt"] for line in lines[1 + start :]] == [each["receipt"] for each in made]
    assert lines[0]["checkpoint"] == client.get(f"/log/{site.key}/checkpoint").text
    checked = check(lines, site)
    assert (checked.whole, checked.receipts, checked.others, checked.blank) == (True, 3, start, 0)
    assert checked.checkpoint.size == start + 3


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 600, 1100])
def test_logs_of_many_sizes_with_pages_and_tiles(client: FlaskClient, size: int) -> None:
    site = make.site()
    fill(site, size)

    assert check(exported(site), site).receipts == size


def test_a_range_proves_each_of_its_entries(client: FlaskClient) -> None:
    site = make.site()
    fill(site, 700)

    lines = exported(site, first=250, end=520)

    assert [line["index"] for line in lines[1:]] == list(range(250, 520))
    checked = check(lines, site)
    assert (checked.whole, checked.receipts) == (False, 270)


def test_what_was_erased_is_blank_and_named(client: FlaskClient) -> None:
    site = make.ready_site()
    gone = people.decide(client, site)
    people.decide(client, site)
    with transaction():
        erase_visitor(site, gone, ring=people.ring(), now=make.NOW, actor="command")
    integrate()

    lines = exported(site)

    start = make.first_index(site)
    assert (lines[1 + start]["payload"], lines[1 + start]["receipt"]) == (None, None)
    checked = check(lines, site)
    assert (checked.receipts, checked.others, checked.blank) == (1, start + 1, 1)


def test_a_later_epoch_explains_the_blanks_of_a_sealed_log(client: FlaskClient) -> None:
    site = make.ready_site()
    gone = people.decide(client, site)
    integrate()
    with transaction():
        old = db.session.scalars(select(Log).where(Log.site_id == site.id)).one()
        old.state = "sealed"
        open_log(site.id, host="localhost", name=f"{old.name}.2", epoch=2)
    with transaction():
        erase_visitor(site, gone, ring=people.ring(), now=make.NOW, actor="command")

    lines = exported(site, epoch=1)

    assert check(lines, site).blank == 1
    with pytest.raises(BadLog, match="no erase leaf names it"):
        check([lines[0] | {"erasures": []}, *lines[1:]], site)


def test_ranges_that_there_are_not(client: FlaskClient) -> None:
    site = make.site()
    with pytest.raises(NotIntegrated):
        log_export.log_range(site.key)
    fill(site, 5)

    for first, end in ((0, 6), (5, None), (3, 3), (4, 2)):
        with pytest.raises(InvalidInput):
            log_export.log_range(site.key, first=first, end=end)
    with pytest.raises(UnknownLog):
        log_export.log_range(site.key, epoch=9)


def test_a_row_that_is_gone_stops_the_export(client: FlaskClient) -> None:
    site = make.site()
    fill(site, 5)
    on_sqlite = db.engine.dialect.name == "sqlite"
    with transaction():
        db.session.execute(db.text("DROP TRIGGER keep_receipt_delete" + ("" if on_sqlite else " ON receipt")))
        db.session.execute(db.text("DELETE FROM receipt WHERE idx = 2"))

    with pytest.raises(TreeRefused, match="missing"):
        exported(site)


def edit(line: int, **changes: Any) -> Callable[[Lines], Lines]:
    return lambda lines: [*lines[:line], lines[line] | changes, *lines[line + 1 :]]


def without(line: int) -> Callable[[Lines], Lines]:
    return lambda lines: [*lines[:line], *lines[line + 1 :]]


ZERO = base64.b64encode(bytes(32)).decode()
TAMPERED: dict[str, Callable[[Lines], Lines]] = {
    "no lines": lambda lines: [],
    "only the header": lambda lines: lines[:1],
    "no header": without(0),
    "a line cut out": without(2),
    "the last line cut off": lambda lines: lines[:-1],
    "two lines swapped": lambda lines: [*lines[:2], lines[3], lines[2], *lines[4:]],
    "a line twice": lambda lines: [*lines, lines[-1]],
    "another entry": edit(2, entry=ZERO),
    "another payload": edit(2, payload="{}"),
    "blanked in silence": edit(2, payload=None, receipt=None),
    "blank but signed": edit(2, payload=None),
    "no signature": edit(2, receipt=None),
    "another receipt": lambda lines: edit(2, receipt=lines[3]["receipt"])(lines),
    "no proof": edit(2, proof=[]),
    "half an index": edit(2, index=1.5),
    "another log": edit(0, log="elsewhere/log/x"),
    "another size": edit(0, size=3),
    "another range": edit(0, to=9),
    "another form": edit(0, schema="x"),
    "an unsigned checkpoint": lambda lines: edit(
        0, checkpoint=lines[0]["checkpoint"].rpartition("\n\n")[0] + "\n\n"
    )(lines),
    "a list": lambda lines: [*lines[:2], [], *lines[3:]],  # type: ignore[list-item]  # on purpose
}


@pytest.mark.parametrize("what", list(TAMPERED))
def test_what_was_tampered_with_is_found(client: FlaskClient, what: str) -> None:
    site = make.ready_site()
    for _ in range(4):
        make.decide(client, site)
    integrate()
    lines = exported(site)
    assert check(lines, site).receipts == 4

    with pytest.raises(BadLog):
        check(TAMPERED[what](lines), site)


def test_no_bit_can_be_changed(client: FlaskClient) -> None:
    site = make.ready_site()
    for _ in range(3):
        make.decide(client, site)
    integrate()
    chosen = log_export.log_range(site.key)
    ring = people.ring()
    text = log_export.header(chosen) + b"".join(log_export.entries(chosen, ring=ring))
    chance = random.Random(20261121)

    passed = []
    for _ in range(300):
        at = chance.randrange(len(text) * 8)
        forged = bytearray(text)
        forged[at // 8] ^= 1 << at % 8
        try:
            verify_log(bytes(forged).splitlines(), keys(site))
        except BadLog:
            continue
        passed.append(at)

    assert passed == []


def environment(app: Flask) -> dict[str, str]:
    settings = app.extensions["settings"]
    return {
        "PATH": os.environ["PATH"],
        "CONSENT_DATABASE_URL": settings.database_url.replace("+psycopg", ""),
        "CONSENT_KEYS_DIR": str(settings.keys_dir),
        "CONSENT_DATA_DIR": str(settings.data_dir),
    }


def test_the_commands(live_app: Flask, tmp_path: Path, nursery: Nursery) -> None:
    site, file = make.ready_site(), tmp_path / "log.jsonl"
    run = partial(nursery.run, environ=environment(live_app))
    made = make.decide(live_app.test_client(), site)
    integrate()

    written = run("export", "log", site.key, "--out", str(file))
    verified = run("verify", "--log", str(file))
    keys_file = tmp_path / "keys.json"
    keys_file.write_text(run("export-keys").stdout)
    file.write_bytes(file.read_bytes().replace(b"accept_all", b"reject_all"))
    forged = run("verify", "--log", str(file), "--keys", str(keys_file))
    alone = run("export", "receipt", site.key, made["receipt_id"])
    neither = run("verify")

    assert written.returncode == 0, written.stderr
    size = make.first_index(site) + 1
    assert f"{size} of {size} (100 %)" in written.stderr
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert verified.stdout.startswith("genuine: whole log")
    assert (forged.returncode, forged.stdout[:11]) == (1, "NOT GENUINE")
    assert alone.stdout == made["receipt"] + "\n"
    assert neither.returncode == 2


MEASURED = """
import resource, sys
from consent_server.cli import main
try:
    main()
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""


@pytest.mark.engines("sqlite")  # the same code; filling 20,000 rows twice takes long
def test_memory_does_not_grow_with_the_log(live_app: Flask, tmp_path: Path) -> None:
    site, file = make.site(), tmp_path / "log.jsonl"
    fill(site, 20_000)

    def peak(*more: str) -> int:
        command = ["export", "log", site.key, "--out", str(file), *more]
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, *command],
            env=environment(live_app),
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return int(done.stderr.split()[-1])

    small, large = peak("--to", "2000"), peak()

    assert len(file.read_bytes().splitlines()) == 20_001
    print("GREW", large - small)
    assert large - small < 3 * 1024, f"{small} KiB for 2,000 entries, {large} KiB for 20,000"
