"""What is missing in one language: sections, paragraphs, list items, rows, or a part of a paragraph."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from consent_server.policies.parity.align import PairOfSections, ratio_of
from consent_server.policies.parity.findings import Finding
from consent_server.policies.parity.places import Both, Side, cut, name_of
from consent_server.policies.parity.terms import definitions
from consent_server.policies.parity.units import Unit, UnitKind

_DEFINITIONS = re.compile(
    r"definition|glossary|defined terms|words we use|定义|释义|术语|用语|词汇", re.IGNORECASE
)
_RULES: dict[UnitKind, tuple[str, str]] = {
    "paragraph": ("paragraph-missing", "paragraph"),
    "item": ("list-length", "list item"),
    "row": ("table-length", "table row"),
    "heading-row": ("table-length", "table heading"),
}
# How much shorter or longer than the rest of the text would lead to expect, and by how many words at least.
_SHORT, _LONG, _WORDS = 0.5, 2.1, 14


def structure_findings(pairs: Sequence[PairOfSections], both: Both) -> Iterator[Finding]:
    """Yield what one language has and the other lacks, in reading order."""
    if bool(both.first.title) != bool(both.second.title):
        side: Side = 1 if both.first.title else 0
        title = both.first.title or both.second.title
        message = f"{both.language(side)} has no title; the other text is called “{cut(title, 80)}”"
        yield both.finding("title-missing", pairs[0], side, message)
    ratio = ratio_of(pairs)
    for pair in pairs:
        if pair.first is None or pair.second is None:
            yield _section_missing(pair, both)
        else:
            yield from _within(pair, both, ratio)
    yield from _order(pairs, both)


def _section_missing(pair: PairOfSections, both: Both) -> Finding:
    side: Side = 0 if pair.first is None else 1
    rule = "definitions-missing" if _defines(pair, both) else "section-missing"
    missing = f"{both.language(side)} has no {name_of(pair.section)} (“{cut(pair.section.title, 80)}”)"
    if not pair.section.number:
        missing = f"{both.language(side)} has no “{cut(pair.section.title, 80)}”"
    return both.finding(rule, pair, side, missing, units=pair.units[0] if pair.units else (None, None))


def _defines(pair: PairOfSections, both: Both) -> bool:
    if _DEFINITIONS.search(pair.section.heading):
        return True
    units = [one or other for one, other in pair.units]
    return sum(bool(unit and definitions(unit.text, unit.language)) for unit in units) >= 2


def _within(pair: PairOfSections, both: Both, ratio: float) -> Iterator[Finding]:
    for side in (0, 1):
        there = [units for units in pair.units if units[side] is not None]
        if pair.units and not there:
            yield _empty(pair, both, side)
            return
    lost = [units for units in pair.units if None in units]
    for at, units in enumerate(lost):
        yield _piece_missing(pair, both, units, at)
    for one, other in pair.units:
        if one is not None and other is not None:
            yield from _part_missing(pair, both, (one, other), ratio)
    if pair.first and pair.second and pair.first.level != pair.second.level:
        message = f"{name_of(pair.section)} is of level {pair.first.level} in {both.language(0)}, {pair.second.level} in {both.language(1)}"
        yield both.finding("section-level", pair, 1, message)


def _empty(pair: PairOfSections, both: Both, side: Side) -> Finding:
    preamble = pair.section.level == 0
    rule = "preamble-missing" if preamble else "section-empty"
    count = len(pair.units)
    pieces = "1 paragraph, item or row" if count == 1 else f"{count} paragraphs, items or rows"
    what = "nothing before the first heading" if preamble else f"nothing under {name_of(pair.section)}"
    message = f"{both.language(side)} has {what}; {both.language(_other(side))} has {pieces} there"
    return both.finding(rule, pair, side, message, units=pair.units[0])


def _piece_missing(
    pair: PairOfSections, both: Both, units: tuple[Unit | None, Unit | None], at: int
) -> Finding:
    side: Side = 0 if units[0] is None else 1
    unit = units[0] or units[1]
    rule, word = _RULES[unit.kind if unit else "paragraph"]
    counts = [sum(u[i] is not None and u[i].kind == unit.kind for u in pair.units) for i in (0, 1)]  # type: ignore[union-attr]
    words = cut(unit.text if unit else "", 90)
    message = (
        f"{name_of(pair.section)}: {both.language(side)} lacks the {word} “{words}” "
        f"({counts[side]} of {counts[_other(side)]})"
    )
    return both.finding(rule, pair, side, message, units=units, subject=f"{word} {at + 1}")


def _part_missing(
    pair: PairOfSections, both: Both, units: tuple[Unit, Unit], ratio: float
) -> Iterator[Finding]:
    expected, actual = units[0].mass * ratio, units[1].mass
    if abs(expected - actual) < _WORDS * max(1.0, ratio):
        return
    share = actual / expected if expected else 1.0
    if _SHORT <= share <= _LONG:
        return
    side: Side = 1 if share < 1 else 0
    percent = round(100 * (share if side else 1 / share))
    message = (
        f"{name_of(pair.section)}: {both.language(side)} is at {percent} % of the length to be expected here; "
        "a part of the text seems to be missing"
    )
    yield both.finding("paragraph-short", pair, side, message, units=units)


def _order(pairs: Sequence[PairOfSections], both: Both) -> Iterator[Finding]:
    shared = [pair for pair in pairs if pair.first and pair.second and pair.first.level]
    # By anchor: the pairs may come from an equal document that was paired before.
    places = {section.anchor: at for at, section in enumerate(both.second.sections)}
    seen = -1
    for pair in shared:
        at = places[pair.second.anchor]  # type: ignore[union-attr]  # shared pairs have both
        if at < seen:
            message = f"{name_of(pair.section)} stands at another place in {both.language(1)}"
            yield both.finding("section-order", pair, 1, message)
            return
        seen = at


def _other(side: Side) -> Side:
    return 0 if side else 1
