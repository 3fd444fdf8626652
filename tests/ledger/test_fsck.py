"""fsck on sound logs and on logs that somebody with the database's password has changed."""

import hashlib
import itertools
import uuid
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import ColumnElement, delete, insert, select, update

from consent_server.db import db, transaction
from consent_server.ledger import append, fsck, merkle, tiles
from consent_server.ledger.integrate import LogName
from consent_server.ledger.models import Log, Receipt, SignedCheckpoint, Tile, Tree
from consent_server.ledger.tasks import integrate_logs
from consent_server.retention import service as retention
from tests import make
from tests.ledger.filled import Filled, disarm, entry, fill, filled, found, sign


@pytest.fixture
def log(app: Flask, tmp_path: Path) -> Filled:
    made = filled(app, tmp_path, 100, 200, 230)
    disarm()
    return made


def at(idx: int) -> ColumnElement[bool]:
    return (Receipt.epoch == 1) & (Receipt.idx == idx)


def test_a_sound_log_has_no_findings_and_everything_was_looked_at(log: Filled) -> None:
    report = log.check()

    assert found(report) == ""
    assert report.clean
    assert (report.logs, report.leaves, report.checkpoints, report.anchors) == (1, 530, 3, 3)


def test_what_visitors_and_erasure_leave_behind_is_sound(
    app: Flask, client: FlaskClient, tmp_path: Path
) -> None:
    site = make.ready_site("analytics")
    gone = str(uuid.uuid4())
    for visitor in (gone, None, None, gone):
        make.decide(client, site, **({"visitor_id": visitor} if visitor else {}))
    integrate_logs()
    with transaction():
        retention.erase_visitor(
            site, uuid.UUID(gone), ring=app.extensions["keys"], now=make.later(1), actor="command"
        )
    integrate_logs()
    row = db.session.scalars(select(Log).where(Log.site_id == site.id)).one()
    log = Filled(LogName(site.id, 1), row.origin, app.extensions["keys"], tmp_path / "none")

    report = log.check()

    assert found(report) == ""
    assert report.leaves == make.first_index(site) + 5


def test_a_log_that_is_not_integrated_to_its_end_is_sound(log: Filled) -> None:
    with transaction():
        append.append(append.lock_log(log.site_id), entry(log.ring, make.NOW))

    assert found(log.check()) == ""


def test_a_deleted_row_is_named(log: Filled) -> None:
    db.session.execute(delete(Receipt).where(at(17)))

    assert "receipt 17: it is missing" in found(log.check())


def test_a_cut_tail_is_found_by_the_log_and_its_checkpoints(log: Filled) -> None:
    db.session.execute(delete(Receipt).where(Receipt.idx >= 520))

    text = found(log.check())

    assert "receipt 520: it and all others up to 529 are missing" in text
    assert "checkpoint 530: signed for more than the log's 520 leaves" in text


def cut_to(log: Filled, size: int) -> None:
    """Put the log back to a checkpoint, so that nothing inside the database tells."""
    signed = {each.size: each for each in db.session.scalars(select(SignedCheckpoint))}
    entries = db.session.scalars(select(Receipt.entry).where(Receipt.idx < size).order_by(Receipt.idx))
    edge, _ = merkle.Frontier().extend(map(merkle.leaf_hash, entries))
    assert edge.root() == signed[size].root
    db.session.execute(delete(Receipt).where(Receipt.idx >= size))
    db.session.execute(delete(SignedCheckpoint).where(SignedCheckpoint.size > size))
    db.session.execute(delete(Tile).where(Tile.n >= size // tiles.WIDTH))
    db.session.execute(update(Tree).values(integrated=size, frontier=b"".join(edge.hashes)))
    db.session.execute(update(Log).values(size=size))


def test_a_tail_cut_together_with_its_checkpoints_is_found_by_the_anchor_alone(log: Filled) -> None:
    cut_to(log, 300)

    report = log.check()

    assert {finding.where for finding in report.findings} == {"anchor"}
    assert "anchor 530: the database has no such checkpoint" in found(report)


def test_swapped_rows_are_named_by_the_tile(log: Filled) -> None:
    for old, new in ((30, 10_000), (31, 30), (10_000, 31)):
        db.session.execute(update(Receipt).where(at(old)).values(idx=new))

    assert "tile of level 0 0: its hash is not that of the payload at index 30, 31" in found(log.check())


def test_swapped_rows_behind_the_last_full_tile_are_found_by_the_checkpoint(log: Filled) -> None:
    for old, new in ((520, 10_000), (521, 520), (10_000, 521)):
        db.session.execute(update(Receipt).where(at(old)).values(idx=new))

    text = found(log.check())

    assert "checkpoint 530: its root is not the one over the payloads" in text
    assert "tree 530: the stored edge" in text


def test_an_edited_payload_is_named(log: Filled) -> None:
    payload = db.session.scalar(select(Receipt.payload).where(at(41)))
    assert payload is not None
    changed = payload.replace(b"granted", b"denied")
    db.session.execute(update(Receipt).where(at(41)).values(payload=changed))

    assert "receipt 41: the stored hash is not the payload's" in found(log.check())


def test_a_forged_entry_with_all_hashes_computed_anew_is_found_by_the_signed_checkpoint(log: Filled) -> None:
    forged = entry(log.ring, make.NOW)
    new = {"receipt_id": forged.receipt_id, "visitor_id": forged.visitor_id, "issued_at": make.NOW}
    digest = hashlib.sha256(forged.payload).digest()
    db.session.execute(update(Receipt).where(at(5)).values(payload=forged.payload, entry=digest, **new))
    leaves = [
        merkle.leaf_hash(each) for each in db.session.scalars(select(Receipt.entry).order_by(Receipt.idx))
    ]
    first = leaves[: tiles.WIDTH]
    db.session.execute(
        update(Tile).where(Tile.n == 0).values(hashes=b"".join(first), root=tiles.roots_of_full(first))
    )
    edge, _ = merkle.Frontier().extend(leaves)
    db.session.execute(update(Tree).values(frontier=b"".join(edge.hashes)))
    for signed in db.session.scalars(select(SignedCheckpoint)).all():
        signed.root = merkle.Frontier().extend(leaves[: signed.size])[0].root()
    db.session.flush()

    report = log.check()

    assert {finding.where for finding in report.findings} == {"checkpoint", "anchor"}
    assert "its note says another size or root than its columns" in found(report)


def test_a_blank_row_needs_an_erase_leaf(log: Filled) -> None:
    db.session.execute(update(Receipt).where(at(77)).values(payload=None, visitor_id=None))

    assert found(log.check()).endswith("receipt 77: it is blank, but no erase leaf names it")


def test_what_an_erase_leaf_names_must_be_blank_and_in_the_log(log: Filled) -> None:
    with transaction():
        erase = entry(log.ring, make.NOW, schema="consent-erase/1", indexes=[3, 99_999], visitor_id=None)
        append.append(append.lock_log(log.site_id), erase)
    sign(log, now=make.later(1))

    text = found(log.check())

    assert "receipt 3: an erase leaf names it, but it is not blank" in text
    assert "receipt 530: an erase leaf that names what is not in the log" in text


def test_an_id_that_stands_twice_is_named(app: Flask, log: Filled) -> None:
    connection = db.session.connection()
    if connection.dialect.name == "sqlite":  # it cannot drop a constraint, but a copy has none
        connection.exec_driver_sql("CREATE TABLE copied AS SELECT * FROM receipt")
        connection.exec_driver_sql("DROP TABLE receipt")
        connection.exec_driver_sql("ALTER TABLE copied RENAME TO receipt")
    else:
        connection.exec_driver_sql("ALTER TABLE receipt DROP CONSTRAINT uq_receipt_site_id_receipt_id")
    twin = db.session.scalar(select(Receipt.receipt_id).where(at(1)))
    db.session.execute(update(Receipt).where(at(2)).values(receipt_id=twin))

    assert f"its id {twin} stands 2 times" in found(log.check())


def test_surplus_tiles_and_checkpoints_are_named(log: Filled) -> None:
    place = {"site_id": log.site_id, "epoch": 1}
    root = bytes(32)
    db.session.execute(insert(Tile).values(**place, level=1, n=0, hashes=bytes(8192), root=root))
    db.session.execute(
        insert(SignedCheckpoint).values(**place, size=9_999, root=root, note="x", signed_at=make.NOW)
    )

    text = found(log.check())

    assert "tile of level 1 0: no tree of this size has it" in text
    assert "checkpoint 9999: signed for more than the log's 530 leaves" in text
    assert "checkpoint 9999: its note does not count" in text
    assert "checkpoint 9999: signed earlier than the smaller one before it" in text


def test_a_missing_tile_is_named(log: Filled) -> None:
    db.session.execute(delete(Tile).where(Tile.n == 1))

    assert found(log.check()).endswith("tile of level 0 1: it is missing")


def test_what_is_wrong_in_one_log_is_not_said_of_another(app: Flask, log: Filled, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = filled(app, tmp_path / "other", 5)
    db.session.execute(
        update(Receipt).where(Receipt.site_id == other.site_id, Receipt.idx == 2).values(kid="x")
    )

    report = log.check()

    assert [(each.site_id, each.index) for each in report.findings] == [(other.site_id, 2)]
    assert "names key x" in found(report)


def test_one_wrong_leaf_does_not_fill_the_report(app: Flask, tmp_path: Path) -> None:
    log = filled(app, tmp_path, *[1] * 120)
    disarm()
    db.session.execute(update(Receipt).where(at(0)).values(payload=b"{}"))

    report = log.check()

    assert sum(finding.where == "checkpoint" for finding in report.findings) == 100
    assert list(report.surplus()) == [(report.findings[0].log, "checkpoint", 20)]


def test_a_server_that_goes_on_appending_does_not_disturb_a_snapshot(live_app: Flask, tmp_path: Path) -> None:
    log = filled(live_app, tmp_path, 50)
    db.session.commit()
    with fsck.snapshot(db.engine) as connection:
        rows = fsck.check(connection, log.ring).leaves

        fill(log, 30, now=make.later(1))

        assert fsck.check(connection, log.ring).leaves == rows == 50
    with fsck.snapshot(db.engine) as connection:
        assert found(fsck.check(connection, log.ring, anchor_file=log.anchors)) == ""


def test_what_is_anchored_while_fsck_reads_is_not_missing(live_app: Flask, tmp_path: Path) -> None:
    log = filled(live_app, tmp_path, 50)
    db.session.commit()
    later = itertools.count(1)

    with fsck.snapshot(db.engine) as connection:
        report = fsck.check(
            connection,
            log.ring,
            anchor_file=log.anchors,
            progress=lambda *_: fill(log, 3, now=make.later(next(later))),
        )

    assert next(later) > 1, "nothing was appended meanwhile"
    assert found(report) == ""
    assert (report.leaves, report.anchors) == (50, 1)
