"""What the decision path tells PostgreSQL could be told to a database that is spread by site (docs/scale.md)."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient

from consent_server import clock
from consent_server.db import db
from consent_server.ledger.tasks import integrate_logs
from consent_server.sites.models import Site
from tests import make
from tests.conftest import BuildApp, close_app, forget_all
from tests.engines import Databases

from . import statements
from .statements import Statement, offences, sites, transactions

pytestmark = pytest.mark.postgres
# The job queue is one for all sites and stands on the coordinator (consent_server/placements.py).
QUEUE = {"a sequence numbers job"}
# What staff do is rare: it is listed in one order, and versions are numbered once for all nodes.
STAFF = {"a sequence numbers audit_event", "a sequence numbers policy_version"} | QUEUE
# Looks, without a lock, which logs of all sites have grown; each is then locked and integrated by itself.
SURVEY = {"nothing fixes the site of log", "nothing fixes the site of tree"}


@dataclass
class Listener:
    """Collects what PostgreSQL is told while something happens."""

    log: Path
    heard: list[Statement] = field(default_factory=list)

    @contextmanager
    def listening(self) -> Iterator[None]:
        start = self.log.stat().st_size
        yield
        self.heard = statements.read(self.log, start)


@pytest.fixture
def listener(databases: Databases) -> Listener:
    return Listener(databases.server().folder / "log")


@pytest.fixture(scope="module")
def logging_app(databases: Databases, build_app: BuildApp) -> Iterator[Flask]:
    """An application with two sites, on a database whose server logs every statement."""
    url = databases.migrated("postgresql")
    with psycopg.connect(url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"ALTER DATABASE \"{name}\" SET log_statement = 'all'")  # type: ignore[call-overload]  # ours
    app = build_app("postgresql", database_url=url)
    yield app
    close_app(app)
    databases.drop(url)


@pytest.fixture
def app(logging_app: Flask) -> Iterator[Flask]:
    forget_all()
    with logging_app.app_context():
        yield logging_app
        db.session.remove()
    forget_all()


@pytest.fixture
def site(app: Flask) -> Site:
    """One of several sites with decisions: what holds for one would show if it touched another."""
    made = make.ready_site("analytics")
    make.decide(app.test_client(), made)
    db.session.refresh(made)
    db.session.expunge(made)
    return made


Step = Callable[[FlaskClient, Site], object]


def decision(client: FlaskClient, site: Site) -> object:
    return make.decide(client, site)


def retry(client: FlaskClient, site: Site) -> object:
    body = make.body(client, site)
    assert make.post(client, site, body).status_code == 201
    assert make.post(client, site, body).status_code == 200
    return make.post(
        client, site, body | {"choices": dict.fromkeys(body["choices"], "denied"), "action": "reject_all"}
    )


def withdrawal(client: FlaskClient, site: Site) -> object:
    visitor = str(uuid.uuid4())
    make.decide(client, site, visitor_id=visitor)
    return make.decide(client, site, visitor_id=visitor, **{**make.refusal(site), "action": "withdraw"})


def batch(client: FlaskClient, site: Site) -> object:
    bodies = [make.body(client, site) for _ in range(5)]
    headers = {"Authorization": f"Bearer {make.api_key(site)}"}
    answer = client.post(f"/v1/sites/{site.key}/decisions/batch", json={"decisions": bodies}, headers=headers)
    assert [each["status"] for each in answer.get_json()["outcomes"]] == [201] * 5
    return answer


def identification(client: FlaskClient, site: Site) -> object:
    visitor = str(uuid.uuid4())
    make.decide(client, site, visitor_id=visitor)
    now = clock.now()
    token = make.subject_token(
        site, iat=int(now.timestamp()), exp=int((now + timedelta(minutes=5)).timestamp())
    )
    assert make.identify(client, site, token, visitor).status_code == 200
    return make.decide(client, site, visitor_id=visitor)


def state(client: FlaskClient, site: Site) -> object:
    identification(client, site)
    headers = {"Authorization": f"Bearer {make.api_key(site)}"}
    for what in ("consent", "receipts", "reconsent"):
        answer = client.get(f"/v1/sites/{site.key}/subjects/user-1/{what}", headers=headers)
        assert answer.status_code == 200, answer.text
    return answer


def integration(client: FlaskClient, site: Site) -> object:
    make.decide(client, site)
    return integrate_logs()


def proof(client: FlaskClient, site: Site) -> object:
    integrate_logs()
    for path in ("checkpoint", "keys", "tile/0/000.p/1", "proof/0.tlog-proof"):
        answer = client.get(f"/log/{site.key}/{path}")
        assert answer.status_code == 200, path
    return answer


def verification(client: FlaskClient, site: Site) -> object:
    receipt = make.decide(client, site)["receipt"]
    answer = client.post("/v1/receipts/verify", json={"receipt": receipt})
    assert answer.get_json()["valid"]
    return answer


def publication(client: FlaskClient, site: Site) -> object:
    return make.published_version(db.session.merge(site), change="recipients")


@pytest.mark.parametrize(
    ("step", "allowed"),
    [
        (decision, set()),
        (retry, set()),
        (withdrawal, set()),
        (batch, {"a sequence numbers api_key", "a sequence numbers audit_event"}),  # making the key
        (identification, QUEUE),
        (state, {"a sequence numbers api_key", "a sequence numbers audit_event"} | QUEUE),
        (integration, SURVEY),
        (proof, SURVEY),
        (verification, set()),
        (
            publication,
            STAFF | {f"a sequence numbers {table}" for table in ("policy", "notice", "change", "saved_text")},
        ),
    ],
    ids=lambda each: each.__name__ if callable(each) else "by",
)
def test_every_statement_stays_with_one_site(
    step: Step, allowed: set[str], app: Flask, site: Site, listener: Listener
) -> None:
    with listener.listening():
        step(app.test_client(), site)

    found = {
        (offence, each.sql) for each in listener.heard for offence in offences(each) if offence not in allowed
    }
    assert found == set()
    touched = [
        set().union(*(sites(each) for each in all_of_it)) for all_of_it in transactions(listener.heard)
    ]
    assert [each for each in touched if len(each) > 1] == []
    assert {str(site.id)} in touched, "the log of statements was not read"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT size FROM log WHERE site_id = ANY($1) FOR UPDATE",
        "SELECT size FROM log WHERE name = $1",
        "SELECT size FROM log WHERE site_id = $1 OR name = $2",
        "SELECT size FROM log WHERE site_id > $1",
        "SELECT r.idx FROM receipt r JOIN log l ON l.epoch = r.epoch WHERE l.site_id = $1",
        "SELECT 1 FROM site WHERE EXISTS (SELECT 1 FROM receipt WHERE receipt.site_id = site.id)",
        "UPDATE receipt SET payload = NULL WHERE receipt_id = $1",
        "DELETE FROM subject_link",
        "INSERT INTO receipt (epoch, idx) VALUES ($1, $2)",
        "INSERT INTO receipt (site_id, idx) SELECT * FROM unnest($1::int[], $2::bigint[])",
        "INSERT INTO audit_event (at, actor) VALUES ($1, $2)",
        "SELECT pg_advisory_xact_lock($1)",
        "LISTEN decisions",
        "CREATE TEMPORARY TABLE t (i int)",
        "SET search_path TO public",
        "SELECT nextval('job_id_seq')",
    ],
)
def test_control_what_no_spread_database_could_do_is_found(sql: str) -> None:
    assert offences(Statement(1, sql)) != []


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT size FROM log WHERE log.site_id = $1::INTEGER ORDER BY epoch DESC LIMIT 1 FOR UPDATE",
        "SELECT r.idx FROM receipt r JOIN log l ON l.site_id = r.site_id AND l.epoch = r.epoch WHERE l.site_id = 7",
        "INSERT INTO receipt (site_id, idx) SELECT $1::bigint, new.* FROM unnest($2::bigint[]) AS new",
        "INSERT INTO receipt (epoch, site_id) VALUES ($1, $2), ($3, $2)",
        "UPDATE log SET size = $1 WHERE (log.site_id = $2 AND log.epoch = $3)",
        "SELECT key FROM site WHERE revision = $1",
        "SET LOCAL statement_timeout = 1",
        "BEGIN ISOLATION LEVEL READ COMMITTED",
    ],
)
def test_control_what_it_could_do_passes(sql: str) -> None:
    assert offences(Statement(1, sql)) == []


def test_control_a_transaction_over_two_sites_is_found() -> None:
    both = [Statement(1, "DELETE FROM tree WHERE site_id = $1", {1: site}) for site in "12"]

    assert [set().union(*map(sites, each)) for each in transactions(both)] == [{"1", "2"}]
    assert len(list(transactions([both[0], Statement(1, "COMMIT"), both[1]]))) == 2
