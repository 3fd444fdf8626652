"""Anchor signed checkpoints outside the database, after the transaction that stored them has committed.

The file comes first and at once: every checkpoint, one fsync for all. The git repository and the HTTP address are slow
and may be away, so they get the newest heads once a minute, on a thread of their own. Whatever is not acknowledged is
written again: the same head twice does no harm.
"""

import threading
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import structlog
from flask import Flask, current_app
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.exc import IntegrityError

from consent_server import clock
from consent_server.config import Settings
from consent_server.db import db, transaction
from consent_server.ledger import anchor_file, anchor_sinks
from consent_server.ledger.anchor_file import Head
from consent_server.ledger.anchor_sinks import NotAnchored
from consent_server.ledger.integrate import LogName
from consent_server.ledger.models import Anchor, Log, SignedCheckpoint

log = structlog.get_logger(__name__)
FILE, GIT, HTTP = "file", "git", "http"
EVERY = timedelta(minutes=1)
BATCH = 500


class Anchors:
    """What this process still has to anchor where. Lives in `app.extensions["anchors"]`."""

    def __init__(self, settings: Settings) -> None:
        wanted = {FILE: settings.anchor_file, GIT: settings.anchor_git, HTTP: settings.anchor_url}
        self.settings = settings
        self.todo: dict[str, set[LogName]] = {sink: set() for sink, where in wanted.items() if where}
        self.reached: dict[
            str, int
        ] = {}  # by origin, the largest size this process wrote or read in the file
        self.primed = False
        self.remote_at: datetime | None = None
        self.remote: threading.Thread | None = None


def of_app() -> Anchors:
    """Return the app's."""
    extensions = current_app.extensions
    if "anchors" not in extensions:
        extensions["anchors"] = Anchors(extensions["settings"])
    found: Anchors = extensions["anchors"]
    return found


def anchor_new(signed: Iterable[LogName], *, now: datetime) -> None:
    """Anchor what was just signed, and what an earlier run or process left; called at every poll."""
    state = of_app()
    if not state.primed:
        signed, state.primed = [*signed, *_all_signed()], True
    names = set(signed)
    for waiting in state.todo.values():
        waiting |= names
    if state.todo.get(FILE):
        write_file(state, now=now)
    due = state.remote_at is None or now >= state.remote_at + EVERY
    busy = state.remote is not None and state.remote.is_alive()
    if due and not busy and (state.todo.get(GIT) or state.todo.get(HTTP)):
        state.remote_at = now
        app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # a thread needs the app itself
        state.remote = threading.Thread(target=_remote_thread, args=(app,), name="anchors", daemon=True)
        state.remote.start()


def write_file(state: Anchors, *, now: datetime) -> None:
    """Append every checkpoint that is not in the file yet; on a full disk, say so and try again next time."""
    path = state.settings.anchor_file
    while path is not None and state.todo[FILE]:
        names = sorted(state.todo[FILE], key=lambda each: (each.site_id, each.epoch))[:BATCH]
        found = {name: heads for name in names if (heads := pending(name, FILE))}
        state.todo[FILE] -= set(names) - set(found)
        if not found:
            continue
        try:
            size = anchor_file.append(path, [head for heads in found.values() for head in heads])
        except (OSError, anchor_file.BadAnchor) as error:
            log.error("not anchored", sink=FILE, error=str(error))
            return
        for name, heads in found.items():
            _acknowledge(name, FILE, heads, ack=f"{size} bytes", now=now)
            state.reached[heads[0].origin] = heads[-1].size


def send_remote(state: Anchors, *, now: datetime) -> None:
    """Bring the newest heads to the repository and the address."""
    for sink in (GIT, HTTP):
        names = sorted(state.todo.get(sink, ()), key=lambda each: (each.site_id, each.epoch))
        heads = {name: found[-1] for name in names if (found := newest_pending(name, sink))}
        state.todo.get(sink, set()).difference_update(set(names) - set(heads))
        db.session.rollback()  # the other side may take its time; hold no transaction meanwhile
        try:
            if heads and sink == GIT:
                folder = state.settings.data_dir / "anchors"
                ack = anchor_sinks.push(state.settings.anchor_git, folder, list(heads.values()))
                for name, head in heads.items():
                    _sent(state, name, sink, head, ack, now)
            elif sink == HTTP:
                for name, head in heads.items():
                    _sent(state, name, sink, head, anchor_sinks.post(state.settings.anchor_url, head), now)
        except NotAnchored as error:
            log.error("not anchored", sink=sink, error=str(error))


def pending(name: LogName, sink: str) -> list[Head]:
    """Return the next checkpoints of a log that this sink has not acknowledged, smallest first."""
    return _heads(name, SignedCheckpoint.size > _acknowledged(name, sink), newest=False)


def newest_pending(name: LogName, sink: str) -> list[Head]:
    """Return the log's newest checkpoint if this sink has not acknowledged it."""
    return _heads(name, SignedCheckpoint.size > _acknowledged(name, sink), newest=True)


def acknowledged() -> Sequence[tuple[str, str, int, datetime]]:
    """Return log, sink, largest acknowledged size and its instant, for a list."""
    rows = db.session.execute(
        select(Log.name, Anchor.sink, func.max(Anchor.size), func.max(Anchor.at))
        .join(Anchor, (Anchor.site_id == Log.site_id) & (Anchor.epoch == Log.epoch))
        .group_by(Log.name, Anchor.sink)
        .order_by(Log.name, Anchor.sink)
    ).all()
    return [(name, sink, size, at) for name, sink, size, at in rows]


def _all_signed() -> list[LogName]:
    rows = db.session.execute(select(Log.site_id, Log.epoch).where(Log.state == "open", Log.size > 0)).all()
    return [LogName(*row) for row in rows]


def _acknowledged(name: LogName, sink: str) -> int:
    return (
        db.session.scalar(
            select(func.max(Anchor.size)).where(
                Anchor.site_id == name.site_id, Anchor.epoch == name.epoch, Anchor.sink == sink
            )
        )
        or 0
    )


def _heads(name: LogName, wanted: ColumnElement[bool], *, newest: bool) -> list[Head]:
    order = SignedCheckpoint.size.desc() if newest else SignedCheckpoint.size
    rows = db.session.execute(
        select(
            Log.origin,
            SignedCheckpoint.size,
            SignedCheckpoint.root,
            SignedCheckpoint.signed_at,
            SignedCheckpoint.note,
        )
        .join(Log, (Log.site_id == SignedCheckpoint.site_id) & (Log.epoch == SignedCheckpoint.epoch))
        .where(SignedCheckpoint.site_id == name.site_id, SignedCheckpoint.epoch == name.epoch, wanted)
        .order_by(order)
        .limit(1 if newest else BATCH)
    ).all()
    return [Head(*row) for row in rows]


def _sent(state: Anchors, name: LogName, sink: str, head: Head, ack: str, now: datetime) -> None:
    _acknowledge(name, sink, [head], ack=ack, now=now)
    state.todo[sink].discard(name)


def _acknowledge(name: LogName, sink: str, heads: Sequence[Head], *, ack: str, now: datetime) -> None:
    try:
        with transaction():
            for head in heads:
                db.session.add(
                    Anchor(site_id=name.site_id, epoch=name.epoch, sink=sink, size=head.size, ack=ack, at=now)
                )
    except IntegrityError:
        log.info("anchored by another process too", sink=sink, site=name.site_id)


def _remote_thread(app: Flask) -> None:
    with app.app_context():
        try:
            send_remote(of_app(), now=clock.now())
        except Exception:
            log.exception("anchoring failed")
        finally:
            db.session.remove()
