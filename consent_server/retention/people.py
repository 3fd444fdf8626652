"""Bring the current state of people in line with the receipts that are left, and forget who has none."""

import uuid
from collections.abc import Sequence
from datetime import datetime

import orjson
from sqlalchemy import Text, delete, or_, select, type_coerce

from consent_server.campaigns import addresses
from consent_server.campaigns.models import CampaignLetter, MailBounce, MailRefusal, SubjectMail
from consent_server.consents import records, subjects
from consent_server.consents.models import ConsentRecord, SubjectLink
from consent_server.db import db
from consent_server.jobs.models import Job
from consent_server.ledger.models import Receipt
from consent_server.policies.published import SiteView

Holder = tuple[str, str]  # as records name them: ("visitor", id) or ("subject", reference)


def settle(site: SiteView, visitors: Sequence[uuid.UUID], *, now: datetime) -> list[Holder]:
    """Compute the records of these browsers and of their subjects anew, and forget who has no receipt left.

    Returns:
        whoever was forgotten.
    """
    linked = db.session.scalars(
        select(SubjectLink.subject)
        .where(SubjectLink.site_id == site.id, SubjectLink.visitor_id.in_(visitors))
        .distinct()
    ).all()
    left = set(
        db.session.scalars(
            select(Receipt.visitor_id)
            .where(Receipt.site_id == site.id, Receipt.visitor_id.in_(visitors))
            .distinct()
        )
    )
    for visitor_id in visitors:
        if visitor_id in left:
            receipts = records.receipts_of_visitors(site.id, [visitor_id])
            _rebuild(site, records.VISITOR, str(visitor_id), receipts, now=now)
    gone = [each for each in visitors if each not in left]
    _forget_visitors(site.id, gone)
    unknown = [
        subject
        for subject in linked
        if not _rebuild(site, records.SUBJECT, subject, subjects.receipts_of(site.id, subject), now=now)
    ]
    addresses.forget(site.id, unknown)
    return [(records.VISITOR, str(each)) for each in gone] + [(records.SUBJECT, each) for each in unknown]


def forget_subject(site_id: int, subject: str) -> None:
    """Delete what ties browsers to a subject, the subject's record, and letters to them with their addresses."""
    for table in (CampaignLetter, MailRefusal, MailBounce, SubjectMail):
        db.session.execute(delete(table).where(table.site_id == site_id, table.subject == subject))
    db.session.execute(
        delete(SubjectLink).where(SubjectLink.site_id == site_id, SubjectLink.subject == subject)
    )
    db.session.execute(
        delete(ConsentRecord).where(
            ConsentRecord.site_id == site_id,
            ConsentRecord.holder_kind == records.SUBJECT,
            ConsentRecord.holder == subject,
        )
    )


def forget_jobs(site_id: int, holders: Sequence[Holder]) -> None:
    """Delete the jobs whose arguments name these people; done or not, there is nothing left to look at."""
    arguments = type_coerce(Job.arguments, Text)
    for part in range(0, len(holders), 100):
        named = [
            arguments.contains(orjson.dumps(holder).decode(), autoescape=True)
            for holder in holders[part : part + 100]
        ]
        db.session.execute(
            delete(Job)
            .where(Job.site_id == site_id, Job.name == records.EVALUATE, or_(*named))
            .execution_options(synchronize_session=False)
        )


def _forget_visitors(site_id: int, visitors: Sequence[uuid.UUID]) -> None:
    db.session.execute(
        delete(ConsentRecord).where(
            ConsentRecord.site_id == site_id,
            ConsentRecord.holder_kind == records.VISITOR,
            ConsentRecord.holder.in_([str(each) for each in visitors]),
        )
    )
    db.session.execute(
        delete(SubjectLink).where(SubjectLink.site_id == site_id, SubjectLink.visitor_id.in_(visitors))
    )


def _rebuild(site: SiteView, kind: str, holder: str, receipts: Sequence[Receipt], *, now: datetime) -> bool:
    """Store the state that the receipts add up to; False, and no record, when there is none."""
    record = records.find(site.id, kind, holder)
    state = records.replay(receipts, site.facts)
    if state is None:
        if record is not None:
            db.session.delete(record)
            db.session.flush()
        return False
    language = record.language if record else site.languages[0]
    records.put(site.id, kind, holder, state, receipt=receipts[-1], language=language, now=now, record=record)
    records.look_again(site.id, [(kind, holder)], now=now)
    return True
