"""What the parity check finds: a rule, two places, and why it matters."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

Severity = Literal["error", "warning"]

# Rule name: (severity, why it matters). The names are on the wire, in waiver files and in docs/parity.md.
RULES: Final[Mapping[str, tuple[Severity, str]]] = MappingProxyType(
    {
        "language-missing": ("error", "Who reads only that language is told nothing."),
        "title-missing": ("error", "A reader does not see what the document is."),
        "preamble-missing": ("error", "Scope and key points are told to one group of readers only."),
        "definitions-missing": (
            "error",
            "The words that the text rests on are explained to one group of readers only.",
        ),
        "section-missing": ("error", "One group of readers is not told any of it."),
        "section-empty": ("error", "A heading without words tells one group of readers nothing."),
        "section-order": ("warning", "A reference to a section leads readers to different places."),
        "section-level": ("warning", "What belongs under a heading differs between the languages."),
        "paragraph-missing": ("error", "One group of readers is told less."),
        "paragraph-short": ("error", "One text is so much shorter that a part of it seems to be missing."),
        "list-length": ("error", "What a list leaves out does not apply to its readers."),
        "table-length": ("error", "What a table leaves out is not disclosed to its readers."),
        "fact-differs": ("error", "Both languages are binding; readers are told different things."),
        "fact-missing": (
            "error",
            "A fact that only one language states binds, or informs, only its readers.",
        ),
        "name-differs": (
            "warning",
            "A name is written alike in both languages; readers may take it for another party.",
        ),
        "slot-empty": ("error", "A reader is told to write or to look somewhere, and not where."),
        "placeholder-unfilled": (
            "error",
            "Readers would see a placeholder in place of the words of the site's profile.",
        ),
        "address-missing": ("error", "A postal address is told to one group of readers only."),
        "term-undefined": ("error", "A word that the text relies on has no agreed meaning in this language."),
        "term-unused": (
            "error",
            "A word that is defined and never used was renamed in its definition, or in the text.",
        ),
        "term-differs": ("error", "A defined word carries its definition with it; another word does not."),
        "definition-differs": ("error", "The same definition is given to different words."),
        "right-differs": ("error", "Readers are promised different rights."),
        "right-misplaced": ("error", "The text under one right speaks of another: a clause was copied."),
        "duty-differs": ("error", "What one group may, the other must, or must not."),
        "changed-alone": ("error", "The readers of the other language still read what no longer holds."),
    }
)


MISSING: Final = frozenset({"paragraph-missing", "list-length", "table-length"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where to look in one language: `text` is the words there, "" where there are none.

    `text` is cut so that it stays readable; `digest` is the SHA-256 (hex) of all of them, or of the whole section where the
    finding is about that, "" where there are none.
    """

    language: str
    section: str
    anchor: str
    heading: str
    line: int
    text: str
    digest: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the place as JSON-ready data."""
        return {
            "language": self.language,
            "section": self.section,
            "anchor": self.anchor,
            "heading": self.heading,
            "line": self.line,
            "text": self.text,
        }


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing in which two languages do not say the same.

    `section` is the section's number, else its heading, else "" for what stands before the first heading; `language`
    the one that lacks something, or that should be looked at first; `subject` what differs, for waivers and tests
    ("15 working day"). `places` are the two places, that of `language` first.
    """

    rule: str
    section: str
    language: str
    message: str
    places: tuple[Place, Place]
    subject: str = ""
    severity: Severity = "error"
    waived_by: str = ""
    reason: str = ""

    @property
    def why(self) -> str:
        """Why a finding of this rule matters, in one sentence."""
        return RULES[self.rule][1]

    @property
    def fingerprint(self) -> str:
        """What tells this finding from every other, 16 hex digits: another text at one of its places is another finding."""
        # Of pieces that one language lacks, `subject` only counts them: it changes when another of them is mended.
        subject = "" if self.rule in MISSING else self.subject
        places = [[place.language, place.digest] for place in self.places]
        facts = json.dumps([self.rule, self.section, self.language, subject, places], ensure_ascii=False)
        return hashlib.sha256(facts.encode()).hexdigest()[:16]

    @property
    def is_open(self) -> bool:
        """Whether it stands in the way: an error that nobody has waived."""
        return self.severity == "error" and not self.waived_by

    def to_json(self) -> dict[str, Any]:
        """Return the finding as JSON-ready data."""
        data: dict[str, Any] = {
            "section": self.section,
            "language": self.language,
            "rule": self.rule,
            "fingerprint": self.fingerprint,
            "severity": self.severity,
            "message": self.message,
            "why": self.why,
            "subject": self.subject,
            "places": [place.to_json() for place in self.places],
        }
        if self.waived_by:
            data["waived_by"], data["reason"] = self.waived_by, self.reason
        return data
