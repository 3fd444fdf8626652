"""Known users: tie a browser to a subject, and answer the site's own server about a subject."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from sqlalchemy import select

from consent_server.consents import records
from consent_server.consents.facts import ConsentState
from consent_server.consents.models import ConsentRecord, SubjectLink
from consent_server.db import db
from consent_server.ledger.append import lock_log
from consent_server.ledger.models import Receipt
from consent_server.policies.published import SiteView
from consent_server.problems import NotFound, Problem


class UnknownSubject(NotFound):
    slug = "unknown-subject"
    title = "No decision of this subject is known"


class VisitorOfAnother(Problem):
    """The widget then forgets this browser's id and choice, so that two people never share one."""

    slug, status = "visitor-of-another-subject", HTTPStatus.CONFLICT
    title = "This browser's decisions belong to another subject"


@dataclass(frozen=True)
class Identified:
    """What `identify` found: the subject's state, for a browser that has none of its own or an older one."""

    state: ConsentState | None
    linked: bool


def identify(site: SiteView, subject: str, visitor_id: uuid.UUID | None, *, now: datetime) -> Identified:
    """Tie a browser's decisions to a subject and return the state that holds for the subject now.

    The newest answer wins, whichever browser it came from. Without a visitor id nothing is written.

    Raises:
        VisitorOfAnother: the browser is tied to somebody else.
    """
    if visitor_id is None:
        return Identified(records.state_of(records.find(site.id, records.SUBJECT, subject)), linked=False)
    lock_log(site.id)  # so that no decision slips in between reading the receipts and storing the state
    link = db.session.get(SubjectLink, (site.id, visitor_id))
    if link is not None and link.subject != subject:
        raise VisitorOfAnother("Forget this browser's visitor id and identify again without it.")
    if link is None:
        db.session.add(SubjectLink(site_id=site.id, visitor_id=visitor_id, subject=subject, linked_at=now))
        db.session.flush()
        _rebuild(site, subject, now=now)
    return Identified(records.state_of(records.find(site.id, records.SUBJECT, subject)), linked=True)


def visitors_of(site_id: int, subject: str) -> Sequence[uuid.UUID]:
    """Return the browsers that belong to a subject."""
    return db.session.scalars(
        select(SubjectLink.visitor_id).where(SubjectLink.site_id == site_id, SubjectLink.subject == subject)
    ).all()


def receipts_of(site_id: int, subject: str, *, until: datetime | None = None) -> Sequence[Receipt]:
    """Return all receipts of a subject's browsers, in the order of their decisions."""
    return records.receipts_of_visitors(site_id, visitors_of(site_id, subject), until=until)


def consent_of(site: SiteView, subject: str, *, at: datetime | None = None) -> ConsentState | None:
    """Return a subject's state now, or as the receipts had it at a past instant.

    Raises:
        UnknownSubject: nobody ever vouched for this subject here.
    """
    if not visitors_of(site.id, subject):
        raise UnknownSubject("The subject has not decided in any identified browser.")
    if at is None:
        return records.state_of(records.find(site.id, records.SUBJECT, subject))
    known = [version.facts for version in site.versions if version.published_at <= at]
    return records.replay(receipts_of(site.id, subject, until=at), known)


def record_of(site: SiteView, subject: str) -> ConsentRecord | None:
    """Return the subject's record, or None before a decision."""
    return records.find(site.id, records.SUBJECT, subject)


def _rebuild(site: SiteView, subject: str, *, now: datetime) -> None:
    """Compute the subject's state anew from the receipts of all their browsers."""
    receipts = receipts_of(site.id, subject)
    state = records.replay(receipts, site.facts)
    if state is None:
        return
    newest = receipts[-1]
    visitor = records.find(site.id, records.VISITOR, str(newest.visitor_id))
    language = visitor.language if visitor else site.languages[0]
    record = records.find(site.id, records.SUBJECT, subject)
    records.put(
        site.id, records.SUBJECT, subject, state, receipt=newest, language=language, now=now, record=record
    )
    records.look_again(site.id, [(records.SUBJECT, subject)], now=now)
