"""The database layer: instants, JSON text, transactions, names of violated constraints."""

import threading
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, InternalError, OperationalError, StatementError

from consent_server import clock
from consent_server.audit.models import AuditEvent
from consent_server.db import db, transaction, unreachable, violated
from consent_server.jobs.models import Lease
from consent_server.policies.models import Policy
from consent_server.sites.models import Site
from tests import make


def test_a_database_that_is_away_is_told_from_one_that_refuses() -> None:
    away = psycopg.errors.InternalError_("failure on connection marked as essential: db1:5432")
    refused = psycopg.errors.InternalError_("triggers are not supported on distributed tables")

    assert unreachable(OperationalError("", None, Exception("the server closed the connection")))
    assert unreachable(InternalError("", None, away))
    assert not unreachable(InternalError("", None, refused))
    assert not unreachable(ValueError())


def lease(until: datetime) -> Lease:
    with transaction():
        db.session.add(Lease(name="seat", holder="a", until=until))
    db.session.expire_all()
    return db.session.get_one(Lease, "seat")


@pytest.mark.parametrize(
    "instant",
    [
        datetime(2026, 3, 2, 9, 30, 0, 123_000, tzinfo=UTC),
        datetime(2026, 3, 2, 17, 30, tzinfo=timezone(timedelta(hours=8))),
        datetime(1999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC),
    ],
)
def test_an_instant_comes_back_aware_in_utc(app: Flask, instant: datetime) -> None:
    found = lease(instant).until

    assert found == instant
    assert found.utcoffset() == timedelta(0)


def test_a_naive_instant_is_a_bug(app: Flask) -> None:
    with pytest.raises(StatementError, match="naive datetime"):
        lease(datetime(2026, 3, 2))  # noqa: DTZ001 - that is the point


def test_instants_compare_in_the_database_across_zones(app: Flask) -> None:
    lease(datetime(2026, 3, 2, 9, 30, tzinfo=UTC))
    shanghai = timezone(timedelta(hours=8))

    earlier = (
        db.session.query(Lease).filter(Lease.until < datetime(2026, 3, 2, 17, 29, tzinfo=shanghai)).count()
    )
    later = (
        db.session.query(Lease).filter(Lease.until < datetime(2026, 3, 2, 17, 31, tzinfo=shanghai)).count()
    )

    assert (earlier, later) == (0, 1)


def test_the_clock_gives_whole_milliseconds_that_survive_every_form() -> None:
    instant = clock.now()

    assert instant.microsecond % 1000 == 0
    assert clock.from_ms(clock.to_ms(instant)) == instant
    assert datetime.fromisoformat(clock.iso(instant)) == instant


def test_early_years_are_written_with_four_digits() -> None:
    assert clock.iso(datetime(180, 8, 17, tzinfo=UTC)) == "0180-08-17T00:00:00.000Z"


@pytest.mark.parametrize("ms", [0, 1, 999, 1_772_443_800_123, 253_402_300_799_999])
def test_milliseconds_survive_the_way_there_and_back(ms: int) -> None:
    assert clock.to_ms(clock.from_ms(ms)) == ms


def test_json_comes_back_as_it_went_in_with_sorted_keys(app: Flask) -> None:
    detail: Any = {"b": [1, True, None, "表", 1.5], "a": {"z": {}, "y": []}}
    with transaction():
        db.session.add(AuditEvent(at=make.NOW, actor="a", action="b.c", target="", detail=detail))
    db.session.expire_all()

    assert db.session.query(AuditEvent).one().detail == detail
    stored = db.session.execute(text("SELECT detail FROM audit_event")).scalar_one()
    assert stored == '{"a":{"y":[],"z":{}},"b":[1,true,null,"表",1.5]}'


def test_transactions_do_not_nest(app: Flask) -> None:
    with pytest.raises(RuntimeError, match="does not nest"), transaction(), transaction():
        pass
    with transaction():  # and the failure left nothing behind
        pass


def test_an_error_rolls_everything_back(app: Flask) -> None:
    def fails() -> None:
        with transaction():
            db.session.add(Lease(name="seat", holder="a", until=make.NOW))
            db.session.flush()
            raise KeyError("x")

    with pytest.raises(KeyError):
        fails()

    assert db.session.get(Lease, "seat") is None


def test_a_transaction_sees_what_others_have_committed_since_the_last_read(live_app: Flask) -> None:
    site = make.site()
    assert site.name == "Shop"

    def rename() -> None:
        with live_app.app_context(), transaction():
            db.session.get_one(Site, 1).name = "Renamed"

    other = threading.Thread(target=rename)
    other.start()
    other.join()

    with transaction():
        assert db.session.get_one(Site, 1).name == "Renamed"


def test_increments_from_many_threads_are_all_counted(live_app: Flask) -> None:
    make.site()
    errors: list[BaseException] = []

    def count() -> None:
        try:
            with live_app.app_context():
                for _ in range(20):
                    with transaction():
                        site = db.session.get_one(Site, 1, with_for_update=True, populate_existing=True)
                        site.consent_days = site.consent_days + 1
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    db.session.rollback()
    assert db.session.get_one(Site, 1).consent_days == 180 + 160


def test_a_violated_constraint_is_told_from_others_by_name(app: Flask) -> None:
    site = make.site()
    make.policy(site, key="privacy")
    db.session.add(Policy(site_id=site.id, key="privacy", title={}, created_at=make.NOW))

    with pytest.raises(IntegrityError) as caught:
        db.session.flush()

    assert violated(caught.value, "policy", "site_id", "key")
    assert not violated(caught.value, "policy", "key")
    assert not violated(caught.value, "site", "key")
    db.session.rollback()


def test_a_foreign_key_is_no_unique_constraint(app: Flask) -> None:
    db.session.add(Policy(site_id=999_999, key="privacy", title={}, created_at=make.NOW))

    with pytest.raises(IntegrityError) as caught:
        db.session.flush()

    assert not violated(caught.value, "policy", "site_id", "key")
    db.session.rollback()


def test_sqlite_is_durable_and_checks_its_keys(build_app: Any) -> None:
    with build_app("sqlite").app_context(), db.engine.connect() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "recursive_triggers")
        }

    assert found == {
        "journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000, "recursive_triggers": 1,
    }  # fmt: skip


def test_errors_do_not_repeat_the_values_that_they_failed_on(app: Flask) -> None:
    with pytest.raises(StatementError) as caught:
        db.session.execute(text("SELECT :secret FROM no_such_table"), {"secret": "a visitor's data"})

    assert "visitor" not in str(caught.value)
    db.session.rollback()
