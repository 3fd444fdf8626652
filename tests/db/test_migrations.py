"""The numbered migrations: up, down and up again on both engines, and no drift from the models."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import Engine, inspect, select, text

from consent_server import migrate
from consent_server.app import engine_of
from consent_server.config import load_settings
from consent_server.db import Base, db
from consent_server.models import __all__ as all_models
from consent_server.policies.models import SavedText
from tests import make
from tests.engines import Databases

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


@pytest.fixture
def empty(engine: str, databases: Databases, tmp_path: Path) -> Iterator[Engine]:
    """An engine on an empty database."""
    url = databases.empty(engine)
    made = engine_of(load_settings({"CONSENT_DATABASE_URL": url, "CONSENT_DATA_DIR": str(tmp_path)}))
    yield made
    made.dispose()
    databases.drop(url)


def schema(engine: Engine) -> dict[str, Any]:
    """Tables with their columns, constraints, indexes and triggers, as the database itself tells."""
    found: dict[str, Any] = {}
    inspector = inspect(engine)
    for table in sorted(inspector.get_table_names()):
        found[table] = (
            [(c["name"], str(c["type"]), c["nullable"]) for c in inspector.get_columns(table)],
            sorted(str(each["name"]) for each in inspector.get_unique_constraints(table)),
            sorted(str(each["name"]) for each in inspector.get_indexes(table)),
            sorted(str(each["name"]) for each in inspector.get_foreign_keys(table)),
        )
    query = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        if engine.dialect.name == "sqlite"
        else "SELECT trigger_name || event_manipulation FROM information_schema.triggers"
    )
    with engine.connect() as connection:
        found["triggers"] = sorted(connection.scalars(text(query)))
    return found


def test_they_run_up_and_down_and_up_again(empty: Engine) -> None:
    assert migrate.current(empty) is None
    migrate.upgrade(empty)
    once = schema(empty)
    assert migrate.current(empty) == migrate.head()

    migrate.downgrade(empty, "base")
    left = schema(empty)
    assert left.keys() <= {"alembic_version", "triggers"}
    assert left["triggers"] == []

    migrate.upgrade(empty)
    assert schema(empty) == once


def test_each_one_runs_down_and_up_by_itself(empty: Engine) -> None:
    names = [script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()][::-1]
    seen = []
    for name in names:
        migrate.upgrade(empty, name)
        seen.append(schema(empty))

    for place in range(len(names) - 1, 0, -1):
        migrate.downgrade(empty, names[place - 1])
        assert schema(empty) == seen[place - 1], names[place]


def test_running_them_twice_changes_nothing(empty: Engine) -> None:
    migrate.upgrade(empty)
    before = schema(empty)

    migrate.upgrade(empty)

    assert schema(empty) == before


def test_the_models_say_what_the_migrations_made(empty: Engine) -> None:
    assert all_models
    migrate.upgrade(empty)

    with empty.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, Base.metadata)

    assert differences == []


def test_they_are_numbered_in_one_line_and_the_head_file_names_the_newest() -> None:
    scripts = list(ScriptDirectory(str(MIGRATIONS)).walk_revisions())[::-1]

    assert [script.revision for script in scripts] == [f"{n:04d}" for n in range(1, len(scripts) + 1)]
    assert all(Path(script.path).name.startswith(script.revision + "_") for script in scripts)
    assert all(script.doc for script in scripts)
    assert (MIGRATIONS / ".head").read_text().strip() == scripts[-1].revision == migrate.head()


def test_both_engines_get_the_same_tables(databases: Databases, tmp_path: Path) -> None:
    found = []
    for engine in ("sqlite", "postgresql"):
        url = databases.migrated(engine)
        made = engine_of(load_settings({"CONSENT_DATABASE_URL": url, "CONSENT_DATA_DIR": str(tmp_path)}))
        inspector = inspect(made)
        found.append(
            {
                table: {(column["name"], column["nullable"]) for column in inspector.get_columns(table)}
                for table in inspector.get_table_names()
            }
        )
        made.dispose()
        databases.drop(url)

    assert found[0] == found[1]


def test_keys_from_before_scopes_keep_what_they_could_do(empty: Engine) -> None:
    migrate.upgrade(empty, "0007")
    with empty.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO site (id, key, name, origins, languages, region_profile, consent_days, theme, texts,"
                " identity_generation, revision, created_at)"
                " VALUES (1, 's_1', 'x', '[]', '[]', 'opt_in', 1, '{}', '{}', 1, 1, '2026-01-01 00:00:00+00:00')"
            )
        )
        connection.execute(
            text(
                "INSERT INTO api_key (id, site_id, name, digest, created_at)"
                " VALUES (1, 1, 'old', :digest, '2026-01-01 00:00:00+00:00')"
            ),
            {"digest": b"x" * 32},
        )

    migrate.upgrade(empty)

    with empty.connect() as connection:
        scopes, end = connection.execute(text("SELECT scopes, expires_at FROM api_key")).one()
    assert orjson.loads(scopes) == ["decisions:write", "consents:read", "receipts:read", "reconsent:read"]
    assert end is None


def test_a_draft_that_was_open_before_begins_its_history_with_what_it_says(live_app: Flask) -> None:
    site = make.ready_site()
    draft = make.draft(site, actor="account:7")
    said = {notice.language: notice.source for notice in draft.notices}
    db.session.commit()
    migrate.downgrade(db.engine, "0019")

    migrate.upgrade(db.engine)

    rows = db.session.scalars(select(SavedText)).all()
    assert {row.language: row.source for row in rows} == said
    assert {(row.version_id, row.number, row.kind, row.saved_by) for row in rows} == {
        (draft.id, 1, "opened", "account:7")
    }
    assert {row.saved_at for row in rows} == {make.NOW}
