"""Servers, worker and database are killed under load: no acknowledged decision is lost, none is doubled."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from random import Random

import pytest
from sqlalchemy import update

from consent_server.consents.models import ConsentRecord
from consent_server.db import db
from consent_server.ledger.models import Log

from . import promises
from .conftest import Shop, StartServer
from .postgres import DURABLE, DurablePostgreSQL
from .server import Server
from .visitors import Caller, Visitors

pytestmark = [pytest.mark.crash, pytest.mark.timeout(900)]
ROUNDS = 20  # in each, both servers are killed: 40 kills; PostgreSQL in every other one: 10
CONTROL_ROUNDS = 5  # at most; the first one loses already
THREADS = 6
# An operator who does not want to wait: a commit is acknowledged before it is on disk, or even handed to the system.
CARELESS = DURABLE | {"synchronous_commit": "off", "wal_writer_delay": "10s", "wal_writer_flush_after": "2GB"}


def test_nothing_acknowledged_is_lost_or_doubled(
    engine: str, shop: Shop, new_server: StartServer, request: pytest.FixtureRequest
) -> None:
    servers, worker = [new_server(shop), new_server(shop)], new_server(shop, "worker")
    database: DurablePostgreSQL | None = None if engine == "sqlite" else request.getfixturevalue("durable")
    visitors = shop.visitors(*servers)
    random = Random(20)
    _start(*servers)
    worker.launch()
    visitors.begin(THREADS)

    for number in range(ROUNDS):
        visitors.wait_for(30)
        time.sleep(random.uniform(0, 0.3))
        _kill_in_turn(servers, worker if number % 2 else None, random)
        if database is not None and number % 4 == 0:
            database.kill()
            database.start()
        _start(*servers)
        if number % 2:
            worker.launch()
        if database is not None and number % 4 == 2:
            visitors.wait_for(10)
            database.kill()  # the servers stay, and find the next one by themselves
            database.start()
            visitors.wait_for(10)
        assert promises.broken(shop.app, shop.id, visitors.acknowledged, anchors=shop.anchors) == []
    visitors.end()

    assert visitors.strange == []
    assert visitors.repeated >= ROUNDS, "the kills did not hit the load"
    assert shop.anchors.stat().st_size > 0, "nothing was integrated between the kills"
    _everything_is_settled(shop, visitors)
    print(
        f"{engine}: {len(visitors.acknowledged)} acknowledged, {visitors.repeated} of them only when repeated"
    )


def test_a_server_that_is_asked_to_stop_finishes_and_says_goodbye(
    shop: Shop, new_server: StartServer
) -> None:
    server = new_server(shop, cold=True)
    visitors = shop.visitors(server)
    server.start()
    visitors.begin(2)
    visitors.wait_for(10)

    assert server.stop() == 0

    server.start()
    visitors.end()
    assert visitors.strange == []
    _everything_is_settled(shop, visitors)


@pytest.fixture
def careless(durable: DurablePostgreSQL) -> Iterator[DurablePostgreSQL]:
    """The PostgreSQL with a configuration that loses what it acknowledged; it is the durable one again afterwards."""
    durable.stop()
    durable.configuration = CARELESS
    durable.start()
    yield durable
    durable.stop()
    durable.configuration = DURABLE
    durable.start()


@pytest.mark.postgres
def test_control_a_postgresql_that_does_not_wait_for_its_disk_loses_what_was_acknowledged(
    postgres_shop: Shop, new_server: StartServer, careless: DurablePostgreSQL
) -> None:
    shop = postgres_shop
    refused = new_server(shop)
    with pytest.raises(AssertionError, match="synchronous_commit is off"):
        refused.start()
    server = new_server(shop, allow_unsafe_database="true")
    visitors = shop.visitors(server)
    server.start()
    gone = 0

    for _ in range(CONTROL_ROUNDS):
        visitors = shop.visitors(server)
        visitors.begin(THREADS)
        visitors.wait_for(30)
        careless.kill()
        visitors.abandon()
        careless.start()
        if gone := promises.lost(shop.app, shop.id, visitors.acknowledged):
            break

    print(f"control: {gone} of {len(visitors.acknowledged)} acknowledged decisions lost")
    assert gone > 0


def test_control_the_comparison_finds_what_is_lost_moved_or_doubled(
    shop: Shop, new_server: StartServer
) -> None:
    server = new_server(shop)
    visitors = shop.visitors(server)
    server.start()
    visitors.begin(2)
    visitors.wait_for(5)
    visitors.end()
    ids = sorted(visitors.acknowledged)
    kept = dict(visitors.acknowledged)

    assert promises.lost(shop.app, shop.id, kept | {ids[0]: kept[ids[1]]}) == 1
    assert promises.lost(shop.app, shop.id, kept | {ids[0][::-1]: kept[ids[0]]}) == 1
    assert promises.unasked(shop.app, shop.id, {ids[0]: kept[ids[0]]}) == ids[1:]
    assert promises.lost(shop.app, shop.id, kept) == 0
    with shop.app.app_context():
        db.session.execute(update(Log).where(Log.site_id == shop.id).values(size=Log.size + 1))
        db.session.execute(update(ConsentRecord).values(idx=ConsentRecord.idx - 1))
        db.session.commit()
        db.session.remove()
    assert (
        "log 1 has not exactly one receipt"
        in promises.broken(shop.app, shop.id, kept, anchors=shop.anchors)[0]
    )
    assert promises.misplaced_records(shop.app, shop.id) != {}


def _start(*servers: Server) -> None:
    for server in servers:
        server.launch()
    for server in servers:
        server.wait()


def _kill_in_turn(servers: list[Server], worker: Server | None, random: Random) -> None:
    """Kill one after the other, so that what the first had under way is repeated at the second before it dies too."""
    for server in random.sample(servers, len(servers)):
        server.kill()
        time.sleep(random.uniform(0, 0.1))
    if worker is not None:
        worker.kill()


def _everything_is_settled(shop: Shop, visitors: Visitors) -> None:
    """Every visitor repeated until acknowledged: what is stored is exactly what was acknowledged, and stays so."""
    assert promises.broken(shop.app, shop.id, visitors.acknowledged, anchors=shop.anchors) == []
    assert promises.unasked(shop.app, shop.id, visitors.acknowledged) == []
    assert promises.misplaced_records(shop.app, shop.id) == {}
    sample = Random(1).sample(sorted(visitors.acknowledged), min(200, len(visitors.acknowledged)))
    with closing(Caller(visitors.servers, shop.key)) as caller:
        for receipt_id in sample:
            status, _, answer = caller.post(visitors.body(receipt_id))
            assert (status, answer) == (200, visitors.acknowledged[receipt_id])
