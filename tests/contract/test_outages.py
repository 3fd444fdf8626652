"""A full disk, a locked database, a stopped server: a clear answer, nothing half-stored, and it works again after."""

import sqlite3
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from consent_server import db as database
from consent_server.consents.models import ConsentRecord
from consent_server.db import db
from consent_server.jobs.models import Job
from consent_server.ledger.models import Log, Receipt
from consent_server.sites.models import Site
from tests import make
from tests.contract.problems import problem
from tests.engines import PostgreSQL


def counts(site_id: int) -> tuple[int, int, int, int]:
    """Receipts, records, the log's size without what it tells of, and jobs: what a decision writes."""
    told = select(func.count()).where(Receipt.site_id == site_id, Receipt.visitor_id.is_(None))
    with db.session.begin_nested():
        tables = [
            select(func.count()).where(Receipt.site_id == site_id, Receipt.visitor_id.is_not(None)),
            select(func.count()).select_from(ConsentRecord).where(ConsentRecord.site_id == site_id),
            select(Log.size - told.scalar_subquery()).where(Log.site_id == site_id),
            select(func.count()).select_from(Job),
        ]
        found = tuple(db.session.scalar(table) or 0 for table in tables)
    db.session.rollback()
    return found  # type: ignore[return-value]  # four queries


def refused(client: FlaskClient, site: Site, body: make.Json) -> None:
    response = make.post(client, site, body)
    answer = problem(response, 503, "unavailable")
    assert int(response.headers["Retry-After"]) > 0
    assert response.headers["Access-Control-Allow-Origin"] == make.ORIGIN
    assert "stored once at most" in answer["detail"]


@pytest.fixture
def sqlite_app(build_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_MS", 300)  # nobody wants to wait ten seconds here
    app = build_app("sqlite")
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def path_of(app: Flask) -> str:
    url: str = app.extensions["settings"].database_url
    return url.removeprefix("sqlite:///")


def test_a_database_that_another_process_locks_is_busy_and_then_works(sqlite_app: Flask) -> None:
    client, site = sqlite_app.test_client(), make.ready_site()
    body = make.body(client, site)
    before = counts(site.id)

    other = sqlite3.connect(path_of(sqlite_app), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    refused(client, site, body)
    other.execute("ROLLBACK")
    other.close()

    assert counts(site.id) == before
    assert make.post(client, site, body).status_code == 201


def test_readers_are_not_kept_waiting_by_a_writer(sqlite_app: Flask) -> None:
    client, site = sqlite_app.test_client(), make.ready_site()
    make.banner(client, site)

    other = sqlite3.connect(path_of(sqlite_app), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    assert client.get(f"/v1/sites/{site.key}/policies/privacy/versions").status_code == 200
    other.close()


def test_a_full_disk_stores_nothing_and_loses_nothing(
    sqlite_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, site = sqlite_app.test_client(), make.ready_site()
    acknowledged = [make.decide(client, site) for _ in range(3)]
    body = make.body(client, site)

    # SQLite's own limit stands for the disk's: the same error, SQLITE_FULL, at the same places.
    _limit_pages(0)
    bodies = [body | {"receipt_id": str(uuid.uuid4())} for _ in range(60)]
    answers = [make.post(client, site, each) for each in bodies]
    _limit_pages(1_000_000)

    statuses = {answer.status_code for answer in answers}
    assert statuses == {201, 503}, statuses
    for answer in answers:
        if answer.status_code == 503:
            problem(answer, 503, "unavailable")
    stored = len(acknowledged) + sum(answer.status_code == 201 for answer in answers)
    receipts, _records, size, _jobs = counts(site.id)
    assert receipts == size == stored
    retried = [make.post(client, site, each) for each in bodies]
    assert {answer.status_code for answer in retried} == {200, 201}
    assert [answer.get_json()["log_index"] for answer in retried if answer.status_code == 200] == [
        answer.get_json()["log_index"] for answer in answers if answer.status_code == 201
    ]


def _limit_pages(limit: int) -> None:
    """Let the database file grow no further than it is (0), or to so many pages."""
    db.session.remove()
    with db.engine.connect() as connection:
        # The pragma belongs to a connection; the test has one thread, so the pool hands out the same one.
        connection.exec_driver_sql(f"PRAGMA max_page_count = {limit or 1}")


@pytest.fixture
def own_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[PostgreSQL]:
    """A server that only this test stops and starts."""
    server = PostgreSQL.create()
    yield server
    server.remove()


@pytest.mark.postgres
def test_a_postgresql_that_is_stopped_and_started_again(
    own_server: PostgreSQL, build_app: Callable[..., Flask]
) -> None:
    from tests.engines import migrate_to_head

    url = own_server.url("postgres")
    migrate_to_head(url)
    app = build_app("postgresql", database_url=url)
    with app.app_context():
        client, site = app.test_client(), make.ready_site()
        site_key, site_id = site.key, site.id
        make.decide(client, site)
        body = make.body(client, site)
        db.session.remove()

        own_server.stop()
        response = client.post(f"/v1/sites/{site_key}/decisions", json=body, headers={"Origin": make.ORIGIN})
        problem(response, 503, "unavailable")
        assert response.headers["Retry-After"]
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").status_code == 503
        assert client.get(f"/w/{site_key}.js").status_code in (200, 503)
        own_server.start()

        response = client.post(f"/v1/sites/{site_key}/decisions", json=body, headers={"Origin": make.ORIGIN})
        assert response.status_code == 201
        assert response.get_json()["log_index"] == make.first_index(site) + 1
        assert client.get("/readyz").status_code == 200
        assert counts(site_id)[0] == 2
        db.session.remove()
        db.engine.dispose()


@pytest.mark.postgres
def test_a_postgresql_that_is_restarted_between_requests_is_not_noticed(
    own_server: PostgreSQL, build_app: Callable[..., Flask]
) -> None:
    from tests.engines import migrate_to_head

    url = own_server.url("postgres")
    migrate_to_head(url)
    app = build_app("postgresql", database_url=url)
    with app.app_context():
        client, site = app.test_client(), make.ready_site()
        body: dict[str, Any] = make.body(client, site)
        db.session.refresh(site)
        db.session.expunge(site)
        db.session.remove()

        own_server.stop()
        own_server.start()

        assert make.post(client, site.key, body).status_code == 201
        db.session.remove()
        db.engine.dispose()
