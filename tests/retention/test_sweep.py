"""Retention by age: what the daily job erases, and what it leaves."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from consent_server.consents.records import EVALUATE
from consent_server.db import db, transaction
from consent_server.jobs.models import Job
from consent_server.jobs.runner import run_chores
from consent_server.problems import InvalidInput
from consent_server.retention import rules, sweeping, tasks
from consent_server.retention.sites import set_retention
from consent_server.sites.models import Site
from consent_server.sites.service import update_site
from tests import make
from tests.conftest import SetClock
from tests.retention import people

LIFETIME, RETENTION = 180, 1826


def sweep() -> None:
    """Run the daily job to its end, as the runner does."""
    db.session.commit()
    cursor, done = None, 0
    for progress in tasks.sweep(cursor, done):
        db.session.commit()
        assert progress.total is not None


def blank(site: Site) -> list[bool]:
    return [row.payload is None for row in people.receipts(site)]


@pytest.mark.parametrize(
    ("days", "erased"), [(LIFETIME + RETENTION - 1, False), (LIFETIME + RETENTION, True)]
)
def test_a_receipt_goes_when_its_retention_is_over(
    client: FlaskClient, set_clock: SetClock, days: int, erased: bool
) -> None:
    set_clock(make.NOW)
    site = make.ready_site()
    visitor = people.decide(client, site)

    set_clock(make.later(days))
    sweep()

    assert blank(site)[0] is erased
    assert (people.everything_about(site, str(visitor)) == []) is erased


def test_only_the_old_ones_go_and_the_person_keeps_the_newer_answer(
    client: FlaskClient, set_clock: SetClock
) -> None:
    set_clock(make.NOW)
    site = make.ready_site()
    visitor = people.known(client, site, "user-1")
    leaver = people.known(client, site, "user-2")
    set_clock(make.later(400))
    people.decide(client, site, visitor, **make.refusal(site))
    make.run_jobs()

    set_clock(make.later(LIFETIME + RETENTION + 1))
    sweep()

    start = make.first_index(site)
    assert blank(site) == [True, True, False, False]
    assert people.leaves(site) == [rules.EraseLeaf(site.key, 1, (start, start + 1))]
    assert people.holders(site) == {("visitor", str(visitor)), ("subject", "user-1")}
    assert people.everything_about(site, str(leaver), "user-2") == []


def test_sweeping_again_does_nothing_and_begins_where_the_last_one_ended(
    client: FlaskClient, set_clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "PAGE", 2)
    set_clock(make.NOW)
    site = make.ready_site()
    for _ in range(5):
        people.decide(client, site)
    set_clock(make.later(LIFETIME + RETENTION))
    sweep()
    before = blank(site)

    sweep()

    assert blank(site) == before == [True] * 5 + [False] * 3
    assert sweeping.start(site.id) == (1, make.first_index(site) + 5)


def test_a_receipt_given_for_longer_stays_for_longer(client: FlaskClient, set_clock: SetClock) -> None:
    set_clock(make.NOW)
    site = make.ready_site(consent_days=400)
    people.decide(client, site)
    with transaction():
        update_site(site, now=make.NOW, actor=make.STAFF, consent_days=100)
    people.decide(client, site)

    set_clock(make.later(100 + RETENTION))
    sweep()
    assert blank(site) == [False, True, False]
    assert sweeping.start(site.id) == (1, make.first_index(site))

    set_clock(make.later(400 + RETENTION))
    sweep()
    assert blank(site) == [True, True, False, False]
    assert sweeping.start(site.id) == (1, make.first_index(site) + 2)


def test_retention_is_a_sites_own_and_never_shorter_than_a_consents_lifetime(
    client: FlaskClient, set_clock: SetClock
) -> None:
    set_clock(make.NOW)
    short, long = make.ready_site(), make.ready_site()
    people.decide(client, short)
    people.decide(client, long)
    with transaction():
        set_retention(short, 200, now=make.NOW, actor=make.STAFF)
        with pytest.raises(InvalidInput):
            set_retention(long, LIFETIME - 1, now=make.NOW, actor=make.STAFF)

    set_clock(make.later(LIFETIME + 200))
    sweep()

    assert (blank(short)[0], blank(long)[0]) == (True, False)


def test_a_lifetime_raised_above_the_retention_counts() -> None:
    now, day = make.NOW, timedelta(days=1)

    assert rules.horizon(retention=10 * day, lifetime=30 * day, now=now) == now - 60 * day
    assert rules.horizon(retention=90 * day, lifetime=30 * day, now=now) == now - 120 * day


def test_finished_jobs_that_name_people_go_after_a_day(client: FlaskClient, set_clock: SetClock) -> None:
    set_clock(make.NOW)
    site = make.ready_site()
    visitor = people.known(client, site, "user-1")
    make.run_jobs()
    assert people.everything_about(site, "user-1")

    set_clock(make.later(2))
    sweep()

    left = db.session.scalars(select(Job).where(Job.name == EVALUATE, Job.state == "done")).all()
    assert left == []
    assert people.holders(site) == {("visitor", str(visitor)), ("subject", "user-1")}


def test_the_sweep_is_queued_once_a_day(client: FlaskClient, set_clock: SetClock) -> None:
    def queued() -> int:
        return len(db.session.scalars(select(Job).where(Job.name == tasks.SWEEP)).all())

    tasks._enqueued.clear()
    set_clock(make.NOW)
    for _ in range(3):
        run_chores()
    tasks._enqueued.clear()  # another process
    run_chores()
    assert queued() == 1

    set_clock(make.later(1))
    run_chores()
    assert queued() == 2
    tasks._enqueued.clear()


def test_the_sweep_runs_as_a_job(client: FlaskClient, set_clock: SetClock) -> None:
    set_clock(make.NOW)
    site = make.ready_site()
    people.decide(client, site)
    make.run_jobs()

    set_clock(make.later(LIFETIME + RETENTION))
    tasks._enqueued.clear()
    run_chores()
    make.run_jobs()
    tasks._enqueued.clear()

    assert blank(site) == [True, False]
    job = db.session.scalars(select(Job).where(Job.name == tasks.SWEEP)).one()
    assert (job.state, job.error) == ("done", "")
