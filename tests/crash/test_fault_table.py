"""Every statement, commit, write and sync of appending, integrating and anchoring fails once, done and not done.

After each failure the process goes on or is started again; nothing is lost, doubled, forked or left out either way.
"""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count

import pytest
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from consent_server import clock
from consent_server.db import db
from consent_server.ledger import boot
from consent_server.ledger.tasks import integrate_logs
from tests import make

from . import promises
from .faults import AFTER, BEFORE, Faults

pytestmark = [pytest.mark.crash, pytest.mark.timeout(300)]


@dataclass
class Ledger:
    """A site's log, and what was acknowledged of it."""

    app: Flask
    site_id: int
    site_key: str
    template: make.Json
    acknowledged: dict[str, bytes] = field(default_factory=dict)

    def body(self) -> make.Json:
        return self.template | {"receipt_id": str(uuid.uuid4())}

    def post(self, body: make.Json) -> int:
        answer = make.post(self.app.test_client(), self.site_key, body)
        if answer.status_code in (200, 201):
            self.acknowledged.setdefault(body["receipt_id"], answer.data)
            assert self.acknowledged[body["receipt_id"]] == answer.data
        else:
            assert answer.status_code == 503, answer.text
            assert int(answer.headers["Retry-After"]) > 0
        return answer.status_code

    def restart(self) -> None:
        """Forget what the process knew, and pass the gate as the next one does."""
        db.session.remove()
        db.engine.dispose()
        self.app.extensions.pop("anchors", None)
        assert boot.gate(now=clock.now()) == []
        db.session.remove()

    def wrong(self) -> list[str]:
        anchors = self.app.extensions["settings"].anchor_file
        found = promises.broken(self.app, self.site_id, self.acknowledged, anchors=anchors)
        return found + [
            f"the record of {each}" for each in promises.misplaced_records(self.app, self.site_id)
        ]


@pytest.fixture
def ledger(live_app: Flask) -> Ledger:
    site = make.ready_site()
    made = Ledger(live_app, site.id, site.key, make.body(live_app.test_client(), site))
    db.session.remove()
    return made


@pytest.fixture
def faults(live_app: Flask, monkeypatch: pytest.MonkeyPatch) -> Faults:
    return Faults(db.engine, monkeypatch)


@pytest.mark.parametrize("restarted", [False, True], ids=["goes on", "starts again"])
@pytest.mark.parametrize("when", [BEFORE, AFTER])
def test_appending(ledger: Ledger, faults: Faults, when: str, restarted: bool) -> None:
    for number in count():
        body = ledger.body()
        with faults.fail(number, when):
            status = ledger.post(body)
        if number >= len(faults.steps):
            break
        if restarted:
            ledger.restart()

        assert ledger.post(body) in (200, 201)
        if faults.steps[number] == "COMMIT":
            assert status == 503
        assert ledger.wrong() == [], f"{faults.steps[number]}, step {number}"
    print(f"every one of {len(faults.steps)} steps failed: {' '.join(faults.steps)}")
    assert status == 201
    assert "COMMIT" in faults.steps
    assert promises.unasked(ledger.app, ledger.site_id, ledger.acknowledged) == []


@pytest.mark.parametrize("restarted", [False, True], ids=["goes on", "starts again"])
@pytest.mark.parametrize("when", [BEFORE, AFTER])
def test_integrating_and_anchoring(ledger: Ledger, faults: Faults, when: str, restarted: bool) -> None:
    ledger.restart()
    for number in count():
        for _ in range(3):
            assert ledger.post(ledger.body()) == 201
        with faults.fail(number, when), suppress(SQLAlchemyError):
            integrate_logs()
        db.session.remove()
        if number >= len(faults.steps):
            break
        if restarted:
            ledger.restart()

        integrate_logs()
        step = f"{faults.steps[number]}, step {number}"
        assert promises.not_integrated(ledger.app, ledger.site_id) == 0, step
        assert ledger.wrong() == [], step
        assert ledger.app.extensions["anchors"].todo == {"file": set()}, step
    print(f"every one of {len(faults.steps)} steps failed: {' '.join(faults.steps)}")
    assert {"COMMIT", "write", "fsync"} <= set(faults.steps)
