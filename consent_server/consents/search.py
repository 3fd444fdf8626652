"""What receipts are looked up by outside the evidence desk: whose they are, and that there is none."""

import uuid
from collections.abc import Sequence

from sqlalchemy import select

from consent_server.consents.models import SubjectLink
from consent_server.db import db
from consent_server.ledger.models import Receipt
from consent_server.problems import NotFound


class UnknownReceipt(NotFound):
    slug = "unknown-receipt"
    title = "The site has no receipt with this id"


def subjects_of(site_id: int, receipts: Sequence[Receipt]) -> dict[uuid.UUID, str]:
    """Return whom the browsers of these receipts belong to, as far as the site's own server has vouched for it."""
    visitors = {receipt.visitor_id for receipt in receipts if receipt.visitor_id is not None}
    rows = db.session.execute(
        select(SubjectLink.visitor_id, SubjectLink.subject).where(
            SubjectLink.site_id == site_id, SubjectLink.visitor_id.in_(visitors)
        )
    ).all()
    return {row.visitor_id: row.subject for row in rows}
