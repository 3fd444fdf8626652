"""An old backup put back: the gate closes the log and says what to do; recovery goes on in a new epoch."""

import dataclasses
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask import Flask
from sqlalchemy import create_engine, select, text, update
from sqlalchemy.engine import make_url

from consent_server import clock
from consent_server.audit.models import AuditEvent
from consent_server.cli.main import root
from consent_server.consents import records
from consent_server.db import db, transaction
from consent_server.ledger import anchor_file, append, boot, fsck, recovery
from consent_server.ledger.anchor_file import BadAnchor
from consent_server.ledger.append import LogClosed
from consent_server.ledger.boot import UnsafeDatabase
from consent_server.ledger.integrate import LogName, newest_checkpoint
from consent_server.ledger.models import Log, Receipt, SignedCheckpoint, Tile
from consent_server.ledger.tasks import integrate_logs
from consent_server.sites.models import Site
from tests import make
from tests.engines import Databases
from tests.ledger.filled import entry, found, ring


@dataclass
class Backup:
    """Copies of one app's database, as files or as PostgreSQL databases."""

    app: Flask
    databases: Databases
    folder: Path

    def take(self) -> None:
        db.session.remove()
        db.engine.dispose()
        self._copy(self._name, f"{self._name}_old")

    def put_back(self) -> None:
        """Replace the database and forget what this process knew, as a restart would."""
        db.session.remove()
        db.engine.dispose()
        self._drop(self._name)
        self._copy(f"{self._name}_old", self._name)
        restart(self.app)

    @property
    def _url(self) -> Any:
        return make_url(self.app.extensions["settings"].database_url)

    @property
    def _name(self) -> str:
        name: str = self._url.database
        return name

    def _copy(self, old: str, new: str) -> None:
        if self._url.drivername == "sqlite":
            for ending in ("", "-wal", "-shm"):
                if Path(old + ending).exists():
                    shutil.copyfile(old + ending, new + ending)
        else:
            self._execute(f'CREATE DATABASE "{new}" TEMPLATE "{old}"')

    def _drop(self, name: str) -> None:
        if self._url.drivername == "sqlite":
            for ending in ("", "-wal", "-shm"):
                Path(name + ending).unlink(missing_ok=True)
        else:
            self._execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def _execute(self, statement: str) -> None:
        server = create_engine(self._url.set(database="postgres"), isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            connection.execute(text(statement))
        server.dispose()


def restart(app: Flask) -> None:
    app.extensions.pop("anchors", None)


@pytest.fixture
def backup(live_app: Flask, databases: Databases, tmp_path: Path) -> Iterator[Backup]:
    made = Backup(live_app, databases, tmp_path)
    yield made
    db.session.remove()
    db.engine.dispose()
    old = f"{made._name}_old"
    if made._url.drivername != "sqlite":
        made._execute(f'DROP DATABASE IF EXISTS "{old}" WITH (FORCE)')


@pytest.fixture
def site(live_app: Flask) -> Site:
    made = make.ready_site("analytics")
    db.session.refresh(made)
    db.session.expunge(made)  # it stays as it is while databases come and go
    return made


def state(site: Site) -> dict[str, str]:
    rows = db.session.execute(select(Log.name, Log.state).where(Log.site_id == site.id))
    return {name.replace(site.key, "site"): state for name, state in rows}


def gate(app: Flask) -> list[str]:
    db.session.rollback()
    return boot.gate(now=clock.now())


def check(app: Flask) -> str:
    db.session.rollback()
    return found(
        fsck.check(db.session.connection(), ring(app), anchor_file=app.extensions["settings"].anchor_file)
    )


@pytest.fixture
def forked(live_app: Flask, site: Site, backup: Backup) -> list[dict[str, Any]]:
    """Three receipts, a backup, two more, and the backup put back; returns the two lost ones."""
    client = live_app.test_client()
    visitor = str(uuid.uuid4())
    for _ in range(3):
        make.decide(client, site)
    integrate_logs()
    backup.take()
    lost = [make.decide(client, site, visitor_id=visitor), make.decide(client, site)]
    integrate_logs()
    backup.put_back()
    return lost


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
    assert "restore the newest backup" in boot.ADVICE["forked"]
    assert "ledger recover" in boot.ADVICE["forked"]
    event = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "ledger.forked")).one()
    assert (event.target, event.detail) == (site.key, {"anchored": 5})


def test_a_forked_log_is_never_signed_again(
    live_app: Flask, site: Site, forked: list[dict[str, Any]]
) -> None:
    with transaction():
        append.append(append.lock_log(site.id), entry(ring(live_app), make.NOW))
    gate(live_app)

    integrate_logs()

    signed = newest_checkpoint(LogName(site.id, 1))
    assert signed is not None
    assert signed.size == 3


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
    assert signed.size == 7
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


def test_recovery_seals_opens_and_cites_and_everything_is_sound_afterwards(
    live_app: Flask, site: Site, forked: list[dict[str, Any]]
) -> None:
    gate(live_app)
    assert "the database has no such checkpoint" in check(live_app)
    settings = live_app.extensions["settings"]
    last = anchor_file.newest(settings.anchor_file)
    origin = next(iter(last))
    with transaction():
        opened = recovery.recover(
            site.key, ring=ring(live_app), anchors=settings.anchor_file, actor="command", now=clock.now()
        )
        assert (opened.epoch, opened.name, opened.origin) == (2, f"{site.key}.2", f"{origin}.2")

    assert state(site) == {"site": "sealed", "site.2": "open"}
    integrate_logs()
    assert check(live_app) == ""
    leaf = db.session.scalars(select(Receipt).where(Receipt.epoch == 2)).one()
    assert leaf.payload is not None
    claims = orjson.loads(leaf.payload)
    assert claims["schema"] == "consent-recovery/1"
    assert (claims["origin"], claims["size"], claims["kept"]) == (origin, 5, 3)
    assert claims["root"] == last[origin].root.hex()
    assert claims["checkpoint"] == last[origin].note

    client = live_app.test_client()
    answer = make.decide(client, site)
    assert answer["log_index"] == 1
    integrate_logs()
    assert check(live_app) == ""
    served = client.get(f"/log/{site.key}.2/checkpoint")
    assert served.text.startswith(f"{origin}.2\n2\n")
    restart(live_app)
    assert gate(live_app) == []


def test_only_a_forked_log_can_be_recovered(live_app: Flask, site: Site) -> None:
    arguments: dict[str, Any] = {"ring": ring(live_app), "anchors": None, "actor": "x", "now": make.NOW}
    with transaction(), pytest.raises(recovery.NotForked):
        recovery.recover(site.key, **arguments)
    with transaction(), pytest.raises(recovery.NoSuchLog):
        recovery.recover("nobody", **arguments)


def test_a_second_fork_opens_the_third_epoch(
    live_app: Flask, site: Site, forked: list[dict[str, Any]]
) -> None:
    gate(live_app)
    path = live_app.extensions["settings"].anchor_file
    for name, expected in ((site.key, f"{site.key}.2"), (f"{site.key}.2", f"{site.key}.3")):
        with transaction():
            db.session.execute(update(Log).where(Log.state == "open").values(state="forked"))
            opened = recovery.recover(
                name, ring=ring(live_app), anchors=path, actor="command", now=clock.now()
            )
            assert opened.name == expected
        integrate_logs()

    assert state(site) == {"site": "sealed", "site.2": "sealed", "site.3": "open"}
    assert check(live_app) == ""


def command(app: Flask, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[int, str, str]:
    """Run a command of the command line on this app's database."""
    from click.testing import CliRunner

    from consent_server.cli import ledger  # noqa: F401 - it adds the commands

    settings = app.extensions["settings"]
    db.session.remove()
    monkeypatch.setenv("CONSENT_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("CONSENT_KEYS_DIR", str(settings.keys_dir))
    monkeypatch.setenv("CONSENT_DATABASE_URL", settings.database_url.replace("+psycopg", ""))
    done = CliRunner().invoke(root, ["ledger", *arguments], catch_exceptions=False)
    return done.exit_code, done.stdout, done.stderr


def test_the_commands_lead_from_the_fork_to_a_sound_log_with_the_lost_receipt_back(
    live_app: Flask, site: Site, forked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lost = tmp_path / "lost.jws"
    lost.write_text(forked[0]["receipt"] + "\n")

    status, out, err = command(live_app, monkeypatch, "anchors")
    assert status == 1
    assert f"{site.key}  file  3" in out
    assert f"{site.key}: forked. The database was put back" in err
    status, out, _ = command(live_app, monkeypatch, "fsck", "--quiet")
    assert status == 1
    assert "anchor 5: the database has no such checkpoint" in out

    assert command(live_app, monkeypatch, "recover", site.key, "--yes")[1] == (
        f"{site.key} is sealed; {site.key}.2 is open\n"
    )
    assert command(live_app, monkeypatch, "reimport", str(lost))[1] == f"{lost}: stored, index 1\n"
    assert command(live_app, monkeypatch, "reimport", str(lost))[1] == f"{lost}: is there already, index 1\n"

    integrate_logs()
    status, out, err = command(live_app, monkeypatch, "fsck")
    assert (status, out.splitlines()[-1].rpartition(": ")[2]) == (0, "nothing is wrong"), out
    assert f"{site.key}.2: 2 of 2" in err
    status, out, _ = command(live_app, monkeypatch, "fsck", "--json", "--quiet", f"{site.key}.2")
    assert orjson.loads(out)["clean"]
    record = records.find(site.id, records.VISITOR, forked[0]["visitor_id"])
    assert record is not None
    assert record.state["purposes"]["analytics"]["choice"] == "granted"
    assert (record.epoch, record.idx) == (2, 1)


def recovered(app: Flask, site: Site) -> None:
    gate(app)
    with transaction():
        recovery.recover(
            site.key,
            ring=ring(app),
            anchors=app.extensions["settings"].anchor_file,
            actor="command",
            now=clock.now(),
        )


def test_a_receipt_that_comes_back_does_not_undo_a_later_withdrawal(
    live_app: Flask, site: Site, forked: list[dict[str, Any]]
) -> None:
    from consent_server.consents.restoring import restore_state

    recovered(live_app, site)
    client = live_app.test_client()
    visitor = forked[0]["visitor_id"]
    denied = {"action": "withdraw", "choices": {"analytics": "denied"}, "layer": "preferences"}
    make.decide(client, site, visitor_id=visitor, **denied)

    with transaction():
        found = recovery.reimport(forked[0]["receipt"], ring=ring(live_app), actor="command", now=clock.now())
        restore_state(found.claims, now=clock.now())

    assert (found.created, found.epoch, found.idx) == (True, 2, 2)
    record = records.find(site.id, records.VISITOR, visitor)
    assert record is not None
    assert record.state["purposes"]["analytics"]["choice"] == "denied"


def test_only_what_we_signed_and_what_does_not_contradict_is_taken_back(
    live_app: Flask, site: Site, forked: list[dict[str, Any]]
) -> None:
    recovered(live_app, site)
    client = live_app.test_client()
    text_, arguments = forked[0]["receipt"], {"ring": ring(live_app), "actor": "x", "now": clock.now()}
    other = make.decide(client, site, receipt_id=forked[1]["receipt_id"])
    assert other["receipt_id"] == forked[1]["receipt_id"]

    for wrong in ("", "a.b.c", text_[:-2] + ("AA" if not text_.endswith("AA") else "BB")):
        with transaction(), pytest.raises(recovery.NotOurs):
            recovery.reimport(wrong, **arguments)
    with transaction(), pytest.raises(recovery.OtherEntry):
        recovery.reimport(forked[1]["receipt"], **arguments)


def test_an_anchor_that_we_did_not_sign_stops_the_start(
    live_app: Flask, site: Site, forked: list[dict[str, Any]]
) -> None:
    path = live_app.extensions["settings"].anchor_file
    head = next(iter(anchor_file.newest(path).values()))
    anchor_file.append(path, [dataclasses.replace(head, size=9)])
    with pytest.raises(BadAnchor, match="was changed after it was signed"):
        gate(live_app)

    anchor_file.append(path, [dataclasses.replace(head, size=10, note=head.note.replace("\n5\n", "\n10\n"))])
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
