"""The entry point of decisions into the database: through the process's committer lane, or straight where none runs."""

from collections.abc import Sequence

from flask import Flask, current_app

from consent_server.consents.answers import Acknowledgement, Outcome
from consent_server.consents.service import Draw, Submission, store
from consent_server.db import db, transaction
from consent_server.http import problem_of
from consent_server.keys import KeyRing
from consent_server.ledger.lane import Failed, Lane
from consent_server.policies.published import site_view
from consent_server.problems import Problem

LANE = "committer"
SCOPE = "decisions:write"  # of the API keys under which batches come
DECISIONS = "decisions"  # what is counted against the rate limit, whichever way a decision takes


def start_lane(app: Flask) -> Lane[str, Submission, Outcome]:
    """Start this process's committer lane; decisions then share commits."""
    lane: Lane[str, Submission, Outcome] = Lane(app, record_drawn)
    app.extensions[LANE] = lane
    return lane


def record(app: Flask, site_key: str, submission: Submission) -> Acknowledgement:
    """Return the acknowledgement of a decision once it is durable. Without a lane it needs an application context.

    Raises:
        Problem: the decision was refused, or nothing can be stored just now.
    """
    lane: Lane[str, Submission, Outcome] | None = app.extensions.get(LANE)
    return _good(lane.submit(site_key, submission) if lane else record_all(site_key, [submission])[0])


async def recorded(app: Flask, site_key: str, submission: Submission) -> Acknowledgement:
    """Do the same on an event loop, through the lane that must be running."""
    lane: Lane[str, Submission, Outcome] = app.extensions[LANE]
    [outcome] = await lane.all_stored(site_key, [submission])
    if isinstance(outcome, Failed):
        raise outcome.error
    return _good(outcome)


def record_batch(app: Flask, site_key: str, submissions: Sequence[Submission]) -> list[Outcome]:
    """Return what became of each decision once all of them are durable. Without a lane it needs an application context.

    Raises:
        Problem: nothing can be stored just now.
    """
    if not submissions:
        return []
    lane: Lane[str, Submission, Outcome] | None = app.extensions.get(LANE)
    if lane is None:
        return record_all(site_key, submissions)
    return _outcomes(lane.submit_all(site_key, submissions))


async def batch_recorded(app: Flask, site_key: str, submissions: Sequence[Submission]) -> list[Outcome]:
    """Do the same on an event loop, through the lane that must be running."""
    if not submissions:
        return []
    lane: Lane[str, Submission, Outcome] = app.extensions[LANE]
    return _outcomes(await lane.all_stored(site_key, submissions))


def record_all(site_key: str, submissions: Sequence[Submission]) -> list[Outcome]:
    """Store decisions of one site in one transaction of their own; on return all of it is durable."""
    return record_drawn(site_key, lambda: submissions)


def record_drawn(site_key: str, draw: Draw) -> list[Outcome]:
    """Store what `draw` gives once there is a connection to store it with; on return all of it is durable."""
    ring: KeyRing = current_app.extensions["keys"]
    seconds = current_app.extensions["settings"].config_cache_seconds
    with transaction():
        outcomes = store(site_view(site_key, max_age=seconds), draw, ring=ring)
    db.session.remove()
    return outcomes


def _good(outcome: Outcome) -> Acknowledgement:
    if isinstance(outcome, Problem):
        raise outcome
    return outcome


def _outcomes(results: Sequence[Outcome | Failed]) -> list[Outcome]:
    return [problem_of(each.error) if isinstance(each, Failed) else each for each in results]
