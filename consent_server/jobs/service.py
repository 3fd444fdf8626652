"""Enqueue, claim and finish jobs. A claim is a compare-and-swap: of two workers, one sees a row count of 1."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, and_, case, or_, select, update

from consent_server.db import db
from consent_server.jobs.models import Job, Lease

MAX_ATTEMPTS = 8
FIRST_RETRY = timedelta(seconds=2)


def enqueue(
    name: str,
    arguments: dict[str, Any],
    *,
    now: datetime,
    due_at: datetime | None = None,
    dedup: str | None = None,
    site_id: int | None = None,
) -> Job:
    """Add a job in the caller's transaction; with `dedup`, return the job that already stands under that text."""
    if dedup is not None:
        standing = db.session.scalar(select(Job).where(Job.dedup == dedup))
        if standing is not None:
            return standing
    job = Job(
        name=name,
        arguments=arguments,
        dedup=dedup,
        site_id=site_id,
        due_at=due_at or now,
        created_at=now,
        state="queued",
        cursor=None,
    )
    db.session.add(job)
    db.session.flush()
    return job


def claim_next(*, now: datetime, lease: timedelta) -> Job | None:
    """Claim the oldest due job, or one whose worker has not been heard of for a lease; None when there is none.

    A start counts as an attempt, whether it ends in an error or in the worker's death; a job at which workers die again
    and again stays failed.
    """
    free = or_(
        and_(Job.state == "queued", Job.due_at <= now),
        and_(Job.state == "running", Job.claimed_until < now),
    )
    _give_up_deadly(now=now)
    candidate = db.session.scalar(select(Job.id).where(free).order_by(Job.due_at, Job.id).limit(1))
    if candidate is None:
        return None
    token = uuid.uuid4().hex
    taken = _changed(
        update(Job)
        .where(Job.id == candidate, free)
        .values(state="running", claim=token, claimed_until=now + lease, attempts=Job.attempts + 1)
    )
    return db.session.get(Job, candidate, populate_existing=True) if taken else None


def _give_up_deadly(*, now: datetime) -> None:
    """Mark the jobs as failed whose last allowed start ended in silence."""
    db.session.execute(
        update(Job)
        .where(Job.state == "running", Job.claimed_until < now, Job.attempts >= MAX_ATTEMPTS)
        .values(state="failed", finished_at=now, claimed_until=None, error="its worker died each time")
        .execution_options(synchronize_session=False)
    )


def advance(
    job_id: int, *, claim: str | None, now: datetime, lease: timedelta, cursor: Any, done: int, total: int
) -> bool:
    """Store how far a job has come and renew its claim; False when another worker has it by now.

    Who gets on has not failed: from here on the starts are counted anew.
    """
    return _changed(
        update(Job)
        .where(Job.id == job_id, Job.claim == claim, Job.state == "running")
        .values(
            cursor=cursor,
            done=done,
            total=total,
            claimed_until=now + lease,
            attempts=case((Job.done < done, 1), else_=Job.attempts),
        )
    )


def finish(job_id: int, *, claim: str | None, now: datetime) -> None:
    """Mark a job as done."""
    _changed(
        update(Job)
        .where(Job.id == job_id, Job.claim == claim)
        .values(state="done", finished_at=now, error="", claimed_until=None)
    )


def fail(job_id: int, *, claim: str | None, now: datetime, error: str) -> None:
    """Queue a failed job again, later each time; after `MAX_ATTEMPTS` it stays failed for a person to see."""
    job = db.session.get(Job, job_id, populate_existing=True)
    if job is None or job.claim != claim:
        return
    job.error, job.claimed_until = error[:2000], None
    if job.attempts >= MAX_ATTEMPTS:
        job.state, job.finished_at = "failed", now
    else:
        job.state, job.due_at = "queued", now + FIRST_RETRY * 2**job.attempts
    db.session.flush()


def take_seat(name: str, *, holder: str, now: datetime, lease: timedelta) -> bool:
    """Sit down on, or keep, a seat that only one process may hold; False while another holds it."""
    if _changed(
        update(Lease)
        .where(Lease.name == name, or_(Lease.holder == holder, Lease.until < now))
        .values(holder=holder, until=now + lease)
    ):
        return True
    if db.session.get(Lease, name) is not None:
        return False
    db.session.add(Lease(name=name, holder=holder, until=now + lease))
    db.session.flush()  # two first comers: the primary key lets one of them win
    return True


def leave_seat(name: str, *, holder: str, now: datetime) -> None:
    """Free the seat at once, so that the next process need not wait for the lease to end."""
    _changed(
        update(Lease)
        .where(Lease.name == name, Lease.holder == holder)
        .values(until=now - timedelta(seconds=1))
    )


def newest(*, site_id: int | None = None, name: str | None = None, limit: int = 20) -> Sequence[Job]:
    """Return the newest jobs first."""
    query = select(Job).order_by(Job.id.desc()).limit(limit)
    if site_id is not None:
        query = query.where(Job.site_id == site_id)
    if name is not None:
        query = query.where(Job.name == name)
    return db.session.scalars(query).all()


def _changed(statement: Any) -> bool:
    result = cast(
        "CursorResult[Any]", db.session.execute(statement.execution_options(synchronize_session=False))
    )
    return result.rowcount == 1
