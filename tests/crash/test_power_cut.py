"""The power goes a hundred times: what SQLite had acknowledged is there, and with a careless setting it is not."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.test import TestResponse

from consent_server.db import db
from consent_server.ledger import boot
from consent_server.ledger.tasks import integrate_logs
from tests import make
from tests.conftest import BuildApp, forget_all
from tests.engines import Databases

from . import promises
from .power import Disk, powered

pytestmark = [pytest.mark.crash, pytest.mark.timeout(900)]
CUTS = 100
CONTROL_CUTS = 20  # at most; the first ones lose already
LONGEST_LIFE = 1_000  # writes and syncs until the power goes
CHECKPOINT = "PRAGMA wal_autocheckpoint=200"  # pages, not 1,000: a short life has several, and is cut in some


@dataclass(frozen=True)
class Shop:
    """A site in a database that nobody has decided in yet, and two servers for copies of it: before and after a cut."""

    before: Flask
    after: Flask
    pristine: Path
    site_id: int
    site_key: str
    api_key: str
    template: make.Json


@pytest.fixture
def shop(databases: Databases, build_app: BuildApp, tmp_path: Path) -> Iterator[Shop]:
    pristine = databases.migrated("sqlite").removeprefix("sqlite:///")
    app = build_app("sqlite", database_url=f"sqlite:///{pristine}")
    forget_all()  # of another database, whose first site has the same number
    with app.app_context():
        site = make.ready_site()
        known = site.id, site.key, make.api_key(site), make.body(app.test_client(), site)
        db.session.remove()
        db.engine.dispose()
    apps = []
    for name in ("before", "after"):
        (tmp_path / name).mkdir()
        url = f"sqlite:///{tmp_path / name / 'consent.sqlite3'}"
        apps.append(build_app("sqlite", database_url=url, rate_limits="false"))
    on_connect(apps[0], CHECKPOINT)
    yield Shop(*apps, Path(pristine), *known)
    forget_all()


def on_connect(app: Flask, pragma: str) -> None:
    """Run a pragma on every connection, after those of the product."""
    with app.app_context():
        event.listen(db.engine, "connect", lambda connection, _: connection.execute(pragma).close())


def place(app: Flask) -> Path:
    """Return the folder that an app's database is in."""
    return Path(app.extensions["settings"].database_url.removeprefix("sqlite:///")).parent


@contextmanager
def new_process(app: Flask) -> Iterator[FlaskClient]:
    """Let an app begin as a process does, and leave no connection behind."""
    app.extensions.pop("anchors", None)
    with app.app_context():
        yield app.test_client()
        db.session.remove()
        db.engine.dispose()


@dataclass
class Life:
    """A server's life on one disk, until its power goes."""

    shop: Shop
    random: Random
    acknowledged: dict[str, bytes] = field(default_factory=dict)
    unanswered: list[make.Json] = field(default_factory=list)

    def live(self, disk: Disk) -> None:
        """Take decisions, alone and in batches, integrate now and then, until the power goes."""
        with powered(disk), new_process(self.shop.before) as client:
            while not disk.dark:
                chance = self.random.random()
                if chance < 0.10:
                    with suppress(SQLAlchemyError):
                        integrate_logs()
                elif chance < 0.13:
                    db.session.remove()
                    db.engine.dispose()  # the last connection to close checkpoints, and deletes the log
                else:
                    self._decide(client, disk)

    def reborn(self, disk: Disk) -> list[str]:
        """Start on what is left, repeat what was not answered, go on; return what is broken."""
        folder = place(self.shop.after)
        shutil.rmtree(folder)
        folder.mkdir()
        disk.left(folder, self.random)
        anchors = self.shop.after.extensions["settings"].anchor_file
        anchors.unlink(missing_ok=True)
        # The anchor file is on a disk of its own, which is synced before anybody hears of a checkpoint.
        if (written := self.shop.before.extensions["settings"].anchor_file).exists():
            shutil.move(written, anchors)
        with new_process(self.shop.after) as client:
            forked = boot.check(self.shop.after)
            for body in [*self.unanswered, self._body()]:
                if not forked:
                    self._keep(make.post(client, self.shop.site_key, body))
            integrate_logs()
            broken = promises.broken(self.shop.after, self.shop.site_id, self.acknowledged, anchors=anchors)
            extra = promises.unasked(self.shop.after, self.shop.site_id, self.acknowledged)
        return forked + broken + extra

    def _decide(self, client: FlaskClient, disk: Disk) -> None:
        bodies = [self._body() for _ in range(self.random.choice([1, 1, 1, 5, 20, 50]))]
        if len(bodies) == 1:
            answer = make.post(client, self.shop.site_key, bodies[0])
        else:
            headers = {"Authorization": f"Bearer {self.shop.api_key}"}
            url = f"/v1/sites/{self.shop.site_key}/decisions/batch"
            answer = client.post(url, json={"decisions": bodies}, headers=headers)
        if answer.status_code == 503:
            assert disk.dark, answer.text
            self.unanswered = bodies
        else:  # the power may have gone just after the commit: a yes is a yes
            self._keep(answer)

    def _keep(self, answer: TestResponse) -> None:
        assert answer.status_code in (200, 201), answer.text
        data = answer.get_json()
        outcomes = data.get("outcomes", [{"receipt": data}])
        for each in outcomes:
            self.acknowledged[each["receipt"]["receipt_id"]] = orjson.dumps(each["receipt"])

    def _body(self) -> make.Json:
        number, visitor = (uuid.UUID(int=self.random.getrandbits(bits), version=4) for bits in (128, 5))
        return self.shop.template | {"receipt_id": str(number), "visitor_id": str(visitor)}


def lives(shop: Shop, number: int) -> Iterator[tuple[Life, Disk]]:
    """Return lives and the disks that they ended with, each from a seed of its own."""
    for seed in range(number):
        random = Random(seed)
        folder = place(shop.before)
        shutil.rmtree(folder)
        folder.mkdir()
        shutil.copyfile(shop.pristine, folder / "consent.sqlite3")
        disk = Disk(folder, dark_at=random.randrange(1, LONGEST_LIFE))
        life = Life(shop, random)
        life.live(disk)
        yield life, disk


def test_what_was_acknowledged_survives_a_hundred_power_cuts(shop: Shop) -> None:
    acknowledged = synced = 0
    for life, disk in lives(shop, CUTS):
        acknowledged += len(life.acknowledged)
        synced += disk.syncs

        assert life.reborn(disk) == []

    print(f"{CUTS} power cuts: {acknowledged} acknowledged, {synced} syncs")
    assert acknowledged > 100 * CUTS


def test_control_with_synchronous_normal_acknowledged_decisions_are_lost(shop: Shop) -> None:
    on_connect(shop.before, "PRAGMA synchronous=NORMAL")
    on_connect(shop.before, "PRAGMA wal_autocheckpoint=1000")  # as it is by default: each is a sync
    cuts = acknowledged = gone = forked = 0

    for life, disk in lives(shop, CONTROL_CUTS):
        broken = life.reborn(disk)
        cuts, acknowledged = cuts + 1, acknowledged + len(life.acknowledged)
        gone += sum("is not there as it was acknowledged" in each for each in broken)
        forked += shop.site_key in broken
        if gone and forked:
            break

    print(f"control: {cuts} power cuts, {acknowledged} acknowledged, {gone} lost, {forked} forks noticed")
    assert gone > 0
    assert forked > 0, "what was anchored is gone, and the gate says nothing"
