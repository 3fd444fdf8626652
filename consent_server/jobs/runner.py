"""Run jobs: on the one embedded thread that holds the seat, or in `consent-server worker` processes.

A handler is registered under the job's name and is a generator of `Progress`: it does a batch in a transaction of
its own and yields how far it has come. Handlers may run twice over the same batch and must not mind.
"""

import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import structlog
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from consent_server import clock
from consent_server.config import Settings
from consent_server.db import db, transaction
from consent_server.jobs import service

log = structlog.get_logger(__name__)
SEAT = "runner"


@dataclass(frozen=True)
class Progress:
    """How far a job has come: where to go on after a crash, and items done of the total."""

    cursor: Any
    done: int
    total: int


Handler = Callable[..., Iterator[Progress]]
Chore = Callable[[], None]
_handlers: dict[str, Handler] = {}
_chores: list[Chore] = []


def handles(name: str) -> Callable[[Handler], Handler]:
    """Register the handler of the jobs of this name."""

    def register(handler: Handler) -> Handler:
        _handlers[name] = handler
        return handler

    return register


def every_poll(chore: Chore) -> Chore:
    """Register a chore that runs at every poll, before the jobs; it opens its own transactions and is quick."""
    _chores.append(chore)
    return chore


def run_chores() -> None:
    """Run all chores; one that fails is logged and does not keep the others from running."""
    for chore in _chores:
        try:
            chore()
        except SQLAlchemyError:
            raise
        except Exception:
            log.exception("chore failed", chore=chore.__name__)


def run_one(settings: Settings) -> bool:
    """Claim and run one due job; False when there was none. Needs an app context."""
    with transaction():
        job = service.claim_next(now=clock.now(), lease=settings.lease_seconds)
        if job is None:
            return False
        facts = (job.id, job.name, dict(job.arguments), job.claim, job.cursor, job.done)
    _run(settings, *facts)
    return True


def run_all(settings: Settings) -> int:
    """Run jobs until none is due and return how many ran."""
    ran = 0
    while run_one(settings):
        ran += 1
    return ran


def _run(
    settings: Settings,
    job_id: int,
    name: str,
    arguments: dict[str, Any],
    claim: str | None,
    cursor: Any,
    done: int,
) -> None:
    try:
        for progress in _handlers[name](**arguments, cursor=cursor, done=done):
            with transaction():
                kept = service.advance(
                    job_id,
                    claim=claim,
                    now=clock.now(),
                    lease=settings.lease_seconds,
                    cursor=progress.cursor,
                    done=progress.done,
                    total=progress.total,
                )
            if not kept:
                log.warning("job taken over by another worker", job=job_id, name=name)
                return
        with transaction():
            service.finish(job_id, claim=claim, now=clock.now())
        log.info("job done", job=job_id, name=name)
    except Exception as error:
        log.exception("job failed", job=job_id, name=name)
        with transaction():
            service.fail(job_id, claim=claim, now=clock.now(), error=f"{type(error).__name__}: {error}")
    finally:
        db.session.remove()


class Runner(threading.Thread):
    """Looks for due jobs every `job_poll_seconds`. With `seat`, only while this process holds the runner's seat."""

    def __init__(self, app: Flask, settings: Settings, *, seat: bool) -> None:
        super().__init__(name="jobs", daemon=True)
        self._app, self._settings, self._seat = app, settings, seat
        self._holder = uuid.uuid4().hex
        self._stopping = threading.Event()

    def run(self) -> None:
        """Loop until `stop`; a database that is away is logged and tried again."""
        while not self._stopping.wait(self._settings.job_poll_seconds):
            with self._app.app_context():
                try:
                    if not self._seat or self._sits():
                        run_chores()
                        while not self._stopping.is_set() and run_one(self._settings):
                            pass
                except SQLAlchemyError as error:
                    log.warning("jobs wait for the database", error=type(error).__name__)
                finally:
                    db.session.remove()

    def stop(self) -> None:
        """Ask the loop to end after the job at hand, wait for it, and free the seat."""
        self._stopping.set()
        self.join(timeout=self._settings.lease_seconds.total_seconds())
        if self._seat:
            with self._app.app_context(), transaction():
                service.leave_seat(SEAT, holder=self._holder, now=clock.now())

    def _sits(self) -> bool:
        with transaction():
            return service.take_seat(
                SEAT, holder=self._holder, now=clock.now(), lease=self._settings.lease_seconds
            )
