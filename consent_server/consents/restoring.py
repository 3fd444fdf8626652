"""Bring the consent records in step with a receipt that was taken back after a loss."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from consent_server.consents import records, subjects
from consent_server.consents.models import SubjectLink
from consent_server.db import db
from consent_server.ledger.models import Receipt
from consent_server.policies.published import SiteView, site_view


def restore_state(claims: Mapping[str, Any], *, now: datetime) -> None:
    """Derive the visitor's state, and that of its subject, anew from all their receipts.

    A receipt that came back stands in the log behind decisions that were made after it, so here the instant of the
    decision counts, not the index: a withdrawal made meanwhile stays one.
    """
    site = site_view(str(claims["site"]))
    visitor = uuid.UUID(claims["visitor_id"])
    receipts = records.receipts_of_visitors(site.id, [visitor])
    holders = [_put(site, records.VISITOR, str(visitor), receipts, now=now)]
    link = db.session.get(SubjectLink, (site.id, visitor))
    if link is not None:
        whole = subjects.receipts_of(site.id, link.subject)
        holders.append(_put(site, records.SUBJECT, link.subject, whole, now=now))
    records.look_again(site.id, holders, now=now)


def _put(
    site: SiteView, kind: str, holder: str, receipts: Sequence[Receipt], *, now: datetime
) -> tuple[str, str]:
    decided = [receipt for receipt in receipts if receipt.payload is not None]
    state = records.replay(decided, site.facts)
    if state is not None:
        record = records.find(site.id, kind, holder)
        language = record.language if record else site.languages[0]
        records.put(
            site.id, kind, holder, state, receipt=decided[-1], language=language, now=now, record=record
        )
    return kind, holder
