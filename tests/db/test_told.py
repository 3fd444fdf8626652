"""What a connection to PostgreSQL is told goes with the next question or the commit, and fails there."""

import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy.exc import IntegrityError

from consent_server import postgresql
from consent_server.bulk import Line, Sql
from consent_server.columns import INTEGER, TEXTS
from consent_server.db import db, transaction
from consent_server.ledger.append import Entry, append_many, lock_log
from tests import make
from tests.conftest import BuildApp, close_app, forget_all
from tests.engines import Databases

pytestmark = pytest.mark.postgres

PUT = Sql.insert("told", number=INTEGER, word=TEXTS)
ALL = Sql("SELECT word FROM told WHERE number = :number", number=INTEGER)


@pytest.fixture(scope="module")
def told_app(databases: Databases, build_app: BuildApp) -> Iterator[Flask]:
    url = databases.migrated("postgresql")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE told (number int, word text PRIMARY KEY)")
    app = build_app("postgresql", database_url=url)
    yield app
    close_app(app)
    databases.drop(url)


@pytest.fixture
def number(told_app: Flask) -> Iterator[int]:
    """One of our own, on a session that really commits."""
    with told_app.app_context():
        yield uuid.uuid4().int % 2**31
        db.session.remove()
    forget_all()


def words(number: int) -> list[str]:
    return sorted(word for (word,) in Line().ask(ALL, number=number)())


def test_what_was_told_is_there_for_whoever_asks_and_after_the_commit(number: int) -> None:
    with transaction():
        Line().tell_many(PUT, number=number, word=[f"{number} a", f"{number} b"])
        assert words(number) == [f"{number} a", f"{number} b"]
        Line().tell_many(PUT, number=number, word=[f"{number} c"])
        query = "SELECT count(*) FROM told WHERE number = %s"
        assert db.session.connection().exec_driver_sql(query, (number,)).scalar() == 3
        Line().tell_many(PUT, number=number, word=[f"{number} d"])

    assert words(number) == [f"{number} {letter}" for letter in "abcd"]


def test_a_change_that_fails_fails_the_commit_and_all_of_the_transaction(number: int) -> None:
    def twice() -> None:
        with transaction():
            Line().tell_many(PUT, number=number, word=[f"{number} a"])
            Line().tell_many(PUT, number=number, word=[f"{number} a"])

    with pytest.raises(IntegrityError):
        twice()

    assert words(number) == []
    with transaction():
        Line().tell_many(PUT, number=number, word=[f"{number} a"])
    assert words(number) == [f"{number} a"]


def test_what_was_told_is_forgotten_with_a_rollback(number: int) -> None:
    Line().tell_many(PUT, number=number, word=[f"{number} a"])
    db.session.rollback()

    assert words(number) == []


def test_statements_are_planned_anew_when_a_log_has_doubled(
    told_app: Flask, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan of an empty table reads all of a full one."""
    monkeypatch.setattr(postgresql, "FEW_ROWS", 1)
    site = make.ready_site("analytics")
    fill(site.id, 1)
    prepared, driver = prepared_on_server()

    fill(site.id, 60)
    fill(site.id, 1)  # sees that the log has grown
    anew, same = prepared_on_server()

    assert driver is same, "one connection is all that the test needs"
    assert anew.keys() == {name.decode() for name in driver.prepared}
    assert min(anew.values()) > max(prepared.values())


def prepared_on_server() -> tuple[dict[str, Any], Any]:
    """Return when each statement of the session's connection was prepared, and the connection."""
    connection = db.session.connection()
    rows = connection.exec_driver_sql("SELECT name, prepare_time FROM pg_prepared_statements").all()
    driver = connection.connection.driver_connection
    db.session.rollback()
    return {str(name): at for name, at in rows}, driver


def fill(site_id: int, count: int) -> None:
    with transaction():
        entries = [Entry(uuid.uuid4(), uuid.uuid4(), make.NOW, "k", b"{}") for _ in range(count)]
        append_many(lock_log(site_id), entries)
