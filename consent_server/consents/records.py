"""The consent record: the current state of a visitor or subject, kept in step with the receipts.

Everything here can be computed anew from the receipts; it exists so that lists and the site's server get an answer
without reading a history.
"""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime

import orjson
from sqlalchemy import select

from consent_server import clock
from consent_server.consents.facts import ConsentState, DecisionFacts
from consent_server.consents.models import ConsentRecord
from consent_server.consents.rules import derive_state
from consent_server.db import db
from consent_server.jobs import service as jobs
from consent_server.ledger.models import Receipt
from consent_server.policies.facts import VersionFacts

VISITOR, SUBJECT = "visitor", "subject"
EVALUATE = "reconsent.evaluate"


def find(site_id: int, kind: str, holder: str) -> ConsentRecord | None:
    """Return the record of a visitor or subject, or None before the first decision."""
    return db.session.get(ConsentRecord, (site_id, kind, holder))


def state_of(record: ConsentRecord | None) -> ConsentState | None:
    """Return the record's state for the rules."""
    return None if record is None else ConsentState.from_json(record.state)


def look_again(site_id: int, holders: Sequence[tuple[str, str]], *, now: datetime) -> None:
    """Have the re-consent flag of these records computed anew, by a job in the same transaction."""
    arguments = {"site_id": site_id, "holders": [list(holder) for holder in holders]}
    jobs.enqueue(EVALUATE, arguments, now=now, site_id=site_id)


def put(
    site_id: int,
    kind: str,
    holder: str,
    state: ConsentState,
    *,
    receipt: Receipt,
    language: str,
    now: datetime,
    record: ConsentRecord | None,
) -> ConsentRecord:
    """Store a state. A decision answers whatever was flagged before."""
    if record is None:
        record = ConsentRecord(site_id=site_id, holder_kind=kind, holder=holder)
        db.session.add(record)
    record.state = state.to_json()
    record.epoch, record.idx, record.language, record.updated_at = receipt.epoch, receipt.idx, language, now
    record.flag = record.flag_version_id = record.flag_purposes = record.flagged_at = None
    db.session.flush()
    return record


def replay(receipts: Iterable[Receipt], versions: Sequence[VersionFacts]) -> ConsentState | None:
    """Return the state that these receipts add up to, in the order of the log. Erased ones no longer count."""
    state: ConsentState | None = None
    for receipt in receipts:
        if receipt.payload is not None:
            state = derive_state(state, facts_of(receipt.payload), versions)
    return state


def facts_of(payload: bytes) -> DecisionFacts:
    """Return what a stored payload says, as far as the state depends on it. Times are the server's."""
    claims = orjson.loads(payload)
    return DecisionFacts(
        version=claims["policy_version"],
        action=claims["action"],
        choices=claims["choices"],
        asked=frozenset(claims["asked"]),
        at=clock.to_ms(datetime.fromisoformat(claims["issued_at"])),
        until=clock.to_ms(datetime.fromisoformat(claims["expires_at"])),
    )


def receipts_of_visitors(
    site_id: int, visitors: Sequence[uuid.UUID], *, until: datetime | None = None
) -> Sequence[Receipt]:
    """Return the receipts of these visitors in the order of their decisions, up to an instant.

    That is the order of the log, whatever the clock said; but where a log was recovered, receipts may have been brought
    back and stand behind what was decided meanwhile, so there the instant counts.
    """
    query = select(Receipt).where(Receipt.site_id == site_id, Receipt.visitor_id.in_(visitors))
    if until is not None:
        query = query.where(Receipt.issued_at <= until)
    found = db.session.scalars(query.order_by(Receipt.epoch, Receipt.idx)).all()
    if any(receipt.epoch > 1 for receipt in found):
        return sorted(found, key=lambda each: (each.issued_at, each.epoch, each.idx))
    return found
