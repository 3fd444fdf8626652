"""The job table as a queue: claims, leases, retries, seats."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from consent_server import clock
from consent_server.db import db, transaction
from consent_server.jobs import runner, service
from consent_server.jobs.models import Job, Lease
from tests import make

LEASE = timedelta(seconds=30)


def enqueue(name: str = "test.work", **more: Any) -> int:
    with transaction():
        return service.enqueue(name, more.pop("arguments", {}), now=more.pop("now", make.NOW), **more).id


def claim(now: Any = make.NOW) -> tuple[int, str] | None:
    with transaction():
        job = service.claim_next(now=now, lease=LEASE)
        return None if job is None or job.claim is None else (job.id, job.claim)


def state(job_id: int) -> str:
    db.session.expire_all()
    return db.session.get_one(Job, job_id).state


def test_jobs_are_claimed_in_the_order_in_which_they_are_due(app: Flask) -> None:
    late, early = enqueue(due_at=make.later(hours=2)), enqueue(due_at=make.later(hours=1))
    second_of_its_hour = enqueue(due_at=make.later(hours=1))

    order = [claim(make.later(hours=3)) for _ in range(3)]

    assert [found and found[0] for found in order] == [early, second_of_its_hour, late]


def test_a_job_is_not_claimed_before_it_is_due(app: Flask) -> None:
    enqueue(due_at=make.later(hours=1))

    assert claim(make.later(minutes=59)) is None
    assert claim(make.later(hours=1)) is not None


def test_a_claimed_job_is_nobody_elses_until_its_lease_ends(app: Flask) -> None:
    job = enqueue()
    first = claim()

    assert claim(make.NOW + LEASE) is None
    second = claim(make.NOW + LEASE + timedelta(milliseconds=1))

    assert first is not None
    assert second is not None
    assert second[0] == first[0] == job
    assert second[1] != first[1]


def test_who_lost_a_job_can_neither_advance_nor_finish_nor_fail_it(app: Flask) -> None:
    job = enqueue()
    first = claim()
    later = make.later(hours=1)
    second = claim(later)
    assert first is not None
    assert second is not None

    with transaction():
        lost = service.advance(job, claim=first[1], now=later, lease=LEASE, cursor=[1], done=1, total=2)
        kept = service.advance(job, claim=second[1], now=later, lease=LEASE, cursor=[2], done=2, total=2)
        service.finish(job, claim=first[1], now=later)
        service.fail(job, claim=first[1], now=later, error="x")

    assert (lost, kept, state(job)) == (False, True, "running")
    assert db.session.get_one(Job, job).cursor == [2]


def test_a_sign_of_life_renews_the_lease(app: Flask) -> None:
    job = enqueue()
    found = claim()
    assert found is not None
    with transaction():
        service.advance(job, claim=found[1], now=make.NOW + LEASE, lease=LEASE, cursor=None, done=0, total=1)

    assert claim(make.NOW + LEASE + timedelta(seconds=1)) is None


def test_a_failed_job_comes_again_later_each_time_and_stays_failed_after_eight(app: Flask) -> None:
    job, at, waits = enqueue(), make.NOW, []
    for _ in range(service.MAX_ATTEMPTS):
        found = claim(at)
        assert found is not None
        with transaction():
            service.fail(job, claim=found[1], now=at, error="ValueError: no")
        row = db.session.get_one(Job, job)
        waits.append(row.due_at - at)
        at = max(row.due_at, at)

    assert state(job) == "failed"
    assert db.session.get_one(Job, job).attempts == 8
    assert db.session.get_one(Job, job).error == "ValueError: no"
    assert waits[:-1] == [timedelta(seconds=2) * 2**n for n in range(1, 8)]
    assert claim(at + timedelta(days=1)) is None


def test_a_job_at_which_workers_die_stays_failed_after_eight_starts(app: Flask) -> None:
    job, at = enqueue(), make.NOW
    for _ in range(service.MAX_ATTEMPTS):
        assert claim(at) is not None
        at += LEASE + timedelta(seconds=1)

    assert claim(at) is None
    assert state(job) == "failed"
    assert db.session.get_one(Job, job).error == "its worker died each time"


def test_a_job_that_gets_on_between_deaths_is_never_given_up(app: Flask) -> None:
    job, at = enqueue(), make.NOW
    for done in range(1, 2 * service.MAX_ATTEMPTS):
        found = claim(at)
        assert found is not None, done
        with transaction():
            service.advance(job, claim=found[1], now=at, lease=LEASE, cursor=done, done=done, total=99)
        at += LEASE + timedelta(seconds=1)

    assert state(job) == "running"


def test_a_second_job_of_the_same_text_is_not_made(app: Flask) -> None:
    one, again, other = enqueue(dedup="sweep:7"), enqueue(dedup="sweep:7"), enqueue(dedup="sweep:8")

    assert one == again != other


def test_a_job_stands_or_falls_with_the_transaction_that_caused_it(app: Flask) -> None:
    def fails() -> None:
        with transaction():
            service.enqueue("test.work", {}, now=make.NOW)
            raise KeyError

    with pytest.raises(KeyError):
        fails()

    assert db.session.query(Job).count() == 0


def test_of_many_workers_each_job_is_claimed_by_one(live_app: Flask) -> None:
    jobs = {enqueue() for _ in range(40)}
    db.session.remove()
    claimed: list[int] = []
    errors: list[BaseException] = []
    together = threading.Barrier(4)

    def work() -> None:
        try:
            with live_app.app_context():
                together.wait()
                misses = 0
                while misses < 20:
                    found = claim()
                    if found is None:
                        misses += 1
                    else:
                        claimed.append(found[0])
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert sorted(claimed) == sorted(jobs)


def test_one_of_many_sits_on_a_seat_until_it_is_not_heard_of(app: Flask) -> None:
    def sits(holder: str, at: Any) -> bool:
        with transaction():
            return service.take_seat("runner", holder=holder, now=at, lease=LEASE)

    assert sits("a", make.NOW)
    assert not sits("b", make.NOW + LEASE)
    assert sits("a", make.NOW + LEASE)
    assert not sits("b", make.NOW + 2 * LEASE)
    assert sits("b", make.NOW + 2 * LEASE + timedelta(seconds=1))
    assert not sits("a", make.NOW + 2 * LEASE + timedelta(seconds=2))


def test_a_seat_that_is_left_is_free_at_once(app: Flask) -> None:
    with transaction():
        service.take_seat("runner", holder="a", now=make.NOW, lease=LEASE)
        service.leave_seat("runner", holder="b", now=make.NOW)  # who does not sit cannot leave
        assert not service.take_seat("runner", holder="b", now=make.NOW, lease=LEASE)
        service.leave_seat("runner", holder="a", now=make.NOW)
        assert service.take_seat("runner", holder="b", now=make.NOW, lease=LEASE)


def test_of_several_first_comers_one_sits(live_app: Flask) -> None:
    sat: list[str] = []
    together = threading.Barrier(4)

    def come(holder: str) -> None:
        with live_app.app_context():
            together.wait()
            try:
                with transaction():
                    if service.take_seat("runner", holder=holder, now=make.NOW, lease=LEASE):
                        sat.append(holder)
            except Exception:  # the primary key refused this one
                pass

    threads = [threading.Thread(target=come, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    db.session.rollback()
    assert [db.session.get_one(Lease, "runner").holder] == sat


@pytest.fixture
def handled(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Registers `test.work`, which notes its arguments and does as they say."""
    seen: list[Any] = []

    def handler(cursor: Any, done: int, fails_at: int | None = None) -> Iterator[runner.Progress]:
        for place in range(done, 3):
            seen.append((cursor, place))
            if place == fails_at and not any(each == "failed" for each in seen):
                seen.append("failed")
                raise ValueError("halfway")
            yield runner.Progress([place], place + 1, 3)

    monkeypatch.setitem(runner._handlers, "test.work", handler)
    return seen


def test_a_job_runs_to_its_end_and_shows_its_progress(app: Flask, handled: list[Any]) -> None:
    job = enqueue()

    make.run_jobs()

    row = db.session.get_one(Job, job)
    assert (row.state, row.done, row.total, row.cursor) == ("done", 3, 3, [2])
    assert handled == [(None, 0), (None, 1), (None, 2)]


def test_a_job_that_failed_goes_on_where_it_stopped(app: Flask, handled: list[Any], set_clock: Any) -> None:
    set_clock(make.NOW)
    job = enqueue(arguments={"fails_at": 1})
    make.run_jobs()
    assert (state(job), db.session.get_one(Job, job).error) == ("queued", "ValueError: halfway")

    set_clock(make.later(minutes=1))
    make.run_jobs()

    assert state(job) == "done"
    assert handled == [(None, 0), (None, 1), "failed", ([0], 1), ([0], 2)]
    assert db.session.get_one(Job, job).error == ""


def test_a_job_of_an_unknown_name_fails_and_harms_no_other(app: Flask, handled: list[Any]) -> None:
    unknown, good = enqueue("no.such"), enqueue()

    make.run_jobs()

    assert (state(unknown), state(good)) == ("queued", "done")
    assert "no.such" in db.session.get_one(Job, unknown).error


def test_the_embedded_runner_does_jobs_and_frees_its_seat_when_it_stops(
    live_app: Flask, handled: list[Any]
) -> None:
    job = enqueue(now=clock.now())
    db.session.remove()
    thread = runner.Runner(live_app, live_app.extensions["settings"], seat=True)

    thread.start()
    for _ in range(100):
        db.session.rollback()
        if state(job) == "done":
            break
        threading.Event().wait(0.1)
    db.session.remove()
    thread.stop()

    assert state(job) == "done"
    assert not thread.is_alive()
    with transaction():
        assert service.take_seat(runner.SEAT, holder="next", now=clock.now(), lease=LEASE)


def test_a_runner_without_the_seat_does_nothing(live_app: Flask, handled: list[Any]) -> None:
    with transaction():
        service.take_seat(runner.SEAT, holder="another", now=clock.now(), lease=timedelta(hours=1))
    job = enqueue(now=clock.now())
    db.session.remove()
    thread = runner.Runner(live_app, live_app.extensions["settings"], seat=True)

    thread.start()
    threading.Event().wait(2.2)
    thread.stop()

    assert state(job) == "queued"
