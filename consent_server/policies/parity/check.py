"""The parity check: do all languages of a version say the same? Pure, deterministic, offline.

The first language is what the others are compared with; with three languages two comparisons are made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from consent_server.policies.parity.align import PairOfSections, pair_documents
from consent_server.policies.parity.fact_findings import fact_findings
from consent_server.policies.parity.findings import MISSING, RULES, Finding, Place
from consent_server.policies.parity.places import Both
from consent_server.policies.parity.rights import right_findings
from consent_server.policies.parity.since import Follower
from consent_server.policies.parity.structure import structure_findings
from consent_server.policies.parity.term_findings import term_findings
from consent_server.policies.parity.waivers import Waiver, apply
from consent_server.policies.text import Document

Texts = Mapping[str, Document]


@dataclass(frozen=True, slots=True)
class Report:
    """What the check of one version found. `stale` are waivers that no longer waive anything."""

    name: str
    languages: tuple[str, ...]
    findings: tuple[Finding, ...]
    stale: tuple[Waiver, ...] = ()

    @property
    def in_step(self) -> bool:
        """Whether no error is open."""
        return not any(finding.is_open for finding in self.findings)

    @property
    def behind(self) -> tuple[str, ...]:
        """The languages that an open error names, in order of how often."""
        counts: dict[str, int] = {}
        for finding in self.findings:
            if finding.is_open:
                counts[finding.language] = counts.get(finding.language, 0) + 1
        return tuple(sorted(counts, key=lambda language: (-counts[language], language)))

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON-ready data."""
        return {
            "name": self.name,
            "languages": list(self.languages),
            "in_step": self.in_step,
            "behind": list(self.behind),
            "findings": [finding.to_json() for finding in self.findings],
            "stale_waivers": [waiver.to_json() for waiver in self.stale],
        }


def compare(first: Document, second: Document) -> list[Finding]:
    """Return in what two languages of one version differ, in reading order; none means that they are in step."""
    both = Both(first, second)
    pairs = pair_documents(first, second)
    found = [
        *structure_findings(pairs, both),
        *fact_findings(pairs, both),
        *term_findings(pairs, both),
        *right_findings(pairs, both),
    ]
    return _in_order(found, pairs)


def check(
    texts: Texts,
    *,
    previous: Texts | None = None,
    languages: Sequence[str] = (),
    waivers: Sequence[Waiver] = (),
    name: str = "",
) -> Report:
    """Check one version.

    Args:
        texts: its documents by language; the first is what the others are compared with.
        previous: those of the version before, to tell what changed in one language only.
        languages: the languages that it must have; by default those it has.
        waivers: findings that a named person lets pass.
        name: what to call the version in the report.
    """
    versions = [texts] if previous is None else [previous, texts]
    return check_history([(name, each) for each in versions], languages=languages, waivers=waivers)[-1]


def check_history(
    versions: Sequence[tuple[str, Texts]],
    *,
    languages: Sequence[str] = (),
    waivers: Sequence[Waiver] = (),
) -> list[Report]:
    """Check versions in order, each with what changed in one language and not in the other since they last agreed."""
    followers: dict[tuple[str, str], Follower] = {}
    reports = []
    for name, texts in versions:
        wanted = list(dict.fromkeys([*languages, *texts]))
        found = _version(texts, wanted, followers)
        marked, stale = apply(waivers, found)
        reports.append(Report(name, tuple(wanted), tuple(marked), tuple(stale)))
    return reports


def _version(
    texts: Texts, wanted: Sequence[str], followers: dict[tuple[str, str], Follower]
) -> list[Finding]:
    there = [language for language in wanted if language in texts]
    found = [_missing(language, there) for language in wanted if language not in texts]
    for other in there[1:]:
        first, second = texts[there[0]], texts[other]
        content = compare(first, second)
        errors = [finding for finding in content if finding.severity == "error"]
        follower = followers.setdefault((there[0], other), Follower())
        alone = follower.take(first, second, errors)
        told = {_words(finding) for finding in alone}
        # That a piece was added or removed says more than that it is missing.
        content = [f for f in content if f.rule not in MISSING or _words(f) not in told]
        found += _in_order([*alone, *content], pair_documents(first, second))
    return found


def _words(finding: Finding) -> frozenset[tuple[str, str]]:
    return frozenset((place.language, place.text) for place in finding.places)


def _in_order(found: Sequence[Finding], pairs: Sequence[PairOfSections]) -> list[Finding]:
    order = {pair.section.name: at for at, pair in reversed(list(enumerate(pairs)))}
    # "7" and "07" in one sentence are one number and one finding: a waiver could not tell them apart.
    unique: dict[str, Finding] = {}
    for finding in found:
        unique.setdefault(finding.fingerprint, finding)
    return sorted(unique.values(), key=lambda finding: order.get(finding.section, -1))


def _missing(language: str, there: Sequence[str]) -> Finding:
    places = tuple(Place(tag, "", "", "", 0, "") for tag in (language, there[0] if there else ""))
    message = f"There is no text in {language}."
    return Finding("language-missing", "", language, message, places, language, RULES["language-missing"][0])  # type: ignore[arg-type]
