"""On a real Citus cluster: a database with content is distributed, goes on working, and can still be migrated.

The whole suite can be run there too: `pytest --engine citus`.
"""

from __future__ import annotations

import re
import shutil
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from flask import Flask, current_app
from flask.testing import FlaskClient
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from consent_server import clock, distribution, migrate
from consent_server.db import db, transaction
from consent_server.distribution import CannotDistribute
from consent_server.ledger import fsck
from consent_server.ledger.models import Receipt, SignedCheckpoint
from consent_server.ledger.tasks import integrate_logs
from consent_server.placements import PLACEMENTS, Kind
from consent_server.retention import service as retention
from consent_server.retention import sweeping
from consent_server.sites.models import Site
from tests import make
from tests.citus import SHARDS
from tests.conftest import BuildApp, close_app, forget_all
from tests.engines import CITUS, Databases

pytestmark = [pytest.mark.citus, pytest.mark.timeout(600)]
MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
NODES_OF_RECEIPTS = "SELECT count(DISTINCT nodeport) FROM citus_shards WHERE table_name = 'receipt'::regclass AND shard_size > 0"
NEXT = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "9001", "{head}"


def upgrade() -> None:
    op.add_column("receipt", sa.Column("remark", sa.String(20), nullable=True))
    op.create_index("ix_receipt_remark", "receipt", ["site_id", "remark"])
    op.add_column("site", sa.Column("remark", sa.String(20), server_default="", nullable=False))
    op.create_check_constraint(op.f("ck_site_remark"), "site", "remark <> 'no'")
    op.create_table(
        "novelty",
        sa.Column("site_id", sa.Integer(), sa.ForeignKey("site.id"), primary_key=True, autoincrement=False),
        sa.Column("what", sa.String(20)),
    )
    op.execute(
        "CREATE FUNCTION keep_tile_delete() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION 'a tile stays' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    op.execute("CREATE TRIGGER keep_tile_delete BEFORE DELETE ON tile FOR EACH ROW EXECUTE FUNCTION keep_tile_delete()")


def downgrade() -> None:
    op.execute("DROP TRIGGER keep_tile_delete ON tile")
    op.execute("DROP FUNCTION keep_tile_delete()")
    op.drop_table("novelty")
    op.drop_constraint(op.f("ck_site_remark"), "site")
    op.drop_column("site", "remark")
    op.drop_index("ix_receipt_remark", "receipt")
    op.drop_column("receipt", "remark")
"""


@contextmanager
def opened(databases: Databases, build_app: BuildApp) -> Iterator[Flask]:
    """An application on a coordinator's database that has the schema, and is not distributed yet."""
    url = databases.cluster().database()
    app = build_app(CITUS, database_url=url)
    with app.app_context():
        migrate.upgrade(db.engine)
    yield app
    close_app(app)
    databases.cluster().drop(url)


@pytest.fixture
def whole_app(databases: Databases, build_app: BuildApp) -> Iterator[Flask]:
    """The same, for one test."""
    forget_all()
    with opened(databases, build_app) as app, app.app_context():
        yield app
        db.session.remove()
    forget_all()


@pytest.fixture(scope="module")
def distributed_app(databases: Databases, build_app: BuildApp) -> Iterator[Flask]:
    with opened(databases, build_app) as app:
        with app.app_context():
            distribution.distribute(db.engine, lambda line: None, shards=SHARDS)
        yield app


@pytest.fixture
def app(distributed_app: Flask) -> Iterator[Flask]:
    """An application on a distributed database."""
    forget_all()
    with distributed_app.app_context():
        yield distributed_app
        db.session.remove()
    forget_all()


@pytest.fixture
def distributed(app: Flask) -> Engine:
    return db.engine


def ready_site(*purposes: str) -> Site:
    """A site that can be used while sessions come and go."""
    made = make.ready_site(*purposes)
    db.session.refresh(made)
    db.session.expunge(made)
    return made


def decide(client: FlaskClient, site: Site, visitor: str | None = None) -> dict[str, object]:
    return make.decide(client, site, visitor_id=visitor or str(uuid.uuid4()))


def nothing_is_wrong() -> bool:
    with fsck.snapshot(db.engine) as connection:
        report = fsck.check(connection, current_app.extensions["keys"])
    assert [str(each) for each in report.findings] == []
    return report.leaves > 0


def refused_changes(site: Site) -> list[str]:
    """Try to change evidence in every way, and return the statements that were not refused."""
    taken = []
    for statement in (
        f"DELETE FROM receipt WHERE site_id = {site.id}",
        f"UPDATE receipt SET idx = 9 WHERE site_id = {site.id}",
        f"DELETE FROM banner_build WHERE site_id = {site.id}",
        "UPDATE policy_version SET major = 9",
        "INSERT INTO notice (version_id, language, format, source, sha256) SELECT id, 'fr', 'plain', '', '' FROM policy_version",
        "UPDATE notice SET source = ''",
        "DELETE FROM audit_event",
    ):
        try:
            db.session.execute(text(statement))
            taken.append(statement)
        except DBAPIError as error:
            if not re.search("never change|evidence|only be blanked", str(error)):
                raise
        db.session.rollback()
    return taken


def indexes(site: Site) -> list[int]:
    rows = db.session.query(Receipt.idx).filter_by(site_id=site.id).order_by(Receipt.idx)
    return [idx for (idx,) in rows]


def erase(site: Site, visitor: str) -> None:
    with transaction():
        retention.erase_visitor(
            db.session.merge(site),
            uuid.UUID(visitor),
            ring=current_app.extensions["keys"],
            now=clock.now(),
            actor="command",
        )


def test_a_database_with_content_is_distributed_and_a_second_run_does_nothing(
    whole_app: Flask, databases: Databases
) -> None:
    client = whole_app.test_client()
    sites = [ready_site() for _ in range(3)]
    before = [decide(client, site) for site in sites for _ in range(5)]
    integrate_logs()
    erase(sites[0], str(before[0]["visitor_id"]))
    db.session.remove()
    lines: list[str] = []

    moved = distribution.distribute(db.engine, lines.append, shards=SHARDS)

    assert moved > 20
    assert {line.partition(":")[0] for line in lines} == PLACEMENTS.keys()
    assert distribution.distribute(db.engine, lines.append, shards=SHARDS) == 0
    assert distribution.is_distributed(db.engine)
    with db.engine.connect() as connection:
        left = connection.scalar(text("SELECT pg_relation_size('receipt')"))
        nodes = connection.scalar(text(NODES_OF_RECEIPTS))
    assert left == 0
    assert nodes == len(databases.cluster().workers)
    assert refused_changes(sites[0]) == []
    sizes = [len(indexes(site)) for site in sites]
    after = [decide(client, site) for site in sites]
    integrate_logs()
    assert min(sizes) >= 5
    assert [each["log_index"] for each in after] == sizes
    assert nothing_is_wrong()


def test_tables_stand_where_they_are_declared_to_stand(distributed: Engine) -> None:
    with distributed.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT table_name::text, citus_table_type, distribution_column, colocation_id FROM citus_tables"
            )
        ).all()

    assert {name: kind for name, kind, _, _ in rows} == {
        name: each.kind.value for name, each in PLACEMENTS.items()
    }
    spread = [(column, group) for _, kind, column, group in rows if kind == Kind.DISTRIBUTED]
    assert len(set(spread)) == 1
    assert spread[0][0] == "site_id"


def test_a_visitor_lives_a_whole_life_on_it(app: Flask, distributed: Engine) -> None:
    client, site = app.test_client(), ready_site("analytics")
    visitor = str(uuid.uuid4())
    headers = {"Authorization": f"Bearer {make.api_key(site)}"}
    body = make.body(client, site, visitor_id=visitor)
    assert [make.post(client, site, body).status_code for _ in range(2)] == [201, 200]
    bodies = [make.body(client, site) for _ in range(10)]
    batch = client.post(f"/v1/sites/{site.key}/decisions/batch", json={"decisions": bodies}, headers=headers)
    assert [each["status"] for each in batch.get_json()["outcomes"]] == [201] * 10
    now = clock.now()
    token = make.subject_token(
        site, iat=int(now.timestamp()), exp=int((now + timedelta(minutes=5)).timestamp())
    )
    assert make.identify(client, site, token, visitor).status_code == 200
    make.published_version(db.session.merge(site), change="purpose_added", now=clock.now())
    assert make.run_jobs() >= 1
    decide(client, site, visitor)
    assert client.get(f"/v1/sites/{site.key}/subjects/user-1/consent", headers=headers).status_code == 200

    integrate_logs()
    assert client.get(f"/log/{site.key}/proof/0.tlog-proof").status_code == 200
    erase(site, visitor)
    with transaction():
        sweeping.sweep_page(
            db.session.merge(site),
            (1, 0),
            ring=current_app.extensions["keys"],
            now=clock.now() + timedelta(days=9_000),
        )
    integrate_logs()

    blank = db.session.query(Receipt).filter_by(site_id=site.id, payload=None).count()
    assert blank == 12  # the visitor's two and the batch's ten
    assert db.session.query(SignedCheckpoint).filter_by(site_id=site.id).count() == 2
    assert nothing_is_wrong()


def test_evidence_cannot_be_changed_on_the_nodes_that_hold_it(app: Flask, distributed: Engine) -> None:
    client, site = app.test_client(), ready_site()
    decide(client, site)

    assert refused_changes(site) == []


def test_decisions_of_many_sites_at_once_are_all_there_once(app: Flask, distributed: Engine) -> None:
    sites = [ready_site("analytics") for _ in range(4)]
    bodies = [(site, make.body(app.test_client(), site)) for site in sites for _ in range(12)]
    db.session.remove()
    answers: list[int] = []

    def post(mine: list[tuple[Site, dict[str, object]]]) -> None:
        with app.app_context():
            for site, body in mine:
                answers.append(make.post(app.test_client(), site, body).status_code)
            db.session.remove()

    db.session.remove()
    threads = [threading.Thread(target=post, args=(bodies[part::6],)) for part in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == [201] * len(bodies)
    for site in sites:
        assert indexes(site) == list(range(len(indexes(site))))
        assert (
            db.session.query(Receipt)
            .filter_by(site_id=site.id)
            .filter(Receipt.visitor_id.is_not(None))
            .count()
            == 12
        )
    integrate_logs()
    assert nothing_is_wrong()


def test_migrations_go_on_afterwards_with_columns_indexes_tables_and_triggers(
    app: Flask, distributed: Engine, tmp_path: Path
) -> None:
    scripts = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, scripts, ignore=shutil.ignore_patterns("__pycache__"))
    (scripts / "versions" / "9001_next.py").write_text(
        '"""The next one."""\n' + NEXT.format(head=migrate.head())
    )
    config = Config()
    config.set_main_option("script_location", str(scripts))
    config.attributes["engine"] = distributed
    db.session.remove()

    command.upgrade(config, "head")
    site = ready_site()
    decide(app.test_client(), site)
    with distributed.connect() as connection:
        assert connection.scalars(text("SELECT remark FROM receipt")).all() != []
        connection.execute(text("INSERT INTO tile VALUES (1, 9, 0, 0, '', '')"))
        with pytest.raises(DBAPIError, match="a tile stays"):
            connection.execute(text("DELETE FROM tile WHERE site_id = 1"))
    db.session.remove()
    command.downgrade(config, migrate.head())

    assert migrate.current(distributed) == migrate.head()
    assert distribution.distribute(distributed, lambda line: None) == 0


def test_a_table_that_stands_in_the_wrong_place_is_named(distributed: Engine) -> None:
    with distributed.begin() as connection:
        connection.execute(text("SELECT undistribute_table('subject_link')"))
        connection.execute(text("SELECT create_reference_table('subject_link')"))

    with pytest.raises(CannotDistribute, match="subject_link is reference and should be distributed"):
        distribution.distribute(distributed, lambda line: None)

    with distributed.begin() as connection:
        connection.execute(text("SELECT undistribute_table('subject_link')"))
    assert distribution.distribute(distributed, lambda line: None) == 1
