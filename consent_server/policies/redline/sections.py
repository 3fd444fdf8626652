"""What changed in one language between two versions: section by section, piece by piece."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from consent_server.policies.parity.since import continues, said
from consent_server.policies.parity.units import Unit, units_of
from consent_server.policies.redline.words import Piece, redline
from consent_server.policies.text import Document, Section
from consent_server.policies.text.compare import continued_sections

SectionKind = Literal["added", "removed", "changed", "moved", "renumbered"]
ChangeKind = Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True)
class TextChange:
    """A piece (heading, paragraph, list item, row) that came, went or reads otherwise.

    `pieces` is its redline; `before` and `after` are the whole piece, None where it is not.
    """

    kind: ChangeKind
    pieces: tuple[Piece, ...]
    before: Unit | None
    after: Unit | None

    @property
    def removed(self) -> str:
        """The words that went, one space between the places."""
        return " ".join(piece.text.strip() for piece in self.pieces if piece.kind == "removed")

    @property
    def added(self) -> str:
        """The words that came, one space between the places."""
        return " ".join(piece.text.strip() for piece in self.pieces if piece.kind == "added")

    def touches(self, pattern: re.Pattern[str]) -> list[str]:
        """Return what the pattern finds that came or went, wholly or in part, each once, in reading order."""
        found: dict[str, None] = {}
        for kind, unit in (("added", self.after), ("removed", self.before)):
            spans = self._spans(kind)
            for match in pattern.finditer(unit.text if unit else ""):
                if any(start < match.end() and match.start() < end for start, end in spans):
                    found.setdefault(match.group().strip())
        return list(found)

    def _spans(self, kind: str) -> list[tuple[int, int]]:
        """Return where the pieces of a kind stand in the text that has them."""
        at, spans = 0, []
        for piece in self.pieces:
            if piece.kind == kind:
                spans.append((at, at + len(piece.text)))
            if piece.kind in ("same", kind):
                at += len(piece.text)
        return spans

    def to_json(self) -> dict[str, Any]:
        """Return the change as JSON-ready data."""
        return {"kind": self.kind, "pieces": [{"kind": p.kind, "text": p.text} for p in self.pieces]}


@dataclass(frozen=True, slots=True)
class SectionRedline:
    """A section that differs between two versions; `was` and `now` are None where there is none.

    `moved` says that it also stands at another place; a section that only got another number is `renumbered`.
    """

    kind: SectionKind
    language: str
    was: Section | None
    now: Section | None
    changes: tuple[TextChange, ...] = ()
    moved: bool = False

    @property
    def section(self) -> Section:
        """The section as it is now; of a removed one as it was."""
        found = self.now or self.was
        assert found is not None  # noqa: S101 - one of the two is there by construction
        return found

    def to_json(self) -> dict[str, Any]:
        """Return the redline as JSON-ready data."""
        return {
            "kind": self.kind,
            "language": self.language,
            "anchor": self.section.anchor,
            "heading": self.section.title,
            "number_before": self.was.number if self.was else None,
            "number_after": self.now.number if self.now else None,
            "moved": self.moved,
            "changes": [change.to_json() for change in self.changes],
        }


def redline_sections(old: Document, new: Document) -> list[SectionRedline]:
    """Return the sections that differ, in the new order; a removed one stands where it was.

    A section is followed by its words, so that one which only moved or got another number is told as such.
    """
    found: list[SectionRedline] = []
    for was, now, in_place in continued_sections(old, new):
        changes = tuple(_changes(was, now, new.language))
        kind = _kind(was, now, changes, in_place=in_place)
        if kind is not None:
            found.append(SectionRedline(kind, new.language, was, now, changes, moved=not in_place))
    return found


def _kind(
    was: Section | None, now: Section | None, changes: Sequence[TextChange], *, in_place: bool
) -> SectionKind | None:
    if was is None:
        return "added"
    if now is None:
        return "removed"
    if changes:
        return "changed"
    if not in_place:
        return "moved"
    return "renumbered" if (was.number, was.level) != (now.number, now.level) else None


def _changes(was: Section | None, now: Section | None, language: str) -> Iterator[TextChange]:
    if was and now and was.heading and now.heading:
        if was.heading != now.heading:
            one, other = _heading(was, language), _heading(now, language)
            yield TextChange("changed", redline(one.text, other.text), one, other)
        before, after = [*units_of(was, language)], [*units_of(now, language)]
    else:
        before, after = _pieces(was, language), _pieces(now, language)
    old, new = ([said(unit) for unit in units] for units in (before, after))
    partner = continues(old, new)
    kept = set(partner.values())
    gone = [at for at in range(len(before)) if at not in kept]
    for at, unit in enumerate(after):
        source = partner.get(at)
        while gone and (source is None or gone[0] < source):
            yield _whole("removed", before[gone.pop(0)])
        if source is None:
            yield _whole("added", unit)
        elif before[source].text != unit.text or before[source].links != unit.links:
            yield TextChange("changed", redline(before[source].text, unit.text), before[source], unit)
    for at in gone:
        yield _whole("removed", before[at])


def _pieces(section: Section | None, language: str) -> list[Unit]:
    if section is None:
        return []
    heading = [_heading(section, language)] if section.heading else []
    return [*heading, *units_of(section, language)]


def _heading(section: Section, language: str) -> Unit:
    return Unit("paragraph", section.heading, language, section.line)


def _whole(kind: Literal["added", "removed"], unit: Unit) -> TextChange:
    pieces = (Piece(kind, unit.text),)
    return TextChange(kind, pieces, unit if kind == "removed" else None, unit if kind == "added" else None)
