"""Replay the file of erasures after a restore: blank again whatever an older backup brought back."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import orjson
from sqlalchemy import select

from consent_server.audit import service as audit
from consent_server.db import db, transaction
from consent_server.keys import KeyRing
from consent_server.ledger import jws
from consent_server.ledger.append import lock_log
from consent_server.ledger.models import Log, Receipt
from consent_server.policies.published import site_view
from consent_server.retention import people, service
from consent_server.retention.rules import EraseLeaf, parse_leaf
from consent_server.sites.models import Site

HASH_HEX = 64


class BadLine(Exception):
    """A line of the file cannot be used; the text says why."""


@dataclass(frozen=True)
class Wanted:
    """One line, checked: entry hashes by index, in the log that `origin` names."""

    origin: str
    entries: dict[int, str]


@dataclass
class Report:
    """What the replay found. `foreign` are entries at whose index another receipt stands by now."""

    lines: int = 0
    blanked: int = 0
    already: int = 0
    absent: int = 0
    foreign: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether every line could be read and every named entry is blank or gone."""
        return not self.refused and not self.foreign


def replay(lines: Iterable[bytes], *, ring: KeyRing, now: datetime, actor: str) -> Report:
    """Blank what the lines name, with new erase leaves for what was not blank. May be repeated.

    Opens a transaction for each line that has work.
    """
    report = Report()
    for number, raw in enumerate(lines, 1):
        if not raw.strip():
            continue
        report.lines += 1
        try:
            wanted = read_line(raw, ring=ring)
        except BadLine as error:
            report.refused.append(f"line {number}: {error}")
            continue
        _apply(wanted, report, ring=ring, now=now, actor=actor)
    return report


def read_line(raw: bytes, *, ring: KeyRing) -> Wanted:
    """Return what a line asks for.

    Raises:
        BadLine: not of the form, or not signed by a key of ours: nobody else may ask us to erase.
    """
    try:
        data = orjson.loads(raw)
        parsed = jws.parse(data["receipt"])
    except (ValueError, TypeError, KeyError, jws.BadReceipt) as error:
        raise BadLine(f"not an erasure ({type(error).__name__})") from error
    if jws.signer(ring, parsed) is None:
        raise BadLine("not signed by a key of this server")
    leaf = parse_leaf(parsed.payload)
    if leaf is None:
        raise BadLine("signed, but no erase leaf")
    entries = _hashes(data.get("entries"), leaf)
    origin = data.get("of")
    if not isinstance(origin, str):
        raise BadLine("names no log")
    return Wanted(origin, entries)


def _hashes(given: object, leaf: EraseLeaf) -> dict[int, str]:
    fits = isinstance(given, list) and len(given) == len(leaf.indexes)
    if not isinstance(given, list) or not fits:
        raise BadLine("does not name one hash for each index")
    if not all(isinstance(each, str) and len(each) == HASH_HEX for each in given):
        raise BadLine("a hash is not a SHA-256 in hex")
    return dict(zip(leaf.indexes, given, strict=True))


def _apply(wanted: Wanted, report: Report, *, ring: KeyRing, now: datetime, actor: str) -> None:
    named = db.session.execute(
        select(Log.site_id, Log.epoch).where(Log.origin == wanted.origin)
    ).one_or_none()
    if named is None:
        report.absent += len(wanted.entries)
        return
    rows = db.session.execute(
        select(
            Receipt.idx, Receipt.entry, Receipt.visitor_id, Receipt.payload.is_(None).label("blank")
        ).where(
            Receipt.site_id == named.site_id,
            Receipt.epoch == named.epoch,
            Receipt.idx.in_(list(wanted.entries)),
        )
    ).all()
    found = defaultdict(list)
    for row in rows:
        same = row.entry.hex() == wanted.entries[row.idx]
        found["foreign" if not same else "already" if row.blank else "due"].append(row)
    report.absent += len(wanted.entries) - len(rows)
    report.already += len(found["already"])
    report.foreign += [f"{wanted.origin} entry {row.idx}" for row in found["foreign"]]
    due = [service.Place(named.epoch, row.idx, row.visitor_id) for row in found["due"]]
    if due:
        with transaction():
            _blank_again(named.site_id, due, ring=ring, now=now, actor=actor)
        report.blanked += len(due)


def _blank_again(site_id: int, due: list[service.Place], *, ring: KeyRing, now: datetime, actor: str) -> None:
    log = lock_log(site_id)
    site = db.session.get_one(Site, site_id)
    service.blank(site, due, log=log, ring=ring, now=now)
    visitors = sorted({place.visitor_id for place in due if place.visitor_id is not None})
    people.settle(site_view(site.key), visitors, now=now)
    people.forget_jobs(site.id, [("visitor", str(each)) for each in visitors])
    audit.record(
        "retention.replay", actor=actor, now=now, site_id=site.id, target=site.key, receipts=len(due)
    )
