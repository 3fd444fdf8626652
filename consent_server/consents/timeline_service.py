"""The time machine over stored receipts: of a visitor, of a subject."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from consent_server import clock
from consent_server.consents import records, subjects
from consent_server.consents.timeline import Decided, Moment, PurposeAt, Timeline, purposes_at, timeline
from consent_server.ledger.models import Receipt
from consent_server.policies.facts import VersionFacts
from consent_server.policies.published import SiteView
from consent_server.problems import NotFound

MOMENTS = 500  # the newest that an answer lists


class UnknownVisitor(NotFound):
    slug = "unknown-visitor"
    title = "No decision of this visitor is known"


@dataclass(frozen=True)
class StateAt:
    """What was known at an instant."""

    at: datetime
    history: Timeline
    purposes: Sequence[PurposeAt]

    def to_json(self) -> dict[str, Any]:
        """Return the answer's members, without whose they are."""
        state = self.history.state
        return {
            "at": clock.iso(self.at),
            "state": state.to_json() if state else None,
            "purposes": [_purpose(each) for each in self.purposes],
            "effective": [each.purpose for each in self.purposes if each.on],
        }

    def moments(self) -> list[dict[str, Any]]:
        """Return the decisions that led there, oldest first; of very many the newest."""
        return [_moment(each) for each in self.history.moments[-MOMENTS:]]


def of_visitor(site: SiteView, visitor_id: uuid.UUID, *, at: datetime) -> StateAt:
    """Return what a browser's receipts said at an instant.

    Raises:
        UnknownVisitor: it has no receipt here, or all have been erased.
    """
    receipts = records.receipts_of_visitors(site.id, [visitor_id])
    if not receipts:
        raise UnknownVisitor("It never decided here, or its receipts have been erased.")
    return _state(site, receipts, at)


def of_subject(site: SiteView, subject: str, *, at: datetime) -> StateAt:
    """Return what the receipts of all a subject's browsers said at an instant.

    Raises:
        UnknownSubject: nobody ever vouched for this subject here.
    """
    if not subjects.visitors_of(site.id, subject):
        raise subjects.UnknownSubject("The subject has not decided in any identified browser.")
    return _state(site, subjects.receipts_of(site.id, subject, until=at), at)


def history_of(receipts: Sequence[Receipt], versions: Sequence[VersionFacts]) -> Timeline:
    """Return the history of these receipts; erased ones no longer count."""
    return timeline(
        (
            Decided(row.receipt_id, row.epoch, row.idx, records.facts_of(row.payload))
            for row in receipts
            if row.payload is not None
        ),
        versions,
    )


def _state(site: SiteView, receipts: Sequence[Receipt], at: datetime) -> StateAt:
    published = [version.facts for version in site.versions if version.published_at <= at]
    history = history_of([row for row in receipts if row.issued_at <= at], published)
    return StateAt(at, history, purposes_at(history, published, clock.to_ms(at), site.profile))


def _purpose(each: PurposeAt) -> dict[str, Any]:
    entry, by = each.entry, each.by
    found: dict[str, Any] = {"purpose": each.purpose, "on": each.on, "choice": None, "decided_by": None}
    if entry is None:
        return found
    found |= {
        "choice": entry.choice,
        "action": entry.by,
        "policy_version": entry.version,
        "decided_at": clock.iso(clock.from_ms(entry.at)),
        "expires_at": clock.iso(clock.from_ms(entry.until)),
    }
    if by is not None:
        found["decided_by"] = {"receipt_id": str(by.receipt_id), "epoch": by.epoch, "log_index": by.idx}
    return found


def _moment(each: Moment) -> dict[str, Any]:
    decided = each.decided
    return {
        "receipt_id": str(decided.receipt_id),
        "epoch": decided.epoch,
        "log_index": decided.idx,
        "at": clock.iso(clock.from_ms(decided.facts.at)),
        "action": decided.facts.action,
        "policy_version": decided.facts.version,
        "changed": list(each.changed),
    }
