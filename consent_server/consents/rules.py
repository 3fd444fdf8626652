"""How decisions add up to a state, and which purposes are on: pure, the twin of widget/src/state.js.

Both are held together by tests/vectors/state.json.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from consent_server.consents.facts import Action, ConsentState, DecisionFacts, Entry, Profile
from consent_server.policies.changes import version_order
from consent_server.policies.facts import VersionFacts, newest_first

# Only these can give a consent. A withdrawal of one purpose states the others as they are, and must
# not renew them on the way; a signal or an expiry is not an act of the visitor at all.
GRANTING: Final[frozenset[Action]] = frozenset({"accept_all", "custom"})


@dataclass(frozen=True, slots=True)
class Trail:
    """A purpose followed back in time to what the visitor answered about it.

    Attributes:
        entry: the answer; None if this purpose was never asked.
        key: the purpose's name in the state, if it existed then.
        path: the versions since the answer (or since the purpose was born) with its name in each,
            newest first.
    """

    entry: Entry | None
    key: str | None
    path: tuple[tuple[VersionFacts, str], ...]


def follow(purpose: str, state: ConsentState, newest: Sequence[VersionFacts]) -> Trail:
    """Follow a purpose back to the visitor's answer, through renames.

    A renamed purpose keeps its answer. A purpose that was removed and came back under the same key
    is another one, and begins without an answer.

    Args:
        purpose: a key in the first of `newest`.
        state: the visitor's entries.
        newest: versions, newest first, beginning with the one that `purpose` is a key of.
    """
    path, key = _walk(purpose, newest, state.order)
    entry = None if key is None else state.purposes.get(key)
    if key is None or entry is None:
        return Trail(None, key, path)
    since, origin = _walk(key, newest[len(path) :], entry.order)
    return Trail(None if origin is None else entry, key, path + since)


def derive_state(
    previous: ConsentState | None, decision: DecisionFacts, versions: Iterable[VersionFacts] = ()
) -> ConsentState:
    """Return the state after a decision, in the order in which decisions were received.

    Only what was really asked is answered anew. Of the rest, a refusal always counts (withdrawal is
    as easy as consent: PIPL art. 15, GDPR art. 7(3)) and a grant that was not asked never does. A
    decision on a version that has been superseded meanwhile changes the purposes it knew and leaves
    the others.

    Args:
        previous: the state before, or None.
        decision: what the receipt says.
        versions: the published versions, in any order; they tell what purposes used to be called.
    """
    if previous is None:
        return _first(decision, versions)
    stated = ConsentState(
        decision.version,
        {
            purpose: Entry(choice, decision.version, decision.at, decision.until, decision.action)
            for purpose, choice in decision.choices.items()
        },
    )
    later = previous if previous.order > stated.order else stated
    newest = [v for v in newest_first(versions) if v.order <= later.order]
    known = later is stated or any(v.number == later.version for v in newest)
    entries: dict[str, Entry] = {}
    for key in _keys(later, newest):
        before = follow(key, previous, newest).entry
        now = follow(key, stated, newest)
        entry = _answer(before, now, decision)
        # A page that was loaded before the newer version cannot tell a purpose that is new from one
        # that was renamed: what it cannot place is not kept as a grant.
        if entry and (known or now.entry or not entry.granted):
            entries[key] = entry
    return ConsentState(later.version, entries, _still_seen(previous, later))


def _first(decision: DecisionFacts, versions: Iterable[VersionFacts]) -> ConsentState:
    """Return the state after a first decision. Nothing has to be followed through renames, and most are first ones."""
    facts = next((version for version in versions if version.number == decision.version), None)
    choices = decision.choices
    given = decision.asked if decision.action in GRANTING else ()
    entries = {
        key: Entry(choices[key], decision.version, decision.at, decision.until, decision.action)
        for key in (facts.purposes if facts else choices)
        if key in choices and (choices[key] == "denied" or key in given)
    }
    return ConsentState(decision.version, entries)


def effective(
    state: ConsentState | None,
    versions: Iterable[VersionFacts],
    now_ms: int,
    profile: Profile = "opt_in",
    *,
    signal: bool = False,
) -> tuple[str, ...]:
    """Return the additional purposes that are on now, in the current version's order.

    A grant is honoured in its old scope until the visitor has answered the delta or it expires; a
    new purpose stays off until it was asked. Before any decision, an opt-out site has everything
    on unless the browser sends a signal (GPC or DNT).
    """
    newest = newest_first(versions)
    if not newest:
        return ()
    purposes = newest[0].purposes
    if state is None:
        return purposes if profile == "opt_out" and not signal else ()
    entries = {purpose: follow(purpose, state, newest).entry for purpose in purposes}
    return tuple(p for p, e in entries.items() if e and e.granted and now_ms < e.until)


def _walk(
    purpose: str, newest: Iterable[VersionFacts], answered: tuple[int, int]
) -> tuple[tuple[tuple[VersionFacts, str], ...], str | None]:
    """Return the name in each version after the one that was answered, and the name before them (None: it did not exist)."""
    path: list[tuple[VersionFacts, str]] = []
    name: str | None = purpose
    for version in newest:
        if version.order <= answered:
            break
        if name is None or name not in version.purposes:
            return tuple(path), None
        path.append((version, name))
        name = version.name_before(name)
    return tuple(path), name


def _keys(later: ConsentState, newest: Sequence[VersionFacts]) -> Iterable[str]:
    """Return the purposes that the new state can hold: those of its version."""
    facts = next((v for v in newest if v.number == later.version), None)
    return facts.purposes if facts else later.purposes


def _answer(before: Entry | None, now: Trail, decision: DecisionFacts) -> Entry | None:
    if now.entry is None:
        return before
    if now.key in decision.asked and (not now.entry.granted or decision.action in GRANTING):
        return now.entry
    if now.entry.granted:
        return before if before and before.granted else None
    return before if before and not before.granted else now.entry


def _still_seen(previous: ConsentState, later: ConsentState) -> str | None:
    seen = previous.seen
    return seen if seen and version_order(seen) > later.order else None
