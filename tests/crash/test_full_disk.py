"""A disk that fills up in the middle of a batch: all of the batch is stored or none, and it works again with room."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest
from werkzeug.test import TestResponse

from consent_server.db import db
from consent_server.ledger.tasks import integrate_logs
from tests import make
from tests.conftest import BuildApp

from . import promises
from .conftest import Shop, open_shop
from .postgres import DurablePostgreSQL
from .power import FULL, IO_ERROR, Disk, powered

pytestmark = [pytest.mark.crash, pytest.mark.timeout(300)]
BATCH = 10
MOST_WRITES = 60  # and syncs of one batch that are made to fail; a batch has thirty to a hundred
SPARE = 256 * 1024  # bytes that the full disk still has: room for some batches


class Relay:
    """Brings batches, and remembers what was acknowledged."""

    def __init__(self, shop: Shop) -> None:
        self.client, self.shop = shop.app.test_client(), shop
        self.headers = {"Authorization": f"Bearer {shop.api_key}"}
        self.acknowledged: dict[str, bytes] = {}

    def bodies(self) -> list[make.Json]:
        ids = [{"receipt_id": str(uuid.uuid4()), "visitor_id": str(uuid.uuid4())} for _ in range(BATCH)]
        return [self.shop.template | each for each in ids]

    def bring(self, bodies: list[make.Json]) -> int:
        """Send a batch and return the status; every decision of it has the same fate."""
        answer: TestResponse = self.client.post(
            f"/v1/sites/{self.shop.key}/decisions/batch", json={"decisions": bodies}, headers=self.headers
        )
        if answer.status_code == 200:
            outcomes = answer.get_json()["outcomes"]
            assert {each["status"] for each in outcomes} <= {200, 201}
            receipts = [each["receipt"] for each in outcomes]
            self.acknowledged |= {each["receipt_id"]: orjson.dumps(each) for each in receipts}
        else:
            assert answer.status_code == 503, answer.text
            assert int(answer.headers["Retry-After"]) > 0
        return answer.status_code


@pytest.mark.parametrize("status", [FULL, IO_ERROR])
def test_sqlite_may_fail_at_any_write_of_a_batch(sqlite_shop: Shop, status: int) -> None:
    shop = sqlite_shop
    with shop.app.app_context():
        relay = Relay(shop)
        db.engine.dispose()  # what is open already is not on the disk that fills up
        failures = 0
        for cut_at in range(1, MOST_WRITES):
            bodies = relay.bodies()
            with powered(Disk(shop.folder / "database", dark_at=cut_at, status=status)) as disk:
                outcome = relay.bring(bodies)
                disk.room()
                assert relay.bring(bodies) == 200
                db.session.remove()
                db.engine.dispose()
            if outcome == 200:  # a batch needs fewer operations than that
                break
            failures += 1
        integrate_logs()

    print(f"a batch failed at {failures} of its writes and syncs")
    assert failures > 20
    assert promises.broken(shop.app, shop.id, relay.acknowledged, anchors=shop.anchors) == []
    assert promises.unasked(shop.app, shop.id, relay.acknowledged) == []


@pytest.fixture
def small_disk() -> Iterator[DurablePostgreSQL]:
    """A PostgreSQL whose data are in a file system of their own."""
    server = DurablePostgreSQL.create()
    server.stop()
    data, kept = server.folder / "data", server.folder / "kept"
    data.rename(kept)
    data.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", str(data)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        server.remove()
        pytest.skip(f"NO DISK WAS FILLED UNDER POSTGRESQL: only root may mount one. {mounted.stderr.strip()}")
    try:
        subprocess.run(["cp", "-a", f"{kept}/.", str(data)], check=True)
        server.start()
        yield server
    finally:
        server.stop()
        subprocess.run(["umount", str(data)], check=True)
        server.remove()


@pytest.mark.postgres
def test_postgresql_on_a_full_disk_stores_all_of_a_batch_or_none(
    small_disk: DurablePostgreSQL, build_app: BuildApp, tmp_path: Path
) -> None:
    url = small_disk.database()
    app = build_app("postgresql", database_url=url, rate_limits="false")
    with open_shop(app, url, tmp_path) as shop, app.app_context():
        relay = Relay(shop)
        assert relay.bring(relay.bodies()) == 200

        with filled_up(small_disk.folder / "data"):
            waiting = relay.bodies()
            while relay.bring(waiting) == 200:
                waiting = relay.bodies()
            refused = [waiting, *(relay.bodies() for _ in range(5))]
            for bodies in refused:
                relay.bring(bodies)
        small_disk.start_again()

        for bodies in refused:
            assert relay.bring(bodies) == 200
        integrate_logs()
        assert promises.broken(shop.app, shop.id, relay.acknowledged, anchors=shop.anchors) == []
        assert promises.unasked(shop.app, shop.id, relay.acknowledged) == []


@contextmanager
def filled_up(folder: Path) -> Iterator[None]:
    """Leave only a little room in a file system."""
    filler = folder / "filler"
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(folder).free - SPARE)
    yield
    filler.unlink()
