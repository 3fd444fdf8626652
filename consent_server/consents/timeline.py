"""The time machine, pure: what each purpose's state was at an instant, and the receipt that decided it.

It adds decisions up with the same rule as the consent record (`rules.derive_state`) and remembers, for each entry, the
receipt from which it came.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from consent_server.consents.facts import ConsentState, DecisionFacts, Entry, Profile
from consent_server.consents.rules import derive_state, effective, follow
from consent_server.policies.facts import VersionFacts, newest_first


@dataclass(frozen=True)
class Decided:
    """One receipt with its place in the log, and what it says."""

    receipt_id: uuid.UUID
    epoch: int
    idx: int
    facts: DecisionFacts


@dataclass(frozen=True)
class Moment:
    """One decision on the way: the state after it, and which purposes it answered anew."""

    decided: Decided
    state: ConsentState
    changed: tuple[str, ...]


@dataclass(frozen=True)
class PurposeAt:
    """A purpose at an instant. Without an entry the visitor was never asked about it; `on` may still be true then."""

    purpose: str
    on: bool
    entry: Entry | None = None
    by: Decided | None = None


@dataclass(frozen=True)
class Timeline:
    """A history of decisions and where each entry came from."""

    moments: tuple[Moment, ...] = ()
    origins: dict[Entry, Decided] = field(default_factory=dict)

    @property
    def state(self) -> ConsentState | None:
        """The state after the last decision; None before the first."""
        return self.moments[-1].state if self.moments else None


def timeline(decisions: Iterable[Decided], versions: Sequence[VersionFacts]) -> Timeline:
    """Return the history that these decisions make, in the order of the log."""
    state: ConsentState | None = None
    origins: dict[Entry, Decided] = {}
    moments = []
    for decided in decisions:
        state = derive_state(state, decided.facts, versions)
        fresh = [purpose for purpose, entry in state.purposes.items() if entry not in origins]
        origins |= {state.purposes[purpose]: decided for purpose in fresh}
        moments.append(Moment(decided, state, tuple(fresh)))
    return Timeline(tuple(moments), origins)


def purposes_at(
    history: Timeline, versions: Sequence[VersionFacts], at_ms: int, profile: Profile
) -> list[PurposeAt]:
    """Return every purpose of the newest of these versions, as it was at an instant.

    Args:
        history: the decisions up to the instant.
        versions: the versions published by then.
        at_ms: the instant, in milliseconds since 1970.
        profile: whether a purpose that was never asked is on.
    """
    newest = newest_first(versions)
    if not newest:
        return []
    state = history.state
    on = effective(state, versions, at_ms, profile)
    found = []
    for purpose in newest[0].purposes:
        entry = follow(purpose, state, newest).entry if state else None
        by = history.origins.get(entry) if entry else None
        found.append(PurposeAt(purpose, purpose in on, entry, by))
    return found
