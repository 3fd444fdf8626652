"""fsck, part three: what was anchored outside the database must still be inside it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from consent_server.keys import KeyRing
from consent_server.ledger.anchor_file import Head, Lines
from consent_server.ledger.findings import Finding, Report
from consent_server.ledger.integrate import LogName
from consent_server.ledger.models import SignedCheckpoint, Tree
from consent_server.ledger.notes import BadNote, Checkpoint, open_checkpoint
from consent_server.ledger.published_keys import log_keys

BATCH = 500


class Cited(NamedTuple):
    """The head that a recovery leaf cites: anchored heads up to it are known to be lost."""

    size: int
    root: bytes


Recoveries = dict[str, Cited]  # by the origin of the log that was given up


def cited_by(claims: Mapping[str, Any]) -> Cited | None:
    """Return the head that a recovery leaf cites, or None if it is not one."""
    try:
        return Cited(int(claims["size"]), bytes.fromhex(claims["root"]))
    except (KeyError, TypeError, ValueError):
        return None


def check_anchors(
    connection: Connection,
    ring: KeyRing,
    anchored: Lines,
    origins: Mapping[str, LogName],
    *,
    only: Collection[str] | None,
    recoveries: Recoveries,
    report: Report,
) -> None:
    """Compare lines of the anchor file with the database; `only` leaves out all other logs."""
    waiting: dict[str, list[Head]] = {}
    held = 0
    for number, head in anchored:
        if head is None:
            report.add(Finding(None, "anchor file", "line", number, "it cannot be read"))
            continue
        if only is not None and head.origin not in only:
            continue
        report.anchors += 1
        if head.origin not in origins:
            report.add(Finding(None, head.origin, "anchor", head.size, "its log is not in the database"))
            continue
        waiting.setdefault(head.origin, []).append(head)
        held += 1
        if held >= BATCH:
            _compare_all(connection, ring, waiting, origins, recoveries, report)
            waiting, held = {}, 0
    _compare_all(connection, ring, waiting, origins, recoveries, report)


def _compare_all(
    connection: Connection,
    ring: KeyRing,
    waiting: Mapping[str, Sequence[Head]],
    origins: Mapping[str, LogName],
    recoveries: Recoveries,
    report: Report,
) -> None:
    for origin, heads in waiting.items():
        log = origins[origin]
        stored = _stored(connection, log, [head.size for head in heads])
        for head in heads:
            row = stored.get(head.size)
            what = _missing(connection, ring, log, head, recoveries.get(origin)) if row is None else None
            if row is not None and row != (head.root, head.note, head.signed_at):
                what = "the checkpoint in the database is another one"
            if what is not None:
                report.add(Finding(log.site_id, origin, "anchor", head.size, what))


def _stored(
    connection: Connection, log: LogName, sizes: Sequence[int]
) -> dict[int, tuple[bytes, str, object]]:
    rows = connection.execute(
        select(
            SignedCheckpoint.size, SignedCheckpoint.root, SignedCheckpoint.note, SignedCheckpoint.signed_at
        ).where(
            SignedCheckpoint.site_id == log.site_id,
            SignedCheckpoint.epoch == log.epoch,
            SignedCheckpoint.size.in_(sizes),
        )
    )
    return {row.size: (row.root, row.note, row.signed_at) for row in rows}


def _missing(
    connection: Connection, ring: KeyRing, log: LogName, head: Head, cited: Cited | None
) -> str | None:
    """Say what a head without its checkpoint means; nothing if a recovery leaf owns up to the loss."""
    try:
        found = open_checkpoint(head.note, log_keys(ring, head.origin), origin=head.origin)
    except BadNote as error:
        return f"its note does not count: {error}"
    if found != Checkpoint(head.origin, head.size, head.root):
        return "its note says another size or root"
    integrated = connection.scalar(
        select(Tree.integrated).where(Tree.site_id == log.site_id, Tree.epoch == log.epoch)
    )
    if cited is None or head.size > cited.size or head.size <= (integrated or 0):
        return "the database has no such checkpoint: it was cut, or put back to an earlier state"
    if head.size == cited.size and head.root != cited.root:
        return "the recovery leaf cites another root"
    return None
