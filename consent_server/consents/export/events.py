"""What happened to each purpose in one decision, in the words of the Data Privacy Vocabulary. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from consent_server.consents.facts import ConsentState, DecisionFacts, Entry
from consent_server.consents.rules import follow
from consent_server.policies.changes import version_order
from consent_server.policies.facts import VersionFacts, newest_first

GIVEN, RENEWED = "ConsentGiven", "RenewedConsentGiven"
REFUSED, WITHDRAWN, EXPIRED, UNKNOWN = (
    "ConsentRefused",
    "ConsentWithdrawn",
    "ConsentExpired",
    "ConsentUnknown",
)
PERMITTING = frozenset({GIVEN, RENEWED})


@dataclass(frozen=True)
class Event:
    """The state of one purpose after a decision. Instants are milliseconds since 1970."""

    purpose: str
    status: str
    at: int
    until: int


def events(
    decision: DecisionFacts, before: ConsentState | None, versions: Sequence[VersionFacts]
) -> list[Event]:
    """Return an event for every purpose that a decision states, in the decision's order.

    Args:
        decision: what the receipt says.
        before: the visitor's state before it.
        versions: the published versions; they tell what purposes used to be called.
    """
    earlier = _earlier(decision, before, versions)
    return [_event(purpose, decision, earlier.get(purpose)) for purpose in decision.choices]


def _earlier(
    decision: DecisionFacts, before: ConsentState | None, versions: Sequence[VersionFacts]
) -> Mapping[str, Entry]:
    if before is None:
        return {}
    known = [v for v in newest_first(versions) if v.order <= version_order(decision.version)]
    if not known or before.order > known[0].order:
        return before.purposes
    found = {purpose: follow(purpose, before, known).entry for purpose in decision.choices}
    return {purpose: entry for purpose, entry in found.items() if entry}


def _event(purpose: str, decision: DecisionFacts, before: Entry | None) -> Event:
    asked = purpose in decision.asked
    granted_before = before is not None and before.granted
    if decision.choices[purpose] == "granted":
        if asked:
            return Event(purpose, RENEWED if granted_before else GIVEN, decision.at, decision.until)
        if before is not None and granted_before:
            return Event(purpose, GIVEN, before.at, before.until)
        return Event(purpose, UNKNOWN, decision.at, decision.until)
    if not asked and before is not None and not granted_before:
        return Event(purpose, REFUSED, before.at, before.until)
    status = EXPIRED if decision.action == "expire" else WITHDRAWN if granted_before else REFUSED
    return Event(purpose, status, decision.at, decision.until)
