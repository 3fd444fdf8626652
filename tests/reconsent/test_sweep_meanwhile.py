"""Decisions and the sweep at the same time, from several threads on real connections."""

from __future__ import annotations

import threading
import uuid
from functools import partial
from typing import Any

from flask import Flask

from consent_server import clock
from consent_server.consents.models import ConsentRecord
from consent_server.db import db
from consent_server.jobs.runner import run_all
from consent_server.reconsent import service
from tests import make


def test_threads_that_decide_while_the_sweep_runs_leave_every_flag_right(
    live_app: Flask, monkeypatch: Any
) -> None:
    monkeypatch.setattr(service, "flag_batch", partial(service.flag_batch, size=20))  # many small batches
    client = live_app.test_client()
    site = make.ready_site("analytics", now=clock.now())
    visitors = [str(uuid.UUID(int=number, version=4)) for number in range(120)]
    for visitor in visitors:
        make.decide(client, site, visitor_id=visitor)
    make.published_version(site, change="recipients", now=clock.now())
    key, again = site.key, visitors[::3]
    template = make.body(client, site)
    db.session.remove()
    failures: list[Any] = []

    def decide(mine: list[str]) -> None:
        with live_app.app_context():
            browser = live_app.test_client()
            for visitor in mine:
                body = template | {"visitor_id": visitor, "receipt_id": str(uuid.uuid4())}
                response = make.post(browser, key, body)
                if response.status_code != 201:
                    failures.append(response.text)

    def sweep() -> None:
        with live_app.app_context():
            run_all(live_app.extensions["settings"])

    threads = [threading.Thread(target=decide, args=(again[part::3],)) for part in range(3)]
    threads.append(threading.Thread(target=sweep))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    make.run_jobs()

    assert failures == []
    flags = {record.holder: record.flag for record in db.session.query(ConsentRecord)}
    assert {visitor for visitor in visitors if flags[visitor] is None} == set(again)
    assert {flags[visitor] for visitor in set(visitors) - set(again)} == {"ask"}
