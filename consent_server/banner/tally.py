"""What is counted of tags on pages: where they are asked for, and errors of their own. In memory; stored each minute.

A request costs an addition. Each web process has a thread that adds what it has counted to the database, so a process
that is killed loses a minute's counts and nothing else. There is nothing personal in any of it: sites, builds, the site's
own origins, days, and kinds from a fixed list.
"""

import threading
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

import structlog
from flask import Flask
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import SQLAlchemyError

from consent_server import clock
from consent_server.banner.builds import is_known_build
from consent_server.banner.models import TagError, TagSighting
from consent_server.db import db, is_sqlite, transaction

log = structlog.get_logger(__name__)
KINDS = ("start", "script", "module", "policy")
KEPT = timedelta(days=90)
EVERY = 60.0  # seconds
MOST = 10_000  # kinds of rows in memory; what comes beyond is not counted
Sighting = tuple[int, str, str]  # site id, origin, build in hex
Error = tuple[int, str, str]  # site id, kind, build in hex


class Tally:
    """The counts of this process since they were last stored."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sightings: Counter[Sighting] = Counter()
        self._errors: Counter[Error] = Counter()

    def seen(self, site_id: int, origin: str, build: str) -> None:
        """Count a request for a tag."""
        self._count(self._sightings, (site_id, origin, build))

    def failed(self, site_id: int, kind: str, build: str) -> None:
        """Count a reported error."""
        self._count(self._errors, (site_id, kind, build))

    def store(self, *, now: datetime) -> None:
        """Add the counts to the database, in one transaction for each site, and drop what is older than `KEPT`."""
        with self._lock:
            sightings, self._sightings = self._sightings, Counter()
            errors, self._errors = self._errors, Counter()
        rows = sorted(
            [("seen", *key, n) for key, n in sightings.items()]
            + [("failed", *key, n) for key, n in errors.items()],
            key=lambda row: row[1],
        )
        for site_id, counted in groupby(rows, key=lambda row: row[1]):
            with transaction():
                for what, _, name, build, n in counted:
                    _add(what, site_id, name, build, n, now=now)
                db.session.execute(
                    delete(TagSighting).where(
                        TagSighting.site_id == site_id, TagSighting.seen_at < now - KEPT
                    )
                )
                db.session.execute(
                    delete(TagError).where(TagError.site_id == site_id, TagError.day < (now - KEPT).date())
                )

    def forget(self) -> None:
        """Drop the counts: for tests, which roll the sites back."""
        with self._lock:
            self._sightings.clear()
            self._errors.clear()

    def _count(self, counter: "Counter[Any]", key: tuple[int, str, str]) -> None:
        with self._lock:
            if key in counter or len(counter) < MOST:
                counter[key] += 1


def _add(what: str, site_id: int, name: str, build: str, n: int, *, now: datetime) -> None:
    """Add to one row; a build that this site never served counts as none, whoever says so."""
    insert = sqlite_insert if is_sqlite() else postgresql_insert
    known = bytes.fromhex(build) if is_known_build(site_id, build) else b""
    if what == "seen":
        new = insert(TagSighting).values(site_id=site_id, origin=name, build=known, requests=n, seen_at=now)
        changed = {"requests": TagSighting.requests + n, "seen_at": now}
        db.session.execute(
            new.on_conflict_do_update(index_elements=["site_id", "origin", "build"], set_=changed)
        )
        return
    new = insert(TagError).values(site_id=site_id, day=now.date(), kind=name, build=known, reports=n)
    changed = {"reports": TagError.reports + n}
    db.session.execute(
        new.on_conflict_do_update(index_elements=["site_id", "day", "kind", "build"], set_=changed)
    )


def sightings(site_id: int) -> Sequence[TagSighting]:
    """Return where a site's tag was asked for, the last first."""
    return db.session.scalars(
        select(TagSighting)
        .where(TagSighting.site_id == site_id)
        .order_by(TagSighting.seen_at.desc(), TagSighting.origin)
    ).all()


def errors(site_id: int) -> Sequence[TagError]:
    """Return the reported errors of a site's tag, the newest day first."""
    return db.session.scalars(
        select(TagError)
        .where(TagError.site_id == site_id)
        .order_by(TagError.day.desc(), TagError.kind, TagError.build)
    ).all()


class Clerk(threading.Thread):
    """Stores a process's counts from time to time."""

    def __init__(self, app: Flask) -> None:
        super().__init__(name="tally", daemon=True)
        self._app = app
        self._stopping = threading.Event()

    def run(self) -> None:
        """Loop until `stop`; counts that meet a database that is away are lost, which is logged."""
        while not self._stopping.wait(EVERY):
            with self._app.app_context():
                try:
                    tally_of(self._app).store(now=clock.now())
                except SQLAlchemyError as error:
                    log.warning("counts of tags are lost", error=type(error).__name__)
                finally:
                    db.session.remove()

    def stop(self) -> None:
        """End the loop."""
        self._stopping.set()


def tally_of(app: Flask) -> Tally:
    """Return the application's counts."""
    found: Tally = app.extensions["tally"]
    return found
