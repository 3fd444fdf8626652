"""What the import understood of each language's text, for a terminal or as data."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from consent_server.policies.text.canonical import Format
from consent_server.policies.text.compare import OutlineDifference, outline_differences
from consent_server.policies.text.document import Document, text_sha256
from consent_server.policies.text.warnings import TextWarning

_COLUMNS = ("language", "format", "sections", "numbered", "words", "tables", "lists", "links", "warnings")


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The figures of one language's text. `sections` counts every heading, `numbered` those with a number."""

    language: str
    format: Format
    title: str
    sections: int
    numbered: int
    words: int
    tables: int
    lists: int
    links: int
    sha256: str
    source: str = ""
    warnings: tuple[TextWarning, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON-ready data."""
        return asdict(self) | {"warnings": [warning.to_dict() for warning in self.warnings]}


def import_report(document: Document, *, source: str = "") -> ImportReport:
    """Return the report on `document`; `source` names the file it came from."""
    blocks = list(document.blocks())
    return ImportReport(
        language=document.language,
        format=document.format,
        title=document.title,
        sections=len(document.sections),
        numbered=sum(1 for section in document.sections if section.number),
        words=document.words,
        tables=sum(1 for block in blocks if block.kind == "table"),
        lists=sum(1 for block in blocks if block.kind == "list"),
        links=sum(block.links for block in blocks),
        sha256=text_sha256(document),
        source=source,
        warnings=document.warnings,
    )


def language_differences(documents: Sequence[Document]) -> list[OutlineDifference]:
    """Return the differences between the first document and each other one, as languages of one version."""
    pairs = ((documents[0], other) for other in documents[1:])
    return [difference for one, other in pairs for difference in outline_differences(one, other)]


def render_report(reports: Sequence[ImportReport], differences: Iterable[OutlineDifference] = ()) -> str:
    """Return the reports as text for a terminal: a table, then warnings, then where languages differ."""
    rows = [_COLUMNS, *(_row(report) for report in reports)]
    widths = [max(_width(row[at]) for row in rows) for at in range(len(_COLUMNS))]
    lines = ["  ".join(_pad(cell, width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    for report in reports:
        if report.warnings:
            lines += ["", _heading(report), *(_warning(warning) for warning in report.warnings)]
    apart = list(differences)
    if apart:
        lines += ["", "The languages are out of step:", *(f"  {d.kind:<10} {d.message}" for d in apart)]
    elif len(reports) > 1:
        lines += ["", "The languages are in step."]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _row(report: ImportReport) -> tuple[str, ...]:
    figures = (
        report.sections,
        report.numbered,
        report.words,
        report.tables,
        report.lists,
        report.links,
        len(report.warnings),
    )
    return (report.language, report.format, *(f"{figure:,}" for figure in figures))


def _heading(report: ImportReport) -> str:
    source = f", {report.source}" if report.source else ""
    return f"{report.language}: {report.title or '(no title)'}{source}"


def _warning(warning: TextWarning) -> str:
    where = f"line {warning.line}" if warning.line else ""
    section = f"§ {warning.section}" if warning.section else ""
    place = ", ".join(part for part in (section, where) if part)
    return f"  {warning.code:<20} {warning.message}" + (f"  ({place})" if place else "")


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _pad(text: str, width: int) -> str:
    return text + " " * (width - _width(text))
