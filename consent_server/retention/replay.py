"""Replay the file of erasures after a restore: blank again whatever an older backup brought back."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import and_, or_, select

from consent_server.audit import service as audit
from consent_server.db import db, transaction
from consent_server.keys import KeyRing
from consent_server.ledger import jws
from consent_server.ledger.append import lock_log
from consent_server.ledger.models import Receipt
from consent_server.policies.published import site_view
from consent_server.retention import people, service
from consent_server.retention.rules import EraseLeaf, parse_leaf
from consent_server.sites.models import Site

HASH = re.compile(r"[0-9a-f]{64}")
PAGE = 2_000


class BadLine(Exception):
    """A line of the file cannot be used; the text says why."""


@dataclass
class Report:
    """What the replay found. `absent` are erased receipts that this database never got back."""

    lines: int = 0
    blanked: int = 0
    already: int = 0
    absent: int = 0
    refused: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether every line could be read."""
        return not self.refused


def replay(lines: Iterable[bytes], *, ring: KeyRing, now: datetime, actor: str) -> Report:
    """Blank what the lines name, with new erase leaves for what was not blank. May be repeated.

    Receipts are known by the hash of their entry: after a rollback another one may stand at the index, and a
    receipt that its holder brought back may stand at another. Opens a transaction for each page with work.
    """
    report = Report()
    wanted: dict[str, set[bytes]] = defaultdict(set)
    for number, raw in enumerate(lines, 1):
        if not raw.strip():
            continue
        report.lines += 1
        try:
            site_key, entries = read_line(raw, ring=ring)
        except BadLine as error:
            report.refused.append(f"line {number}: {error}")
            continue
        wanted[site_key] |= entries
    for site_key, entries in wanted.items():
        _apply(site_key, entries, report, ring=ring, now=now, actor=actor)
    return report


def read_line(raw: bytes, *, ring: KeyRing) -> tuple[str, set[bytes]]:
    """Return the site that a line is about, and the hashes of the erased entries.

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
    return leaf.site, _hashes(data.get("entries"), leaf)


def _hashes(given: object, leaf: EraseLeaf) -> set[bytes]:
    if not isinstance(given, list) or len(given) != len(leaf.indexes):
        raise BadLine("does not name one hash for each index")
    if not all(isinstance(each, str) and HASH.fullmatch(each) for each in given):
        raise BadLine("a hash is not a SHA-256 in hex")
    return {bytes.fromhex(each) for each in given}


def _apply(
    site_key: str, entries: set[bytes], report: Report, *, ring: KeyRing, now: datetime, actor: str
) -> None:
    """Walk the site's log once, a page at a time, and blank what is wanted."""
    site_id = db.session.scalar(select(Site.id).where(Site.key == site_key))
    if site_id is None:
        report.absent += len(entries)
        return
    found: set[bytes] = set()
    for rows in _pages(site_id):
        named = [row for row in rows if row.entry in entries]
        found |= {row.entry for row in named}
        due = [service.Place(row.epoch, row.idx, row.visitor_id) for row in named if not row.blank]
        report.already += len(named) - len(due)
        report.blanked += len(due)
        if due:
            with transaction():
                _blank_again(site_id, due, ring=ring, now=now, actor=actor)
    report.absent += len(entries - found)


def _pages(site_id: int) -> Iterator[Sequence[Any]]:
    epoch, idx = 0, 0
    while True:
        rows = db.session.execute(
            select(
                Receipt.epoch,
                Receipt.idx,
                Receipt.entry,
                Receipt.visitor_id,
                Receipt.payload.is_(None).label("blank"),
            )
            .where(
                Receipt.site_id == site_id,
                or_(Receipt.epoch > epoch, and_(Receipt.epoch == epoch, Receipt.idx >= idx)),
            )
            .order_by(Receipt.epoch, Receipt.idx)
            .limit(PAGE)
        ).all()
        if not rows:
            return
        yield rows
        epoch, idx = rows[-1].epoch, rows[-1].idx + 1


def _blank_again(site_id: int, due: list[service.Place], *, ring: KeyRing, now: datetime, actor: str) -> None:
    log = lock_log(site_id)
    site = db.session.get_one(Site, site_id)
    service.blank(site, due, log=log, ring=ring, now=now)
    visitors = sorted({place.visitor_id for place in due if place.visitor_id is not None})
    people.forget_jobs(site.id, people.settle(site_view(site.key), visitors, now=now))
    audit.record(
        "retention.replay", actor=actor, now=now, site_id=site.id, target=site.key, receipts=len(due)
    )
