"""Make findings: both places of a pair of sections, in words that a person can act on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

from consent_server.policies.parity.align import PairOfSections
from consent_server.policies.parity.findings import RULES, Finding, Place, Severity
from consent_server.policies.parity.units import Unit
from consent_server.policies.text import Document, Section

_LONGEST = 300
# These speak of a whole section, although they show its first piece only.
_OF_SECTION = frozenset({"section-missing", "section-empty", "preamble-missing", "definitions-missing"})
Side = Literal[0, 1]


@dataclass(frozen=True, slots=True)
class Both:
    """The two documents that are compared."""

    first: Document
    second: Document

    def document(self, side: Side) -> Document:
        """Return the first (0) or the second (1) document."""
        return self.second if side else self.first

    def language(self, side: Side) -> str:
        """Return its language."""
        return self.document(side).language

    def finding(
        self,
        rule: str,
        pair: PairOfSections,
        side: Side,
        message: str,
        *,
        units: tuple[Unit | None, Unit | None] = (None, None),
        subject: str = "",
        severity: Severity | None = None,
    ) -> Finding:
        """Return a finding about the language of `side`, with both places, that language's first."""
        other: Side = 1 if side == 0 else 0
        places = (self._place(rule, pair, side, units), self._place(rule, pair, other, units))
        return Finding(
            rule=rule,
            section=pair.section.name,
            language=self.language(side),
            message=message,
            places=places,
            subject=subject,
            severity=severity or RULES[rule][0],
        )

    def _place(
        self, rule: str, pair: PairOfSections, side: Side, units: tuple[Unit | None, Unit | None]
    ) -> Place:
        section, unit = (pair.second if side else pair.first), units[side]
        shown = section or pair.section
        line = unit.line if unit and unit.line else section.line if section else 0
        return Place(
            language=self.language(side),
            section=shown.name,
            anchor=shown.anchor if section else "",
            heading=section.title if section else "",
            line=line,
            text=cut(unit.text) if unit else "",
            digest=_digest(self._words(rule, section, units, side)),
        )

    def _words(
        self, rule: str, section: Section | None, units: tuple[Unit | None, Unit | None], side: Side
    ) -> str:
        """Return the words that the finding is about: who waives it waives it for these."""
        if rule == "title-missing":
            return self.document(side).title
        unit = units[side]
        if any(units) and rule not in _OF_SECTION:
            return "\n".join([unit.text, *unit.links]) if unit else ""
        return f"{section.title}\n{section.text}" if section else ""


def _digest(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest() if words else ""


def cut(text: str, longest: int = _LONGEST) -> str:
    """Return `text`, cut so that a finding stays readable."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def name_of(section: Section) -> str:
    """Return how a message names a section: `section 5.1`, else `“Definitions”`, else what it is."""
    if section.level == 0:
        return "the text before the first heading"
    return f"section {section.number}" if section.number else f"“{cut(section.title, 60)}”"


def heading_unit(section: Section | None, language: str) -> Unit | None:
    """Return a section's heading as a piece, so that what it says is compared as well."""
    if section is None or not section.heading:
        return None
    return Unit("paragraph", section.heading, language, section.line)


def paired_units(pair: PairOfSections, both: Both) -> list[tuple[Unit | None, Unit | None]]:
    """Return the pieces of a pair of sections, the headings first."""
    headings = (heading_unit(pair.first, both.language(0)), heading_unit(pair.second, both.language(1)))
    return [headings, *pair.units] if any(headings) else list(pair.units)
