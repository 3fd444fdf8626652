"""Warnings that concern the whole document: numbering, emptiness, lost contacts, stray markup."""

import re
from collections.abc import Iterator

from consent_server.policies.text.document import Document, Section
from consent_server.policies.text.slots import empty_slots
from consent_server.policies.text.warnings import TextWarning, excerpt

_STRAY = re.compile(r"\*\*|__(?=\S)|\]\(|^\s*#{1,6}\s", re.MULTILINE)


def document_warnings(document: Document) -> list[TextWarning]:
    """Return what a person should look at in `document` as a whole."""
    found: list[TextWarning] = []
    if not document.title:
        found.append(TextWarning("no_title", "", "the text has no title"))
    if not document.sections:
        found.append(TextWarning("no_headings", "", "no headings or numbered sections were found"))
    found += _numbering(document)
    found += _empty_sections(document)
    for section in document.parts():
        found += _in_section(section, stray=document.format == "markdown")
    return found


def _empty_sections(document: Document) -> Iterator[TextWarning]:
    for entry, section in zip(document.outline(), document.sections, strict=True):
        if entry.empty:
            message = f"“{excerpt(section.title)}” has a heading and nothing under it"
            yield TextWarning("empty_section", section.name, message, line=section.line)


def _numbering(document: Document) -> Iterator[TextWarning]:
    """Compare each number with its sisters so far: the same again, a jump, a step back."""
    seen: set[str] = set()
    last: dict[str, int] = {}
    for section in document.sections:
        if not section.number:
            continue
        if section.number in seen:
            message = f"the number {section.number} stands more than once"
            yield TextWarning("duplicate_number", section.number, message, line=section.line)
            continue
        seen.add(section.number)
        family, value = _split(section.number)
        previous = last.get(family, 0)
        last[family] = max(value, previous)
        if value < previous:
            message = f"{section.number} comes after {family}{previous}"
            yield TextWarning("number_out_of_order", section.number, message, line=section.line)
        elif value > previous + 1:
            before = f"after {family}{previous}" if previous else "first"
            message = f"{section.number} comes {before}; {family}{previous + 1} is missing"
            yield TextWarning("number_gap", section.number, message, line=section.line)


def _split(number: str) -> tuple[str, int]:
    """Return ("4.", 2) for "4.2", ("", 4) for "4" and ("c", 4) for "c4"."""
    own = re.search(r"\d+$", number)
    digits = own.group() if own else "0"
    return number.removesuffix(digits), int(digits)


def _in_section(section: Section, *, stray: bool) -> Iterator[TextWarning]:
    for block in section.blocks:
        for slot in empty_slots(block.text):
            message = f"a contact or link seems to be missing after “{slot}”"
            yield TextWarning("empty_slot", section.name, message, line=block.line, detail=slot)
        if block.text.count("“") != block.text.count("”"):
            message = f"an opening or closing quotation mark is missing in “{excerpt(block.text)}”"
            yield TextWarning("unbalanced_quotes", section.name, message, line=block.line)
        if stray and block.kind != "code" and (mark := _STRAY.search(block.text)):
            around = excerpt(block.text[max(0, mark.start() - 15) : mark.end() + 15])
            message = f"markup was not understood and shows in the text: “{around}”"
            yield TextWarning("stray_markup", section.name, message, line=block.line, detail=around)
