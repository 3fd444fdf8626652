"""The database itself refuses to change evidence, whoever asks: here, plain SQL."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from consent_server.db import db
from consent_server.policies.models import PolicyVersion
from tests import make


@pytest.fixture
def history(client: FlaskClient) -> dict[str, Any]:
    """A published version with notices, changes and a waiver; a receipt; audit rows."""
    site = make.ready_site()
    make.waive(make.draft(site, changes=[make.change()], texts={"en": make.text("en") + "\nIn 15 days.\n"}))
    make.decide(client, site)
    version = make.published_version(site, change="recipients")
    open_draft = make.draft(site, changes=[make.change("wording")])
    return {"site": site.id, "published": version.id, "draft": open_draft.id}


def refuses(statement: str, **values: Any) -> None:
    with (
        pytest.raises(DatabaseError, match=r"never change|only be blanked|is evidence"),
        db.session.begin_nested(),
    ):
        db.session.execute(text(statement), values)


def allows(statement: str, **values: Any) -> None:
    result = db.session.execute(text(statement), values)
    assert result.rowcount >= 1  # type: ignore[attr-defined]  # a statement that changes rows


@pytest.mark.parametrize(
    "assignment",
    [
        "snapshot = '{}'", "sha256 = sha256", "state = 'draft', major = NULL, minor = NULL, sha256 = NULL", "major = 99",
        "published_at = created_at", "published_by = 'somebody'", "policy_id = policy_id + 0",
    ],
)  # fmt: skip
def test_a_published_version_never_changes(history: dict[str, Any], assignment: str) -> None:
    refuses(f"UPDATE policy_version SET {assignment} WHERE id = :id", id=history["published"])


def test_a_published_version_is_never_deleted(history: dict[str, Any]) -> None:
    refuses("DELETE FROM policy_version WHERE id = :id", id=history["published"])


@pytest.mark.parametrize(
    ("table", "assignment"),
    [
        ("notice", "source = 'other'"), ("notice", "sha256 = sha256"), ("change", "effect = 'patch'"),
        ("change", "approved_by = 'somebody'"), ("waiver", "reason = 'other'"),
    ],
)  # fmt: skip
def test_what_hangs_on_a_published_version_never_changes(
    history: dict[str, Any], table: str, assignment: str
) -> None:
    values = {"id": history["published"]}

    refuses(f"UPDATE {table} SET {assignment} WHERE version_id = :id", **values)
    refuses(f"DELETE FROM {table} WHERE version_id = :id", **values)


def test_nothing_is_moved_into_or_added_to_a_published_version(history: dict[str, Any]) -> None:
    values = {"published": history["published"], "draft": history["draft"]}

    refuses("UPDATE change SET version_id = :published WHERE version_id = :draft", **values)
    refuses(
        "UPDATE notice SET version_id = :published, language = 'fr' WHERE version_id = :draft AND language = 'en'",
        **values,
    )
    refuses(
        "INSERT INTO notice (version_id, language, format, source, sha256) "
        "SELECT :published, 'fr', format, source, sha256 FROM notice WHERE version_id = :draft",
        **values,
    )


def test_a_draft_may_still_change(history: dict[str, Any]) -> None:
    values = {"id": history["draft"]}

    allows("UPDATE notice SET source = 'other' WHERE version_id = :id", **values)
    allows("UPDATE change SET reason = 'because' WHERE version_id = :id", **values)
    allows("DELETE FROM change WHERE version_id = :id", **values)
    allows("UPDATE policy_version SET revision = revision + 1 WHERE id = :id", **values)
    allows("DELETE FROM notice WHERE version_id = :id", **values)
    allows("DELETE FROM policy_version WHERE id = :id", **values)


@pytest.mark.parametrize(
    "assignment",
    [
        "idx = 7", "epoch = 2", "entry = payload", "kid = 'other'", "issued_at = '2020-01-01 00:00:00+00'",
        "payload = NULL", "visitor_id = NULL", "payload = entry, visitor_id = NULL",
        "payload = NULL, visitor_id = NULL, idx = 7",
        "payload = NULL, visitor_id = NULL, kid = 'x'",
    ],
)  # fmt: skip
def test_a_receipt_never_changes(history: dict[str, Any], assignment: str) -> None:
    refuses(f"UPDATE receipt SET {assignment} WHERE site_id = :id", id=history["site"])


def test_a_receipt_is_never_deleted(history: dict[str, Any]) -> None:
    refuses("DELETE FROM receipt WHERE site_id = :id", id=history["site"])


def test_a_receipt_may_be_blanked_and_stays_blank(history: dict[str, Any]) -> None:
    query = text("SELECT idx FROM receipt WHERE site_id = :id AND visitor_id IS NOT NULL")
    place = {"id": history["site"], "idx": db.session.scalars(query, {"id": history["site"]}).one()}
    allows("UPDATE receipt SET payload = NULL, visitor_id = NULL WHERE site_id = :id AND idx = :idx", **place)

    entry, payload = db.session.execute(
        text("SELECT entry, payload FROM receipt WHERE site_id = :id AND idx = :idx"), place
    ).one()
    assert len(entry) == 32
    assert payload is None
    refuses("UPDATE receipt SET payload = entry WHERE site_id = :id AND idx = :idx", **place)


@pytest.mark.parametrize("table", ["banner_build", "widget_bundle", "audit_event"])
def test_builds_and_the_audit_log_only_grow(history: dict[str, Any], table: str) -> None:
    column = {"banner_build": "configuration", "widget_bundle": "body", "audit_event": "actor"}[table]

    refuses(f"UPDATE {table} SET {column} = 'x'")
    refuses(f"DELETE FROM {table}")


@pytest.mark.engines("sqlite")  # REPLACE is SQLite's
def test_replacing_a_row_is_no_way_around_it(app: Flask, history: dict[str, Any]) -> None:
    refuses("REPLACE INTO receipt SELECT * FROM receipt WHERE site_id = :id", id=history["site"])
    refuses("INSERT OR REPLACE INTO audit_event SELECT * FROM audit_event")


def test_a_draft_that_is_half_published_cannot_exist(history: dict[str, Any]) -> None:
    with pytest.raises(DatabaseError), db.session.begin_nested():
        db.session.execute(
            text("UPDATE policy_version SET state = 'published' WHERE id = :id"), {"id": history["draft"]}
        )
    assert db.session.get_one(PolicyVersion, history["draft"]).state == "draft"
