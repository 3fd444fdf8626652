"""When must a visitor be asked again, and about what? Pure, the twin of widget/src/reconsent.js.

Both are held together by tests/vectors/reconsent.json.

Sources: consent covers what was described when it was given, and has to be obtained again when that
changes (EDPB Guidelines 05/2020 on consent, on evolving processing and refreshing consent; PIPL art. 14);
but a person who said no must not be asked again and again (Network Data Security Management
Regulations, art. 22). So a change asks only those who agreed to what it touches, only about that,
and a refusal rests until it expires.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from consent_server.consents.facts import SIGNALS, ConsentState, Profile
from consent_server.consents.rules import Trail, follow
from consent_server.policies.changes import ChangeClass, ChangeType, version_order
from consent_server.policies.facts import Change, VersionFacts, newest_first

Reason = Literal["never", "expired", "changed", "added", "notice"]
PRECEDENCE: Final[tuple[Reason, ...]] = ("never", "expired", "changed", "added", "notice")


@dataclass(frozen=True, slots=True)
class Delta:
    """What a visitor has to be asked or told.

    Attributes:
        reason: the weightiest reason, in the order of PRECEDENCE.
        ask: purposes to ask about, in the current version's order.
        tell: versions whose notice has to be shown, oldest first.
        changes: the changes that caused this, as (version, index in its changes), oldest first.
    """

    reason: Reason
    ask: tuple[str, ...] = ()
    tell: tuple[str, ...] = ()
    changes: tuple[tuple[str, int], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form, the same as the widget's."""
        return {
            "reason": self.reason,
            "ask": list(self.ask),
            "tell": list(self.tell),
            "changes": [[number, index] for number, index in self.changes],
        }


def needs_reconsent(
    state: ConsentState | None,
    versions: Iterable[VersionFacts],
    now_ms: int,
    profile: Profile = "opt_in",
) -> Delta | None:
    """Return what this visitor has to be asked or told now, or None.

    Args:
        state: the visitor's consent, or None before the first decision.
        versions: the published and effective versions, in any order.
        now_ms: the instant, in milliseconds since 1970.
        profile: whether the site asks before ("opt_in") or lets visitors object ("opt_out").
    """
    newest = newest_first(versions)
    if not newest:
        return None
    if state is None:
        return Delta("never", newest[0].purposes) if newest[0].purposes else None
    reasons: dict[str, Reason] = {}
    causes: set[tuple[str, int]] = set()
    for purpose in newest[0].purposes:
        trail = follow(purpose, state, newest)
        if reason := _reason_to_ask(trail, now_ms, profile):
            reasons[purpose] = reason
            causes.update(_causes(trail, reason))
    notices = set(_notices(state, newest))
    if not reasons and not notices:
        return None
    return Delta(
        reason=min(reasons.values(), key=PRECEDENCE.index, default="notice"),
        ask=tuple(reasons),
        tell=tuple(sorted({number for number, _ in notices}, key=version_order)),
        changes=tuple(sorted(causes | notices, key=lambda c: (version_order(c[0]), c[1]))),
    )


def _reason_to_ask(trail: Trail, now_ms: int, profile: Profile) -> Reason | None:
    entry = trail.entry
    if entry is None:
        return "added"
    # A signal answers for the visitor; where consent comes first, nobody has asked them yet.
    if entry.by in SIGNALS and profile == "opt_in":
        return "never"
    if entry.by == "expire" or now_ms >= entry.until:
        return "expired"
    return "changed" if any(_causes(trail, "changed")) else None


def _causes(trail: Trail, reason: Reason) -> Iterator[tuple[str, int]]:
    """Yield the changes since the answer that are why the purpose is asked."""
    for version, name in trail.path:
        for index, change in enumerate(version.changes):
            if (reason == "changed" and _voids(change, name, trail)) or (
                reason == "added" and _begins(change, name)
            ):
                yield version.number, index


def _voids(change: Change, name: str, trail: Trail) -> bool:
    """Return whether a change reaches beyond a grant; a refusal has no scope to outgrow."""
    granted = trail.entry is not None and trail.entry.granted
    return granted and change.change_class is ChangeClass.MAJOR_CONSENT and change.touches(name)


def _begins(change: Change, name: str) -> bool:
    return change.type is ChangeType.PURPOSE_ADDED and change.change_class.is_major and change.names(name)


def _notices(state: ConsentState, newest: Sequence[VersionFacts]) -> Iterator[tuple[str, int]]:
    """Yield the notices this visitor has not seen and that touch them.

    One that names purposes is only for those who granted one of them, under whatever name; one
    that concerns all is for everybody who ever decided.
    """
    told = max(state.order, version_order(state.seen or state.version))
    for age, version in enumerate(newest):
        if version.order <= told:
            return
        for index, change in enumerate(version.changes):
            if change.change_class is ChangeClass.MAJOR_NOTICE and (
                change.purposes is None
                or any(_granted(purpose, state, newest[age:]) for purpose in change.purposes)
            ):
                yield version.number, index


def _granted(purpose: str, state: ConsentState, newest: Sequence[VersionFacts]) -> bool:
    # A notice on a removal names a purpose that only the version before still has.
    lived = newest if purpose in newest[0].purposes else newest[1:]
    entry = follow(purpose, state, lived).entry
    return entry is not None and entry.granted
