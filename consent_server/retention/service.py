"""Erase what is personal in receipts: of a visitor, of a subject, or by age.

One transaction under the log's lock: append an erase leaf that names the places and no person, blank those receipts,
bring the current state of the people concerned in line, note the action. The tree is untouched; hash, place and time
stay (docs/erasure.md says why).
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update

from consent_server.audit import service as audit
from consent_server.consents import records, subjects
from consent_server.db import db
from consent_server.evidence import projecting
from consent_server.keys import KeyRing
from consent_server.ledger import leaves
from consent_server.ledger.append import Entry, OpenLog, append, lock_log
from consent_server.ledger.models import Receipt
from consent_server.policies.published import site_view
from consent_server.retention import people
from consent_server.retention.models import Erasure
from consent_server.retention.rules import EraseLeaf, chunks, leaf_payload
from consent_server.sites.models import Site


@dataclass(frozen=True)
class Place:
    """A receipt that is to be blanked: where it stands and whose it is."""

    epoch: int
    idx: int
    visitor_id: uuid.UUID | None


@dataclass(frozen=True)
class Erased:
    """What was done: how many receipts were blanked, and where the erase leaves stand, as (epoch, index)."""

    receipts: int
    leaves: tuple[tuple[int, int], ...]


def erase_visitor(site: Site, visitor_id: uuid.UUID, *, ring: KeyRing, now: datetime, actor: str) -> Erased:
    """Erase a browser's receipts, its record and its link to a subject; erasing again finds nothing and is fine."""
    log = lock_log(site.id)
    erased = blank(site, _places(site.id, [visitor_id]), log=log, ring=ring, now=now)
    people.forget_jobs(site.id, people.settle(site_view(site.key), [visitor_id], now=now))
    _note(site, erased, whose="visitor", now=now, actor=actor)
    return erased


def erase_subject(site: Site, subject: str, *, ring: KeyRing, now: datetime, actor: str) -> Erased:
    """Erase the receipts of all browsers of a known user, their records and links, and the user's record."""
    log = lock_log(site.id)
    visitors = subjects.visitors_of(site.id, subject)
    erased = blank(site, _places(site.id, visitors), log=log, ring=ring, now=now)
    forgotten = people.settle(site_view(site.key), visitors, now=now)
    people.forget_subject(site.id, subject)
    people.forget_jobs(site.id, [*forgotten, (records.SUBJECT, subject)])
    _note(site, erased, whose="subject", now=now, actor=actor)
    return erased


def blank(site: Site, places: Iterable[Place], *, log: OpenLog, ring: KeyRing, now: datetime) -> Erased:
    """Append the erase leaves of these places and blank them. The site's log is locked.

    What is blank already gets no second leaf.
    """
    leaves.tell(log, now=now)
    by_epoch: dict[int, list[int]] = defaultdict(list)
    for place in places:
        by_epoch[place.epoch].append(place.idx)
    written = []
    blanked = 0
    for epoch, indexes in sorted(by_epoch.items()):
        for asked in chunks(indexes):
            part = _not_blank(site.id, epoch, asked)
            if not part:
                continue
            blanked += len(part)
            written.append(_append_leaf(EraseLeaf(site.key, epoch, part), log=log, ring=ring, now=now))
            db.session.execute(
                update(Receipt)
                .where(Receipt.site_id == site.id, Receipt.epoch == epoch, Receipt.idx.in_(part))
                .values(payload=None, visitor_id=None)
            )
            projecting.forget(site.id, epoch, part)
    return Erased(blanked, tuple(written))


def _not_blank(site_id: int, epoch: int, indexes: Sequence[int]) -> tuple[int, ...]:
    return tuple(
        db.session.scalars(
            select(Receipt.idx)
            .where(
                Receipt.site_id == site_id,
                Receipt.epoch == epoch,
                Receipt.idx.in_(indexes),
                Receipt.payload.is_not(None),
            )
            .order_by(Receipt.idx)
        )
    )


def _append_leaf(leaf: EraseLeaf, *, log: OpenLog, ring: KeyRing, now: datetime) -> tuple[int, int]:
    row = append(
        log,
        Entry(
            receipt_id=uuid.uuid4(),
            visitor_id=None,
            issued_at=now,
            kid=ring.receipt_key.kid,
            payload=leaf_payload(leaf, issued_at=now),
        ),
    )
    db.session.add(Erasure(site_id=row.site_id, epoch=row.epoch, idx=row.idx, of_epoch=leaf.epoch))
    db.session.flush()
    return row.epoch, row.idx


def _places(site_id: int, visitors: Sequence[uuid.UUID]) -> list[Place]:
    rows = db.session.execute(
        select(Receipt.epoch, Receipt.idx, Receipt.visitor_id).where(
            Receipt.site_id == site_id, Receipt.visitor_id.in_(visitors)
        )
    )
    return [Place(*row) for row in rows]


def _note(site: Site, erased: Erased, *, whose: str, now: datetime, actor: str) -> None:
    # The row says that somebody was erased and by whom, never who.
    audit.record(
        "retention.erase",
        actor=actor,
        now=now,
        site_id=site.id,
        target=site.key,
        whose=whose,
        receipts=erased.receipts,
        leaves=[f"{epoch}/{idx}" for epoch, idx in erased.leaves],
    )
