"""Find receipts: newest first, a page at a time, by what a regulator or a visitor may bring."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, LargeBinary, and_, func, literal, or_, select, type_coerce

from consent_server.consents.models import SubjectLink
from consent_server.db import db, is_sqlite
from consent_server.ledger.models import Receipt
from consent_server.packing import start
from consent_server.problems import NotFound

PAGE = 25


class UnknownReceipt(NotFound):
    slug = "unknown-receipt"
    title = "The site has no receipt with this id"


@dataclass(frozen=True)
class Filter:
    """What to look for; what is None does not matter. `since` is inclusive, `before` is not."""

    receipt_id: uuid.UUID | None = None
    visitor_id: uuid.UUID | None = None
    subject: str | None = None
    version: str | None = None
    since: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True)
class Found:
    """One page of receipts and where the next one begins, or None."""

    receipts: Sequence[Receipt]
    next_cursor: str | None


def find_receipts(site_id: int, wanted: Filter, *, cursor: str | None = None, limit: int = PAGE) -> Found:
    """Return the site's receipts that fit, newest first. A cursor that is no cursor begins at the newest."""
    query = select(Receipt).where(Receipt.site_id == site_id, *_conditions(site_id, wanted))
    place = _place(cursor)
    if place is not None:
        epoch, idx = place
        query = query.where(or_(Receipt.epoch < epoch, and_(Receipt.epoch == epoch, Receipt.idx < idx)))
    rows = db.session.scalars(query.order_by(Receipt.epoch.desc(), Receipt.idx.desc()).limit(limit + 1)).all()
    page = rows[:limit]
    return Found(page, f"{page[-1].epoch}.{page[-1].idx}" if len(rows) > limit else None)


def subjects_of(site_id: int, receipts: Sequence[Receipt]) -> dict[uuid.UUID, str]:
    """Return whom the browsers of these receipts belong to, as far as the site's own server has vouched for it."""
    visitors = {receipt.visitor_id for receipt in receipts if receipt.visitor_id is not None}
    rows = db.session.execute(
        select(SubjectLink.visitor_id, SubjectLink.subject).where(
            SubjectLink.site_id == site_id, SubjectLink.visitor_id.in_(visitors)
        )
    ).all()
    return {row.visitor_id: row.subject for row in rows}


def _conditions(site_id: int, wanted: Filter) -> list[ColumnElement[bool]]:
    # What is blank was a decision; what has a payload and no visitor is a leaf about something else.
    conditions: list[ColumnElement[bool]] = [or_(Receipt.visitor_id.is_not(None), Receipt.payload.is_(None))]
    if wanted.receipt_id is not None:
        conditions.append(Receipt.receipt_id == wanted.receipt_id)
    if wanted.visitor_id is not None:
        conditions.append(Receipt.visitor_id == wanted.visitor_id)
    if wanted.subject is not None:
        browsers = select(SubjectLink.visitor_id).where(
            SubjectLink.site_id == site_id, SubjectLink.subject == wanted.subject
        )
        conditions.append(Receipt.visitor_id.in_(browsers))
    if wanted.since is not None:
        conditions.append(Receipt.issued_at >= wanted.since)
    if wanted.before is not None:
        conditions.append(Receipt.issued_at < wanted.before)
    if wanted.version is not None:
        conditions.append(_names_version(wanted.version))
    return conditions


def _names_version(number: str) -> ColumnElement[bool]:
    # The version stands only in the payload: packed it is the label, unpacked, which is canonical, one run of bytes.
    stored = type_coerce(Receipt.payload, LargeBinary)
    beginning, needle = start(number.encode()), literal(f'"policy_version":"{number}"'.encode())
    packed = func.substr(stored, 1, len(beginning)) == literal(beginning)
    place = func.instr(stored, needle) if is_sqlite() else func.position(needle.op("IN")(stored))
    return or_(packed, and_(func.substr(stored, 1, 1) == literal(b"{"), place > 0))


def _place(cursor: str | None) -> tuple[int, int] | None:
    epoch, _, idx = (cursor or "").partition(".")
    if not (epoch.isdecimal() and idx.isdecimal() and len(epoch) < 10 and len(idx) < 19):
        return None
    return int(epoch), int(idx)
