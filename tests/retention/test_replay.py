"""The file of erasures, and its replay into a database that was restored from an older backup."""

import shutil
import uuid
from pathlib import Path

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from consent_server.db import db, transaction
from consent_server.ledger import append, jws
from consent_server.ledger.models import Receipt
from consent_server.retention import kept, replay, service, tasks
from consent_server.retention.models import Erasure
from consent_server.retention.rules import EraseLeaf
from consent_server.sites.models import Site
from tests import make
from tests.conftest import BuildApp
from tests.engines import Databases
from tests.retention import people


def erase(site: Site, visitor: uuid.UUID) -> None:
    with transaction():
        service.erase_visitor(site, visitor, ring=people.ring(), now=make.later(1), actor="command")


def keep(path: Path) -> int:
    return kept.keep(path, ring=people.ring(), now=make.later(1))


def again(path: Path) -> replay.Report:
    with path.open("rb") as lines:
        return replay.replay(lines, ring=people.ring(), now=make.later(2), actor="command")


def lines_of(path: Path) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def test_every_erasure_stands_in_the_file_once_and_names_no_person(
    client: FlaskClient, tmp_path: Path
) -> None:
    site, file = make.ready_site(), tmp_path / "erasures.jsonl"
    gone = people.known(client, site, "user-1")
    entry = people.receipts(site)[0].entry.hex()
    erase(site, gone)

    assert keep(file) == 1
    assert keep(file) == 0

    assert lines_of(file)[0]["entries"] == [entry]
    parsed = jws.parse(str(lines_of(file)[0]["receipt"]))
    assert jws.signer(people.ring(), parsed) is not None
    assert parsed.claims["indexes"] == [make.first_index(site)]
    text = file.read_text()
    assert str(gone) not in text
    assert "user-1" not in text
    assert not kept.has_unkept()


def test_what_a_crash_left_out_of_the_file_is_written_by_the_next_poll(
    app: Flask, client: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, file = make.ready_site(), tmp_path / "erasures.jsonl"
    erase(site, people.decide(client, site))
    chosen = app.extensions["settings"]
    monkeypatch.setitem(
        app.extensions, "settings", type(chosen)(**(vars(chosen) | {"erasure_file": str(file)}))
    )

    tasks.keep_erasures()

    assert len(lines_of(file)) == 1


def test_a_line_that_a_crash_cut_off_does_not_spoil_the_next(client: FlaskClient, tmp_path: Path) -> None:
    site, file = make.ready_site(), tmp_path / "erasures.jsonl"
    erase(site, people.decide(client, site))
    file.write_bytes(b'{"log":"cut o')

    keep(file)

    report = again(file)
    assert (report.lines, report.already, report.clean) == (2, 1, False)
    assert report.refused == ["line 1: not an erasure (JSONDecodeError)"]


def test_a_file_that_cannot_be_written_keeps_the_erasure_waiting(client: FlaskClient, tmp_path: Path) -> None:
    site = make.ready_site()
    erase(site, people.decide(client, site))

    with pytest.raises(OSError, match="No such file"):
        keep(tmp_path / "missing" / "erasures.jsonl")

    assert kept.has_unkept()


@pytest.fixture
def restored(
    engine: str, build_app: BuildApp, databases: Databases, tmp_path: Path
) -> tuple[Flask, dict[str, object]]:
    """A server on a backup that was taken before an erasure, and what is known about it."""
    live = build_app(engine)
    with live.app_context():
        client = live.test_client()
        site = make.ready_site()
        gone = people.known(client, site, "user-1")
        other = people.decide(client, site)
        key = site.key
        db.session.remove()
        db.engine.dispose()
        backup = tmp_path / "backup.sqlite3"
        shutil.copyfile(live.extensions["settings"].database_url.removeprefix("sqlite:///"), backup)
        late = people.decide(client, site)  # after the backup: lost by the restore
        erase(site, gone)
        erase(site, late)
        file = tmp_path / "erasures.jsonl"
        assert keep(file) == 2
        db.session.remove()
    app = build_app(engine, database_url=f"sqlite:///{backup}")
    return app, {"site": key, "gone": gone, "other": other, "file": file}


@pytest.mark.engines("sqlite")  # its file is the backup; the code under test is the same on both
def test_a_restored_backup_is_blanked_again(restored: tuple[Flask, dict[str, object]]) -> None:
    app, known = restored
    with app.app_context():
        site = db.session.scalars(select(Site)).one()
        assert people.everything_about(site, str(known["gone"]), "user-1") == [str(known["gone"]), "user-1"]

        report = again(known["file"])  # type: ignore[arg-type]  # a path

        assert (report.lines, report.blanked, report.absent, report.clean) == (2, 1, 1, True)
        assert people.everything_about(site, str(known["gone"]), "user-1") == []
        assert people.holders(site) == {("visitor", str(known["other"]))}
        assert people.leaves(site) == [EraseLeaf(site.key, 1, (make.first_index(site),))]

        second = again(known["file"])  # type: ignore[arg-type]  # a path
        assert (second.blanked, second.already) == (0, 1)
        assert len(people.leaves(site)) == 1
        db.session.remove()


@pytest.mark.engines("sqlite")
def test_another_receipt_at_the_erased_index_is_left_alone(
    restored: tuple[Flask, dict[str, object]],
) -> None:
    app, known = restored
    with app.app_context():
        site = db.session.scalars(select(Site)).one()
        stranger = people.decide(app.test_client(), site)  # takes the index of the one that was lost

        report = again(known["file"])  # type: ignore[arg-type]  # a path

        assert (report.blanked, report.absent) == (1, 1)
        assert people.receipts(site)[2].visitor_id == stranger
        db.session.remove()


def test_an_erased_receipt_that_came_back_at_another_index_is_found(
    client: FlaskClient, tmp_path: Path
) -> None:
    site, file = make.ready_site(), tmp_path / "erasures.jsonl"
    gone = people.decide(client, site)
    payload = people.receipts(site)[0].payload
    assert payload is not None
    erase(site, gone)
    keep(file)
    with transaction():
        log = append.lock_log(site.id)
        append.append(log, append.Entry(uuid.uuid4(), gone, make.NOW, people.ring().receipt_key.kid, payload))

    report = again(file)

    assert (report.blanked, report.already) == (1, 1)
    assert people.leaves(site)[-1].indexes == (make.first_index(site) + 2,)
    assert people.everything_about(site, str(gone)) == []


def test_lines_that_nobody_of_ours_signed_are_refused(client: FlaskClient, tmp_path: Path) -> None:
    site, file = make.ready_site(), tmp_path / "erasures.jsonl"
    victim = people.decide(client, site)
    gone = people.decide(client, site)
    ours = make.decide(client, site)["receipt"]
    erase(site, gone)
    keep(file)
    good = lines_of(file)[0]
    signed = str(good["receipt"])
    head, body, signature = signed.split(".")
    forged = f"{head}.{body[:-2]}AA.{signature}"
    bad = [
        b"not json",
        b"[]",
        b"{}",
        orjson.dumps(good | {"receipt": forged}),
        orjson.dumps(good | {"receipt": ours}),
        orjson.dumps(good | {"entries": []}),
        orjson.dumps(good | {"entries": ["x"]}),
        orjson.dumps(good | {"entries": None}),
    ]

    report = replay.replay(bad, ring=people.ring(), now=make.NOW, actor="command")

    assert len(report.refused) == len(bad)
    assert report.blanked == 0
    assert people.receipts(site)[0].visitor_id == victim


def test_lines_of_a_site_that_this_database_does_not_have(client: FlaskClient, tmp_path: Path) -> None:
    site, file = make.ready_site(), tmp_path / "erasures.jsonl"
    erase(site, people.decide(client, site))
    keep(file)
    with transaction():
        db.session.execute(update(Site).where(Site.id == site.id).values(key="s_elsewhere"))

    report = again(file)

    assert (report.absent, report.clean) == (1, True)


def test_the_database_notes_what_is_kept(client: FlaskClient, tmp_path: Path) -> None:
    site = make.ready_site()
    erase(site, people.decide(client, site))
    keep(tmp_path / "erasures.jsonl")

    noted = db.session.scalars(select(Erasure).where(Erasure.site_id == site.id)).one()
    leaf = db.session.get(Receipt, (site.id, noted.epoch, noted.idx))

    assert noted.kept_at == make.later(1)
    assert leaf is not None
    assert leaf.payload is not None
