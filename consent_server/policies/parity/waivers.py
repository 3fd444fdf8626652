"""Findings that a named person lets pass, with a reason. A waiver names what it waives, so it never hides more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from consent_server.policies.parity.findings import RULES, Finding

_MEMBERS = ("rule", "section", "language", "subject", "fingerprint", "by", "reason")


class BadWaiver(ValueError):
    """A waiver that cannot be taken as it is; the message says what to mend."""


@dataclass(frozen=True, slots=True)
class Waiver:
    """Lets findings of `rule` in `section` pass; `language`, `subject` and `fingerprint` narrow it where they are given.

    One with a fingerprint falls as soon as the text that it was given for changes.
    """

    rule: str
    section: str
    by: str
    reason: str
    language: str = ""
    subject: str = ""
    fingerprint: str = ""

    def covers(self, finding: Finding) -> bool:
        """Return whether this waiver lets the finding pass."""
        return (
            self.rule == finding.rule
            and self.section == finding.section
            and self.language in ("", finding.language)
            and self.subject in ("", finding.subject)
            and self.fingerprint in ("", finding.fingerprint)
        )

    def to_json(self) -> dict[str, str]:
        """Return the waiver as JSON-ready data."""
        return {name: getattr(self, name) for name in _MEMBERS if getattr(self, name)}


def read_waivers(data: Any) -> list[Waiver]:
    """Return the waivers of a JSON list of objects with `rule`, `section`, `by`, `reason` and, to narrow, `language`, `subject`, `fingerprint`.

    Raises:
        BadWaiver: it is no list of objects, a member is missing, empty or unknown, or the rule does not exist.
    """
    if not isinstance(data, list):
        raise BadWaiver("waivers are a JSON list of objects")
    return [_waiver(at, each) for at, each in enumerate(data, 1)]


def _waiver(at: int, data: Any) -> Waiver:
    if not isinstance(data, Mapping) or not all(isinstance(value, str) for value in data.values()):
        raise BadWaiver(f"waiver {at} is no object of texts")
    if unknown := sorted(set(data) - set(_MEMBERS)):
        raise BadWaiver(f"waiver {at} has unknown members: {', '.join(unknown)}")
    for name in ("rule", "by", "reason"):
        if not data.get(name, "").strip():
            raise BadWaiver(f"waiver {at} lacks `{name}`; a waiver names its rule, who waives, and why")
    if "section" not in data:
        raise BadWaiver(f"waiver {at} lacks `section` (empty for the text before the first heading)")
    if data["rule"] not in RULES:
        raise BadWaiver(f"waiver {at}: there is no rule {data['rule']!r}")
    return Waiver(**{name: data[name].strip() for name in _MEMBERS if name in data})


def apply(waivers: Sequence[Waiver], findings: Iterable[Finding]) -> tuple[list[Finding], list[Waiver]]:
    """Return the findings, those that are waived marked so, and the waivers that no longer waive anything."""
    used: set[Waiver] = set()
    marked = []
    for finding in findings:
        waiver = next((each for each in waivers if each.covers(finding)), None)
        if waiver is not None:
            used.add(waiver)
            finding = replace(finding, waived_by=waiver.by, reason=waiver.reason)
        marked.append(finding)
    return marked, [waiver for waiver in waivers if waiver not in used]
