"""The gate at start: an old backup that was put back closes the log, and the server says what to do."""

import dataclasses
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text, update

from consent_server.audit.models import AuditEvent
from consent_server.db import db, transaction
from consent_server.ledger import anchor_file, append, boot, fsck
from consent_server.ledger.advice import ADVICE
from consent_server.ledger.anchor_file import BadAnchor
from consent_server.ledger.append import LogClosed
from consent_server.ledger.boot import UnsafeDatabase
from consent_server.ledger.integrate import LogName, newest_checkpoint
from consent_server.ledger.models import Log, SignedCheckpoint, Tile
from consent_server.ledger.tasks import integrate_logs
from consent_server.sites.models import Site
from tests import make
from tests.ledger.backups import Backup, check, gate, restart, state
from tests.ledger.filled import entry, found, ring


def test_a_sound_database_opens(live_app: Flask, site: Site) -> None:
    client = live_app.test_client()
    make.decide(client, site)
    integrate_logs()
    restart(live_app)

    assert gate(live_app) == []

    make.decide(client, site)  # more than was anchored is no fork
    restart(live_app)
    assert gate(live_app) == []
    assert check(live_app) == ""


def test_an_old_backup_is_refused_and_the_refusal_says_what_to_do(
    live_app: Flask, site: Site, forked: list[dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    assert gate(live_app) == [site.key]

    assert state(site) == {"site": "forked"}
    with transaction(), pytest.raises(LogClosed):
        append.lock_log(site.id)
    client = live_app.test_client()
    answer = make.post(client, site, make.body(client, site))
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["type"].endswith("log-closed")
    assert "restore the newest backup" in ADVICE["forked"]
    assert "ledger recover" in ADVICE["forked"]
    event = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "ledger.forked")).one()
    assert (event.target, event.detail) == (site.key, {"anchored": make.first_index(site) + 5})


def test_a_forked_log_is_never_signed_again(
    live_app: Flask, site: Site, forked: list[dict[str, Any]]
) -> None:
    with transaction():
        append.append(append.lock_log(site.id), entry(ring(live_app), make.NOW))
    gate(live_app)

    integrate_logs()

    signed = newest_checkpoint(LogName(site.id, 1))
    assert signed is not None
    assert signed.size == make.first_index(site) + 3


def test_a_database_put_back_under_a_running_server_is_noticed_before_anything_is_signed(
    live_app: Flask, site: Site, forked: list[dict[str, Any]]
) -> None:
    gate(live_app)
    with transaction():  # as if the process had not been started again
        db.session.execute(update(Log).values(state="open"))
        append.append(append.lock_log(site.id), entry(ring(live_app), make.NOW))

    integrate_logs()

    assert state(site) == {"site": "forked"}
    assert len(db.session.scalars(select(SignedCheckpoint)).all()) == 1


def test_the_newest_backup_opens_again(
    live_app: Flask, site: Site, backup: Backup, forked: list[dict[str, Any]]
) -> None:
    path = live_app.extensions["settings"].anchor_file
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:1]))  # as if nothing had been anchored after the backup

    assert gate(live_app) == []
    assert state(site) == {"site": "open"}


def test_a_larger_log_with_another_tree_is_a_fork(
    live_app: Flask, site: Site, forked: list[dict[str, Any]]
) -> None:
    client = live_app.test_client()
    for _ in range(4):
        make.decide(client, site)
    integrate_logs()
    signed = newest_checkpoint(LogName(site.id, 1))
    assert signed is not None
    assert signed.size == make.first_index(site) + 7
    path = live_app.extensions["settings"].anchor_file
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:2]))  # the head of five leaves that only the lost database had
    restart(live_app)

    assert gate(live_app) == [site.key]


def test_a_cut_tile_does_not_pass_the_gate(live_app: Flask, site: Site) -> None:
    with transaction():
        entries = [entry(ring(live_app), make.NOW) for _ in range(600)]
        append.append_many(append.lock_log(site.id), entries)
    integrate_logs()
    restart(live_app)
    assert gate(live_app) == []

    db.session.execute(update(Tile).where(Tile.n == 1).values(root=bytes(32), hashes=bytes(8192)))
    db.session.commit()

    assert gate(live_app) == [site.key]


def test_an_anchor_that_we_did_not_sign_stops_the_start(
    live_app: Flask, site: Site, forked: list[dict[str, Any]]
) -> None:
    path = live_app.extensions["settings"].anchor_file
    head = next(iter(anchor_file.newest(path).values()))
    anchor_file.append(path, [dataclasses.replace(head, size=head.size + 4)])
    with pytest.raises(BadAnchor, match="was changed after it was signed"):
        gate(live_app)

    note = head.note.replace(f"\n{head.size}\n", f"\n{head.size + 5}\n")
    anchor_file.append(path, [dataclasses.replace(head, size=head.size + 5, note=note)])
    with pytest.raises(BadAnchor, match="does not count"):
        gate(live_app)


def test_the_start_checks_that_the_database_keeps_what_it_acknowledges(live_app: Flask) -> None:
    engine = db.engine
    if engine.dialect.name == "sqlite":
        boot.check(live_app)
        with engine.connect() as connection:
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("PRAGMA synchronous=NORMAL")
            connection.exec_driver_sql("BEGIN")
            with pytest.raises(UnsafeDatabase, match="synchronous is 1"):
                boot.check_durability(connection)
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("PRAGMA synchronous=FULL")
            connection.exec_driver_sql("BEGIN")
        return
    with engine.connect() as connection:
        fsync = connection.scalar(text("SHOW fsync"))
    if fsync == "off":  # the server that the tests start is lazy about its disk
        with pytest.raises(UnsafeDatabase, match="PostgreSQL's fsync is off"):
            boot.check(live_app)
    kept = live_app.extensions["settings"]
    live_app.extensions["settings"] = dataclasses.replace(kept, allow_unsafe_database=True)
    assert boot.check(live_app) == []
    live_app.extensions["settings"] = kept


def test_what_the_gate_is_for_is_not_seen_from_inside(
    live_app: Flask, site: Site, forked: list[dict[str, Any]]
) -> None:
    settings = live_app.extensions["settings"]
    report = fsck.check(db.session.connection(), ring(live_app))

    assert report.clean  # without the anchor, an old backup is a sound log
    assert "no such checkpoint" in found(
        fsck.check(db.session.connection(), ring(live_app), anchor_file=settings.anchor_file)
    )
