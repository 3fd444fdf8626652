"""Jobs of retention: the daily sweep over all sites, and the file of erasures kept up to date."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import structlog
from flask import current_app
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from consent_server import clock
from consent_server.db import db, transaction
from consent_server.jobs import service as jobs
from consent_server.jobs.runner import Progress, every_poll, handles
from consent_server.keys import KeyRing
from consent_server.ledger.append import LogClosed
from consent_server.retention import kept, sweeping
from consent_server.sites.models import Site

log = structlog.get_logger(__name__)
SWEEP = "retention.sweep"
_enqueued: dict[str, date] = {}  # by database: the day whose sweep this process knows to be queued


@handles(SWEEP)
def sweep(cursor: Any, done: int) -> Iterator[Progress]:
    """Erase every receipt whose retention is over; sites in turn, a page a transaction."""
    at: int = cursor[0] if cursor else 0
    place = (cursor[1], cursor[2]) if cursor and len(cursor) > 1 else None
    while True:
        site_id = _site_from(at)
        if site_id is None:
            return
        if site_id != at:
            at, place = site_id, None
        try:
            place, seen = _step(site_id, place)
        except LogClosed as error:
            log.error("receipts not erased by age", site=site_id, reason=str(error))
            place, seen = None, 0
        done += seen
        if place is None:
            at += 1
            yield Progress([at], done, done)
        else:
            yield Progress([at, *place], done, done)


def _step(site_id: int, place: sweeping.Where | None) -> tuple[sweeping.Where | None, int]:
    ring: KeyRing = current_app.extensions["keys"]
    instant = clock.now()
    with transaction():
        site = db.session.get_one(Site, site_id)
        if place is None:
            place = sweeping.start(site_id)
            sweeping.forget_old_jobs(site_id, now=instant)
        swept = sweeping.sweep_page(site, place, ring=ring, now=instant)
    return swept.after, swept.seen


def _site_from(site_id: int) -> int | None:
    found = db.session.scalar(select(Site.id).where(Site.id >= site_id).order_by(Site.id).limit(1))
    db.session.rollback()
    return found


@every_poll
def enqueue_sweep() -> None:
    """Queue today's sweep, once in the whole fleet."""
    instant = clock.now()
    database, today = str(current_app.extensions["settings"].database_url), instant.date()
    if _enqueued.get(database) == today:
        return
    try:
        with transaction():
            jobs.enqueue(SWEEP, {}, now=instant, dedup=f"{SWEEP}:{today.isoformat()}")
    except IntegrityError:
        log.info("another process queued the sweep")
    _enqueued[database] = today


@every_poll
def keep_erasures() -> None:
    """Write erase leaves that are not in the file of erasures yet, where there is to be one."""
    path = current_app.extensions["settings"].erasure_file
    if path and kept.has_unkept():
        kept.keep(Path(path), ring=current_app.extensions["keys"], now=clock.now())
    db.session.rollback()
