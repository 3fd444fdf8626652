"""A server that is killed under load, twenty times, loses no acknowledged decision and doubles none."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
from flask import Flask
from sqlalchemy import select

from consent_server.consents.models import ConsentRecord
from consent_server.db import db
from consent_server.ledger.models import Log, Receipt
from tests import make
from tests.engines import Databases

from .server import Server, Visitors

pytestmark = [pytest.mark.crash, pytest.mark.timeout(900)]
KILLS = 20
THREADS = 6


@pytest.fixture
def database_url(engine: str, databases: Databases) -> Iterator[str]:
    url = databases.migrated(engine)
    yield url
    databases.drop(url)


@pytest.fixture
def site_app(engine: str, database_url: str, build_app: Callable[..., Flask]) -> Iterator[Flask]:
    """An application on the server's database, to prepare it and to look at it afterwards."""
    app = build_app(engine, database_url=database_url)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def server(site_app: Flask, database_url: str, keys_dir: Path, tmp_path: Path) -> Iterator[Server]:
    settings = {
        "CONSENT_DATABASE_URL": database_url,
        "CONSENT_DATA_DIR": str(tmp_path),
        "CONSENT_KEYS_DIR": str(keys_dir),
        "CONSENT_RATE_LIMITS": "false",
        "CONSENT_ALLOW_UNSAFE_DATABASE": "true",  # the tests' own PostgreSQL is lazy about its disk
    }
    started = Server(settings, tmp_path / "server.log")
    yield started
    started.kill()


def test_nothing_acknowledged_is_lost_or_doubled(site_app: Flask, server: Server) -> None:
    site = make.ready_site()
    site_id, key = site.id, site.key
    template = make.body(site_app.test_client(), site)
    db.session.remove()
    visitors = Visitors(server, key, template)
    random = Random(20)
    server.start()
    visitors.begin(THREADS)

    for life in range(KILLS):
        enough = len(visitors.acknowledged) + 5
        deadline = time.monotonic() + 30
        while len(visitors.acknowledged) < enough:
            assert time.monotonic() < deadline, f"life {life} acknowledges nothing"
            time.sleep(0.01)
        time.sleep(random.uniform(0, 0.5))
        server.kill()
        server.start()
    visitors.end()

    assert visitors.strange == []
    assert visitors.repeated >= KILLS // 2, "the kills did not hit the load"
    _everything_is_there_once(site_id, visitors)
    _every_acknowledgement_still_holds(visitors)


def _everything_is_there_once(site_id: int, visitors: Visitors) -> None:
    rows = db.session.execute(
        select(Receipt.idx, Receipt.receipt_id, Receipt.visitor_id)
        .where(Receipt.site_id == site_id)
        .order_by(Receipt.idx)
    ).all()
    assert [row.idx for row in rows] == list(range(len(rows)))
    stored = [str(row.receipt_id) for row in rows]
    assert len(set(stored)) == len(stored)
    # Every visitor repeated until acknowledged: what is stored is exactly what was acknowledged.
    assert set(stored) == visitors.acknowledged.keys()
    places = {
        receipt_id: json.loads(answer)["log_index"] for receipt_id, answer in visitors.acknowledged.items()
    }
    assert [places[receipt_id] for receipt_id in stored] == list(range(len(stored)))
    assert db.session.scalar(select(Log.size).where(Log.site_id == site_id)) == len(stored)
    newest = {str(row.visitor_id): row.idx for row in rows}
    records = db.session.execute(
        select(ConsentRecord.holder, ConsentRecord.idx).where(ConsentRecord.site_id == site_id)
    ).all()
    assert {row.holder: row.idx for row in records} == newest
    db.session.remove()


def _every_acknowledgement_still_holds(visitors: Visitors) -> None:
    sample = Random(1).sample(sorted(visitors.acknowledged), min(300, len(visitors.acknowledged)))
    for receipt_id in sample:
        assert visitors.post(visitors.body(receipt_id)) == (200, visitors.acknowledged[receipt_id])


def test_a_server_that_is_asked_to_stop_finishes_and_says_goodbye(site_app: Flask, server: Server) -> None:
    site = make.ready_site()
    template, site_id = make.body(site_app.test_client(), site), site.id
    visitors = Visitors(server, site.key, template)
    db.session.remove()
    server.start()
    visitors.begin(2)
    while len(visitors.acknowledged) < 10:
        time.sleep(0.01)

    assert server.stop() == 0

    server.start()
    visitors.end()
    assert visitors.strange == []
    _everything_is_there_once(site_id, visitors)
