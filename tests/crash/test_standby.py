"""The primary is killed under load and its standby takes over: with a synchronous standby nothing acknowledged is lost."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.conftest import BuildApp

from . import promises
from .conftest import Shop, StartServer, open_shop
from .server import Server
from .standby import Pair
from .visitors import Caller, Visitors

pytestmark = [pytest.mark.crash, pytest.mark.postgres, pytest.mark.timeout(600)]
FAILOVERS = 5
THREADS = 6


@pytest.fixture(scope="session")
def _pairs() -> Iterator[list[Pair]]:
    made: list[Pair] = []
    yield made
    for pair in made:
        pair.remove()


@pytest.fixture
def pair(_pairs: list[Pair]) -> Pair:
    if not _pairs:
        _pairs.append(Pair.create())
    return _pairs[0]


@pytest.fixture
def paired_shop(pair: Pair, build_app: BuildApp, tmp_path: Path) -> Iterator[Shop]:
    """A site in a database that both servers of the pair hold."""
    url = pair.database()
    with open_shop(build_app("postgresql", database_url=url), url, tmp_path) as made:
        yield made


def start(*servers: Server) -> None:
    for server in servers:
        server.launch()
    for server in servers:
        if server.command == "serve":
            server.wait()


def test_nothing_is_lost_when_a_synchronous_standby_takes_over(
    pair: Pair, paired_shop: Shop, new_server: StartServer
) -> None:
    shop = paired_shop
    pair.attach(synchronous=True)
    servers = [new_server(shop), new_server(shop)]
    start(*servers, new_server(shop, "worker"))
    visitors = shop.visitors(*servers)
    visitors.begin(THREADS)

    for _ in range(FAILOVERS):
        visitors.wait_for(25)
        pair.fail_over()
        pair.attach(synchronous=True)
        visitors.wait_for(5, seconds=60)
        assert promises.broken(shop.app, shop.id, visitors.acknowledged, anchors=shop.anchors) == []
    visitors.end()

    assert visitors.strange == []
    assert visitors.repeated >= FAILOVERS, "the kills did not hit the load"
    assert promises.broken(shop.app, shop.id, visitors.acknowledged, anchors=shop.anchors) == []
    assert promises.unasked(shop.app, shop.id, visitors.acknowledged) == []
    assert promises.misplaced_records(shop.app, shop.id) == {}
    print(
        f"{FAILOVERS} failovers: {len(visitors.acknowledged)} acknowledged, {visitors.repeated} after a retry"
    )


def test_control_an_asynchronous_standby_loses_what_was_acknowledged(
    pair: Pair, paired_shop: Shop, new_server: StartServer
) -> None:
    shop = paired_shop
    pair.attach(synchronous=False)
    server = new_server(shop)
    start(server)
    visitors = shop.visitors(server)
    visitors.begin(THREADS)
    visitors.wait_for(10)

    pair.hold_back()
    visitors.wait_for(20)
    pair.fail_over()
    visitors.abandon()

    gone = promises.lost(shop.app, shop.id, visitors.acknowledged)
    print(f"control: {gone} of {len(visitors.acknowledged)} acknowledged decisions lost")
    assert gone >= 20


def test_a_commit_whose_wait_for_the_standby_was_cancelled_is_not_acknowledged(
    pair: Pair, paired_shop: Shop, new_server: StartServer
) -> None:
    shop = paired_shop
    pair.attach(synchronous=True)
    server = new_server(shop)
    start(server)
    visitors = shop.visitors(server)
    body = visitors.body("0190a0b0-0000-7000-8000-000000000001")
    pair.standby.stop()

    first = _while_waiting(pair, visitors, body, cancel=True)
    second = _while_waiting(pair, visitors, body, cancel=False)

    assert first[0] == 503, "the server took a warning for a success"
    assert second[0] == 200, "the retry found what the first had left, and waited until the standby had it"
    visitors.acknowledged[body["receipt_id"]] = second[2]
    pair.fail_over()
    assert promises.lost(shop.app, shop.id, visitors.acknowledged) == 0


def _while_waiting(
    pair: Pair, visitors: Visitors, body: dict[str, object], *, cancel: bool
) -> tuple[int, object, bytes]:
    """Post a decision; once its commit waits for the standby, cancel the wait, or bring the standby back."""
    answers: list[tuple[int, object, bytes]] = []
    caller = Caller(visitors.servers, visitors.site)
    thread = threading.Thread(target=lambda: answers.append(caller.post(body)))
    thread.start()
    waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND query ILIKE '%commit%'"
    with contextlib.closing(psycopg.connect(pair.primary.url("postgres"), autocommit=True)) as connection:
        deadline = time.monotonic() + 30
        while not (rows := connection.execute(waiting).fetchall()):
            assert time.monotonic() < deadline, "no commit waits for the standby"
            time.sleep(0.02)
        assert answers == []
        if cancel:
            connection.execute("SELECT pg_cancel_backend(%s)", [rows[0][0]])
        else:
            pair.standby.start()
    thread.join(timeout=30)
    caller.close()
    return answers[0]
