"""What a running server does when its PostgreSQL goes away, runs out of disk, or does not say whether it committed."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import closing

import orjson
import pytest
from sqlalchemy.engine import make_url

from . import promises
from .conftest import Shop, StartServer
from .postgres import DurablePostgreSQL
from .proxy import Proxy
from .visitors import Caller

pytestmark = [pytest.mark.crash, pytest.mark.postgres, pytest.mark.timeout(300)]
AWAY = 5  # seconds; long enough for every connection and every retry of the server to fail


@pytest.fixture
def proxy(durable: DurablePostgreSQL) -> Iterator[Proxy]:
    made = Proxy(f"{durable.folder}/.s.PGSQL.5432")
    yield made
    made.close()


def through(proxy: Proxy, shop: Shop) -> str:
    """Return the address of the shop's database on the other side of the proxy."""
    url = make_url(shop.settings["CONSENT_DATABASE_URL"])
    return f"postgresql://postgres@127.0.0.1:{proxy.port}/{url.database}?sslmode=disable"


def test_a_lost_answer_to_a_commit_is_no_acknowledgement_and_the_retry_finds_the_receipt(
    postgres_shop: Shop, new_server: StartServer, proxy: Proxy
) -> None:
    shop = postgres_shop
    server = new_server(shop, database_url=through(proxy, shop))
    visitors = shop.visitors(server)
    server.start()
    body = visitors.body(str(uuid.uuid4()))

    with closing(Caller([server], shop.key)) as caller:
        proxy.lose(1)
        status, headers, answer = caller.post(body)
        assert status == 503, answer
        assert int(headers["Retry-After"]) > 0
        assert proxy.lost == 1
        stored = promises.unasked(shop.app, shop.id, {})
        assert stored == [body["receipt_id"]], "it should be there, though nobody was told"

        status, _, answer = caller.post(body)
        assert status == 200
        assert caller.post(body)[2] == answer
    assert promises.broken(shop.app, shop.id, {body["receipt_id"]: answer}, anchors=shop.anchors) == []


def test_answers_to_commits_lost_under_load_lose_and_double_nothing(
    postgres_shop: Shop, new_server: StartServer, proxy: Proxy
) -> None:
    shop = postgres_shop
    server = new_server(shop, database_url=through(proxy, shop))
    visitors = shop.visitors(server)
    server.start()
    visitors.begin(4)

    for _ in range(10):
        visitors.wait_for(10)
        proxy.lose(2)
    visitors.wait_for(20)
    visitors.end()

    assert visitors.strange == []
    assert proxy.lost == 20
    assert visitors.repeated >= 20
    assert promises.broken(shop.app, shop.id, visitors.acknowledged, anchors=shop.anchors) == []
    assert promises.unasked(shop.app, shop.id, visitors.acknowledged) == []


def test_a_database_that_is_away_for_a_while_is_waited_for(
    postgres_shop: Shop, new_server: StartServer, durable: DurablePostgreSQL
) -> None:
    shop = postgres_shop
    server, worker = new_server(shop), new_server(shop, "worker")
    visitors = shop.visitors(server)
    server.start()
    worker.launch()
    worker.wait_until_it_says("worker started")
    visitors.begin(4)
    visitors.wait_for(20)

    durable.stop()
    visitors.refused.clear()
    time.sleep(AWAY)
    told = list(visitors.refused)
    durable.start()
    visitors.wait_for(20)
    visitors.end()

    assert visitors.strange == []
    assert told
    for _, headers, answer in told:
        assert int(headers["Retry-After"]) > 0
        assert orjson.loads(answer)["type"].rpartition(":")[2] in ("unavailable", "busy")
    assert promises.unasked(shop.app, shop.id, visitors.acknowledged) == []
    _wait_until_all_is_integrated(shop)
    assert promises.broken(shop.app, shop.id, visitors.acknowledged, anchors=shop.anchors) == []


def _wait_until_all_is_integrated(shop: Shop) -> None:
    """Wait for the worker, which nobody has started again."""
    deadline = time.monotonic() + 30
    while promises.not_integrated(shop.app, shop.id):
        assert time.monotonic() < deadline, "the worker has not come back"
        time.sleep(0.1)
