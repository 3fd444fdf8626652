"""After a fork: the old log is sealed, the next one cites what was lost, and holders bring their receipts back."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import update

from consent_server import clock
from consent_server.cli import ledger  # noqa: F401 - it adds the commands
from consent_server.cli.root import root
from consent_server.consents import records
from consent_server.consents.restoring import restore_state
from consent_server.db import db, transaction
from consent_server.ledger import anchor_file, append, recovery
from consent_server.ledger.models import Log, Receipt
from consent_server.ledger.tasks import integrate_logs
from consent_server.sites.models import Site
from tests import make
from tests.ledger.backups import check, gate, restart, state
from tests.ledger.filled import ring


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
    leaf = db.session.get_one(Receipt, (site.id, 2, 0))
    assert leaf.payload is not None
    claims, start = orjson.loads(leaf.payload), make.first_index(site)
    assert claims["schema"] == "consent-recovery/1"
    assert (claims["origin"], claims["size"], claims["kept"]) == (origin, start + 5, start + 3)
    assert claims["root"] == last[origin].root.hex()
    assert claims["checkpoint"] == last[origin].note

    client = live_app.test_client()
    answer = make.decide(client, site)
    assert answer["log_index"] == make.first_index(site, epoch=2) > 1  # the new log tells of everything again
    integrate_logs()
    assert check(live_app) == ""
    served = client.get(f"/log/{site.key}.2/checkpoint")
    assert served.text.startswith(f"{origin}.2\n{answer['log_index'] + 1}\n")
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
    assert f"{site.key}  file  {make.first_index(site) + 3}" in out
    assert f"{site.key}: forked. The database was put back" in err
    status, out, _ = command(live_app, monkeypatch, "fsck", "--quiet")
    assert status == 1
    lost_head = make.first_index(site) + 5
    assert f"anchor {lost_head}: the database has no such checkpoint" in out

    assert command(live_app, monkeypatch, "recover", site.key, "--yes")[1] == (
        f"{site.key} is sealed; {site.key}.2 is open\n"
    )
    stored = command(live_app, monkeypatch, "reimport", str(lost))[1]
    again = command(live_app, monkeypatch, "reimport", str(lost))[1]
    index = make.first_index(site, epoch=2)
    assert (stored, again) == (
        f"{lost}: stored, index {index}\n",
        f"{lost}: is there already, index {index}\n",
    )

    integrate_logs()
    status, out, err = command(live_app, monkeypatch, "fsck")
    assert (status, out.splitlines()[-1].rpartition(": ")[2]) == (0, "nothing is wrong"), out
    size = make.first_index(site, epoch=2) + 1
    assert f"{site.key}.2: {size} of {size}" in err
    status, out, _ = command(live_app, monkeypatch, "fsck", "--json", "--quiet", f"{site.key}.2")
    assert orjson.loads(out)["clean"]
    record = records.find(site.id, records.VISITOR, forked[0]["visitor_id"])
    assert record is not None
    assert record.state["purposes"]["analytics"]["choice"] == "granted"
    assert (record.epoch, record.idx) == (2, make.first_index(site, epoch=2))


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
    recovered(live_app, site)
    client = live_app.test_client()
    visitor = forked[0]["visitor_id"]
    denied = {"action": "withdraw", "choices": {"analytics": "denied"}, "layer": "preferences"}
    make.decide(client, site, visitor_id=visitor, **denied)

    with transaction():
        found = recovery.reimport(forked[0]["receipt"], ring=ring(live_app), actor="command", now=clock.now())
        restore_state(found.claims, now=clock.now())

    assert (found.created, found.epoch, found.idx) == (True, 2, make.first_index(site, epoch=2) + 1)
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


def test_a_command_that_appends_passes_the_gate_first(
    live_app: Flask, site: Site, forked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lost = tmp_path / "lost.jws"
    lost.write_text(forked[0]["receipt"] + "\n")

    with pytest.raises(append.LogClosed):
        command(live_app, monkeypatch, "reimport", str(lost))

    assert state(site) == {"site": "forked"}
