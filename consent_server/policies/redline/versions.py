"""Everything about the step from one version to the next: redlines of every language and what they seem to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from consent_server.policies.parity.align import pair_documents
from consent_server.policies.redline.proposals import Names, Suggestion, key_of, propose
from consent_server.policies.redline.sections import SectionRedline, redline_sections
from consent_server.policies.redline.summary import Bullet, draft_summary
from consent_server.policies.text import Document

Texts = Mapping[str, Document]


@dataclass(frozen=True, slots=True)
class VersionRedline:
    """What differs between two versions: redlines by language, and the proposals that follow from them."""

    redlines: Mapping[str, tuple[SectionRedline, ...]]
    suggestions: tuple[Suggestion, ...]
    same: Mapping[
        str, Mapping[str, str]
    ]  # by language, which section (`key_of`) is which in the first language

    def summary(self, language: str, confirmed: Sequence[Suggestion] | None = None) -> tuple[Bullet, ...]:
        """Return the draft of what visitors are told in one language; by default as if every proposal were confirmed."""
        anchors = self.same.get(language, {})
        words = {
            anchors.get(key_of(redline), key_of(redline)).removeprefix("-"): redline
            for redline in reversed(self.redlines.get(language, ()))
        }
        return draft_summary(self.suggestions if confirmed is None else confirmed, words, language)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {
            "redlines": {language: [r.to_json() for r in each] for language, each in self.redlines.items()},
            "suggestions": [suggestion.to_json() for suggestion in self.suggestions],
            "summary": {
                language: [bullet.to_json() for bullet in self.summary(language)]
                for language in self.redlines
            },
        }


def redline_versions(old: Texts, new: Texts, purposes: Names | None = None) -> VersionRedline:
    """Compare two versions in every language that both have; the first of `new` is the one that the others follow."""
    languages = [language for language in new if language in old]
    redlines = {language: tuple(redline_sections(old[language], new[language])) for language in languages}
    same = {language: _anchors(old, new, languages[0], language) for language in languages[1:]}
    return VersionRedline(redlines, tuple(propose(redlines, purposes, same)), same)


def _anchors(old: Texts, new: Texts, leading: str, language: str) -> dict[str, str]:
    """Return which section of `language` is which of the leading one; a "-" before it means the old version's."""
    found = {}
    for prefix, texts in (("", new), ("-", old)):
        for pair in pair_documents(texts[leading], texts[language]):
            if pair.first and pair.second:
                found[f"{prefix}{pair.second.anchor}"] = f"{prefix}{pair.first.anchor}"
    return found
