"""The editor's view of a draft: the languages side by side, section beside section, each with what was found there. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from consent_server.policies.parity import Finding
from consent_server.policies.parity.align import pair_documents
from consent_server.policies.parity.terms import definitions
from consent_server.policies.parity.units import units_of
from consent_server.policies.text import Document
from consent_server.policies.text.document import PREAMBLE
from consent_server.policies.text.parts import GAP, Part, split

_STEP = 1_000  # between the fields of two sections there is room for those that are yet to be written
_WIDE, _NARROW = 34, 70  # characters on a line of a field, of scripts without spaces and of others


@dataclass(frozen=True)
class Cell:
    """One section in one language. `order` is its place among the fields of the language; an empty one may be written."""

    order: int
    part: Part

    @property
    def lines(self) -> int:
        """How many lines its field shows."""
        width = _NARROW if self.part.source.isascii() else _WIDE
        return max(2, sum(1 + len(line) // width for line in self.part.source.split("\n")))


@dataclass
class Row:
    """A section in every language, and the findings of the parity check that point to it."""

    name: str
    cells: dict[str, Cell] = field(default_factory=dict)
    anchors: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True)
class Term:
    """A word that a language defines, the section where, and in how many pieces of the text it is used."""

    words: str
    section: str
    uses: int


def rows_of(documents: Mapping[str, Document], unread: Mapping[str, str]) -> list[Row]:
    """Return the sections side by side as the parity check pairs them, in the order of the first language.

    Args:
        documents: what could be read, by language, as it is written (placeholders not filled).
        unread: by language the text that could not be read; it stands whole in the first row.
    """
    parts = {language: _parts(document) for language, document in documents.items()}
    leading = next(iter(documents), "")
    rows = [_row(documents[leading], anchor) for anchor in parts.get(leading, {})]
    for row, (anchor, (order, part)) in zip(rows, parts.get(leading, {}).items(), strict=True):
        row.cells[leading], row.anchors[leading] = Cell(order, part), anchor
    for language in list(documents)[1:]:
        _beside(rows, leading, language, documents, parts[language])
    if unread and not rows:
        rows.append(Row(""))
    for language, source in unread.items():
        rows[0].cells[language] = Cell(_STEP, Part(source, PREAMBLE))
    _make_room(rows, [*documents, *unread])
    return rows


def put_findings(rows: Sequence[Row], findings: Iterable[Finding]) -> list[Finding]:
    """Put each finding into the row that it points to and return those that point to none."""
    where = {(language, anchor): row for row in rows for language, anchor in row.anchors.items()}
    rest: list[Finding] = []
    for finding in findings:
        places = [place for place in finding.places if place.anchor]
        row = next((where[key] for place in places if (key := (place.language, place.anchor)) in where), None)
        (rest if row is None else row.findings).append(finding)
    return rest


def places_of(rows: Sequence[Row]) -> dict[tuple[str, str], str]:
    """Return the field of each section, by language and anchor: where a link leads."""
    return {
        (language, anchor): f"f-part-{language}-{row.cells[language].order}"
        for row in rows
        for language, anchor in row.anchors.items()
    }


def terms_of(document: Document) -> list[Term]:
    """Return the words that a document defines, in reading order."""
    pieces = [
        (section, unit) for section in document.parts() for unit in units_of(section, document.language)
    ]
    found: dict[str, str] = {}
    for section, unit in pieces:
        for words in definitions(unit.text, document.language):
            found.setdefault(words, section.name)
    return [
        Term(words, section, sum(words in unit.text for _section, unit in pieces))
        for words, section in found.items()
    ]


def gaps_of(rows: Sequence[Row], language: str) -> str:
    """Return, for the form, what parts the sections of a language where it is not an empty line: `1000:1 2000:3`."""
    cells = [row.cells[language] for row in rows if language in row.cells]
    return " ".join(f"{cell.order}:{cell.part.gap}" for cell in cells if cell.part.gap != GAP)


def digests_of(rows: Sequence[Row], language: str) -> str:
    """Return, for the form, what tells later which sections of a language somebody has changed."""
    cells = [row.cells[language] for row in rows if language in row.cells]
    return " ".join(cell.part.digest for cell in cells if cell.part.source)


def read_gaps(text: str) -> dict[int, int]:
    """Return what `gaps_of` has written; what is no such thing is left out."""
    pairs = (pair.partition(":") for pair in text.split())
    return {int(order): int(gap) for order, _colon, gap in pairs if order.isdecimal() and gap.isdecimal()}


def _parts(document: Document) -> dict[str, tuple[int, Part]]:
    found = {}
    for at, part in enumerate(split(document), 1):
        found[part.anchor if part.anchor not in found else f"{part.anchor}~{at}"] = (at * _STEP, part)
    return found


def _row(document: Document, anchor: str) -> Row:
    return Row(next((section.title for section in document.sections if section.anchor == anchor), ""))


def _beside(
    rows: list[Row],
    leading: str,
    language: str,
    documents: Mapping[str, Document],
    parts: Mapping[str, tuple[int, Part]],
) -> None:
    """Put the sections of a language beside those of the leading one; what has no partner gets a row after its neighbour."""
    partner = dict(_partners(documents[leading], documents[language]))
    by_anchor = {row.anchors[leading]: row for row in rows if leading in row.anchors}
    at = -1
    for anchor, (order, part) in parts.items():
        row = by_anchor.get(partner.get(anchor, ""))
        if row is None or language in row.cells:
            row = _row(documents[language], anchor)
            rows.insert(at + 1, row)
        row.cells[language], row.anchors[language] = Cell(order, part), anchor
        at = rows.index(row)


def _partners(first: Document, second: Document) -> Iterator[tuple[str, str]]:
    for pair in pair_documents(first, second):
        if pair.first is not None and pair.second is not None:
            yield pair.second.anchor, pair.first.anchor


def _make_room(rows: Sequence[Row], languages: Sequence[str]) -> None:
    """Give every row a field in every language, so that what is missing is written where it belongs."""
    for language in languages:
        last = 0
        for row in rows:
            if language in row.cells:
                last = row.cells[language].order
            else:
                last += 1
                row.cells[language] = Cell(last, Part("", ""))
