"""What stands in the way of publishing, and what changed between two frozen sets of purposes. Pure.

Rules 6 and 7 of the product: no version goes out with a language missing or out of step unless a named person
waives it with a reason; and an untyped change is not minor.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from consent_server.policies.changes import ChangeType, is_downgrade, proposed_class
from consent_server.policies.facts import Change
from consent_server.policies.parity import Finding
from consent_server.policies.redline import Suggestion
from consent_server.policies.redline.summary import AT_MOST

_TOLD = 5  # findings in the words of an obstacle; all are among its `findings`
Frozen = Mapping[str, Any]  # one purpose as `purposes.service.freeze` returns it


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One reason why a draft cannot be published. `code` is stable; `language` and `subject` say where.

    `findings` are those of the parity check that stand behind it; each is mended, or waived by its fingerprint.
    """

    code: str
    detail: str
    language: str = ""
    subject: str = ""
    can_be_waived: bool = False
    findings: tuple[Finding, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the members that problems and pages show."""
        return {
            "code": self.code,
            "detail": self.detail,
            "language": self.language,
            "subject": self.subject,
            "can_be_waived": self.can_be_waived,
            "findings": [
                {"fingerprint": f.fingerprint, "rule": f.rule, "section": f.section, "message": f.message}
                for f in self.findings
            ],
        }


def detect_changes(before: Sequence[Frozen], after: Sequence[Frozen]) -> list[Change]:
    """Return the differences between two frozen sets of purposes, each with the class that its type proposes."""
    return [
        Change(kind, proposed_class(kind), (purpose,))
        for kind, purpose in dict.fromkeys(_differences(before, after))
    ]


def uncovered(detected: Iterable[Change], typed: Sequence[Change]) -> list[Change]:
    """Return the detected changes that no typed change accounts for."""
    return [change for change in detected if not any(_covers(each, change) for each in typed)]


def language_obstacles(
    languages: Sequence[str],
    findings: Mapping[str, Sequence[Finding]],
) -> Iterator[Obstacle]:
    """Yield an obstacle for each language with findings that stand in the way: errors that nobody has waived.

    Args:
        languages: the site's, the default first.
        findings: language to what the parity check found when it compared it with the default one.
    """
    for language in languages:
        still = tuple(finding for finding in findings.get(language, ()) if finding.is_open)
        if not still:
            continue
        if still[0].rule == "language-missing":
            # What all others are compared with must be there.
            yield Obstacle(
                "missing-language", still[0].message, language, "", language != languages[0], still
            )
            continue
        words = "; ".join(f"{finding.message} [{finding.fingerprint}]" for finding in still[:_TOLD])
        more = f"; and {len(still) - _TOLD} more" if len(still) > _TOLD else ""
        detail = f"{language} is out of step with {languages[0]}: {words}{more}"
        yield Obstacle("out-of-step", detail, language, "", True, still)


def change_obstacles(
    typed: Sequence[Change], *, text_changed: bool, approvals: Sequence[tuple[str, str, str]]
) -> Iterator[Obstacle]:
    """Yield an obstacle for untyped changes and for downgrades without a reason or a second person.

    Args:
        typed: the draft's typed changes.
        text_changed: whether a notice differs from the predecessor's.
        approvals: for each change (reason, who classified it, who approved it).
    """
    if text_changed and not typed:
        yield Obstacle(
            "untyped-change", "The text has changed and nobody has said what kind of change it is."
        )
    for change, (reason, classified_by, approved_by) in zip(typed, approvals, strict=True):
        if change.type is ChangeType.UNCLASSIFIED:
            yield Obstacle("untyped-change", "A change is still unclassified.", subject=change.type.value)
        if not is_downgrade(change.type, change.change_class):
            continue
        if not reason.strip():
            yield Obstacle(
                "downgrade-reason",
                "Say why this change counts as less than its type proposes.",
                subject=change.type.value,
            )
        if (
            proposed_class(change.type).is_major
            and not change.change_class.is_major
            and approved_by in ("", classified_by)
        ):
            yield Obstacle(
                "downgrade-approval",
                "A second person must approve that this change is not major.",
                subject=change.type.value,
            )


def proposal_obstacles(still: Iterable[Suggestion]) -> Iterator[Obstacle]:
    """Yield an obstacle for each proposed type that nobody has answered; `still` are those that are major."""
    told: set[ChangeType] = set()
    for each in still:
        if each.type is not None and each.type not in told:
            told.add(each.type)
            words = ", ".join(word for words in each.words.values() for word in words[:3])
            where = f"section {each.number}" if each.number else each.anchor
            yield Obstacle("proposal-open", f"{where}: {words}", subject=each.type.value)


def summary_obstacles(typed: Sequence[Change], languages: Sequence[str]) -> Iterator[Obstacle]:
    """Yield an obstacle for each language in which visitors would be told more than the card has room for."""
    for language in languages:
        told = {change.summary[language] for change in typed if change.summary.get(language)}
        if len(told) > AT_MOST:
            yield Obstacle(
                "summary-too-long", f"{len(told)} sentences in {language}; at most {AT_MOST}.", language
            )


def rename_obstacles(
    typed: Sequence[Change], before: Sequence[Frozen], after: Sequence[Frozen]
) -> Iterator[Obstacle]:
    """Yield an obstacle for every rename that does not lead from one purpose that was to one that is.

    The re-consent rule follows renames back in time, so each must be one to one.
    """
    renames = [change for change in typed if change.type is ChangeType.PURPOSE_RENAMED]
    sources = [change.renamed_from or "" for change in renames]
    targets = [purpose for change in renames for purpose in change.purposes or ("",)]
    old, new = ({purpose["key"] for purpose in purposes} for purposes in (before, after))
    for name in dict.fromkeys([*sources, *targets]):
        if sources.count(name) > 1 or targets.count(name) > 1:
            yield Obstacle("rename-unclear", "Two renames share a purpose.", subject=name)
    for change, source in zip(renames, sources, strict=True):
        if source not in old or len(change.purposes or ()) != 1 or not set(change.purposes or ()) <= new:
            yield Obstacle("rename-unclear", "A rename names one old key and one new key.", subject=source)
    for purpose in {p for change in typed for p in change.purposes or ()} - old - new:
        yield Obstacle("unknown-purpose", "A change names a purpose that there is not.", subject=purpose)


def text_obstacles(purposes: Sequence[Frozen], languages: Sequence[str]) -> Iterator[Obstacle]:
    """Yield an obstacle for every purpose that lacks a name or description in a language of the site."""
    for purpose in purposes:
        for language in languages:
            texts = purpose["texts"].get(language, {})
            if not texts.get("name", "").strip() or not texts.get("description", "").strip():
                yield Obstacle(
                    "purpose-untranslated",
                    f"The purpose has no name or description in {language}.",
                    language,
                    purpose["key"],
                )


def _covers(typed: Change, detected: Change) -> bool:
    (purpose,) = detected.purposes or ("",)
    if detected.type is ChangeType.PURPOSE_REMOVED and typed.renamed_from == purpose:
        return True
    if detected.type is ChangeType.PURPOSE_ADDED and typed.type is ChangeType.PURPOSE_RENAMED:
        return typed.names(purpose)
    if not typed.touches(purpose):
        return False
    return typed.type is detected.type or typed.change_class.rank >= detected.change_class.rank


def _differences(before: Sequence[Frozen], after: Sequence[Frozen]) -> Iterator[tuple[ChangeType, str]]:
    old, new = ({p["key"]: p for p in purposes} for purposes in (before, after))
    for key in new.keys() - old.keys():
        if new[key]["function"] == "additional":
            yield ChangeType.PURPOSE_ADDED, key
        else:
            yield ChangeType.PURPOSE_CHANGED, key
    for key in old.keys() - new.keys():
        yield ChangeType.PURPOSE_REMOVED, key
    for key in (key for key in new if key in old):
        yield from ((kind, key) for kind in _within(old[key], new[key]))


def _within(old: Frozen, new: Frozen) -> Iterator[ChangeType]:
    """Yield how one purpose differs from itself in the version before."""
    if old["function"] != new["function"]:
        yield ChangeType.PURPOSE_ADDED if new["function"] == "additional" else ChangeType.PURPOSE_CHANGED
    if old["legal_basis"] != new["legal_basis"]:
        yield ChangeType.LEGAL_BASIS
    if old["consent_kind"] != new["consent_kind"] or old["texts"] != new["texts"]:
        yield ChangeType.PURPOSE_CHANGED
    before, after = ({s["key"]: s for s in p["services"]} for p in (old, new))
    if after.keys() - before.keys():
        yield ChangeType.SERVICE_ADDED
    if before.keys() - after.keys():
        yield ChangeType.SERVICE_REMOVED
    for key in after.keys() & before.keys():
        yield from _within_service(before[key], after[key])


def _within_service(old: Frozen, new: Frozen) -> Iterator[ChangeType]:
    if (old["provider"], old["name"]) != (new["provider"], new["name"]):
        yield ChangeType.RECIPIENTS
    before, after = ({(c["store"], c["name"]): c for c in s["cookies"]} for s in (old, new))
    if after.keys() - before.keys():
        yield ChangeType.COOKIE_ADDED
    if before.keys() - after.keys():
        yield ChangeType.COOKIE_REMOVED
    if any(before[key]["lifetime"] != after[key]["lifetime"] for key in after.keys() & before.keys()):
        yield ChangeType.RETENTION
