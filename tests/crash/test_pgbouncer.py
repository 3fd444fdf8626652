"""Several servers on one PostgreSQL behind PgBouncer in transaction mode: everything acknowledged is there, once."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from . import promises
from .conftest import Shop, StartServer
from .pgbouncer import PgBouncer
from .postgres import DurablePostgreSQL

pytestmark = [pytest.mark.crash, pytest.mark.postgres]
SERVERS, THREADS, DECISIONS = 3, 12, 300
CONNECTIONS = 2  # fewer than servers keep: what one leaves behind on a connection, another one finds


@pytest.fixture
def pooler(durable: DurablePostgreSQL) -> Iterator[PgBouncer]:
    made = PgBouncer.before(durable, connections=CONNECTIONS)
    yield made
    made.close()


def through(pooler: PgBouncer, shop: Shop) -> str:
    return pooler.url(shop.settings["CONSENT_DATABASE_URL"])


def test_servers_behind_a_pooler_lose_nothing_and_double_nothing(
    postgres_shop: Shop, new_server: StartServer, pooler: PgBouncer
) -> None:
    shop = postgres_shop
    given = {"database_url": through(pooler, shop), "prepared_statements": "false"}
    servers = [new_server(shop, **given) for _ in range(SERVERS)]
    worker = new_server(shop, "worker", **given)
    for each in (*servers, worker):
        each.launch()
    for server in servers:
        server.wait()
    visitors = shop.visitors(*servers)

    visitors.begin(THREADS)
    visitors.wait_for(DECISIONS, seconds=60)
    visitors.end()

    assert visitors.strange == []
    assert visitors.refused == []
    assert promises.broken(shop.app, shop.id, visitors.acknowledged, anchors=shop.anchors) == []
    assert promises.unasked(shop.app, shop.id, visitors.acknowledged) == []
    assert promises.misplaced_records(shop.app, shop.id) == {}
    assert "Traceback" not in "".join(each.said() for each in (*servers, worker))


def test_control_prepared_statements_do_not_survive_a_pooler(
    postgres_shop: Shop, new_server: StartServer, durable: DurablePostgreSQL
) -> None:
    shop = postgres_shop
    pooler = PgBouncer.before(
        durable, connections=1
    )  # two servers give their statements the same names on it
    servers = [new_server(shop, database_url=through(pooler, shop)) for _ in range(2)]
    for server in servers:
        server.launch()
    for server in servers:
        server.wait()
    visitors = shop.visitors(*servers)

    visitors.begin(4)
    deadline = time.monotonic() + 30
    while not visitors.strange and time.monotonic() < deadline:
        time.sleep(0.05)
    visitors.abandon()
    pooler.close()

    assert visitors.strange
    assert "prepared statement" in "".join(server.said() for server in servers)
