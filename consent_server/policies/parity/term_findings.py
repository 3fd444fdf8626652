"""Defined words that one language defines, uses or names otherwise than the other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from consent_server.policies.parity.align import PairOfSections
from consent_server.policies.parity.findings import Finding
from consent_server.policies.parity.places import Both, Side, name_of, paired_units
from consent_server.policies.parity.terms import concept_of, definitions, usage
from consent_server.policies.parity.units import Unit
from consent_server.policies.parity.words import lexicon

Units = tuple[Unit | None, Unit | None]
_SIDES: tuple[Side, Side] = (0, 1)
_ENOUGH = 3  # together in so many places before one without the other means anything
_RARE = 0.15
_MOST = 100_000  # looks for a term in a piece; a text with more gets its first terms followed
# Within an address, or in the name of an office or a law, a word is not used as the defined term.
_NO_USE = re.compile(
    r"\S+@\S+|https?://\S+|\b[\w-]+(?:\.[\w-]+)+\b"
    r"|(?:个人信息|个人数据|数据)保护(?:法|负责人|官|专员|部门?|影响评估|机构|局|合规)"
    r"|\bpersonal (?:data|information) protection (?:law|act|officer|department|impact)",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class _Term:
    """A word that is defined: `words` in each language, "" where it is not."""

    words: tuple[str, str]
    pair: PairOfSections
    units: Units


def term_findings(pairs: Sequence[PairOfSections], both: Both) -> Iterator[Finding]:
    """Yield terms that are undefined or unused in one language, defined otherwise, or used in other places."""
    units = [(pair, units) for pair in pairs for units in paired_units(pair, both)]
    terms = [term for pair, each in units for term in _terms(pair, each)]
    terms = terms[: max(20, _MOST // (len(units) + 1))]
    defined = [{term.words[side].lower() for term in terms if term.words[side]} for side in _SIDES]
    for term in terms:
        if all(term.words):
            yield from _renamed(term, units, both)
            yield from _defined_otherwise(term, both)
        yield from _undefined(term, units, both, defined)
    for term in terms:
        if all(term.words) and not any(_everyday(word) for word in term.words):
            yield from _used_elsewhere(term, units, both)


def _terms(pair: PairOfSections, units: Units) -> Iterator[_Term]:
    found = [definitions(unit.text, unit.language) if unit else () for unit in units]
    if len(found[0]) == 1 and len(found[1]) == 1:
        yield _Term((found[0][0], found[1][0]), pair, units)
        return
    # Several at once ("Lantern", “we”): which is which cannot be told for sure, save that the first is the first.
    if found[0] and found[1]:
        yield _Term((found[0][0], found[1][0]), pair, units)
    else:
        for side in _SIDES:
            for word in found[side]:
                yield _Term((word, "") if side == 0 else ("", word), pair, units)


def _everyday(word: str) -> bool:
    """Whether a term is one lower-case word ("purpose"): such a word is paraphrased even in a careful text."""
    return word.isascii() and word.islower() and len(word.split()) == 1


def _uses(term: _Term, side: Side, units: Units) -> bool:
    unit = units[side]
    if unit is None or not term.words[side]:
        return False
    return _mentions(term.words[side], unit.text, cjk=lexicon(unit.language).cjk)


@lru_cache(maxsize=65536)
def _mentions(word: str, text: str, *, cjk: bool) -> bool:
    return usage(word, cjk=cjk).search(_readable(text)) is not None


@lru_cache(maxsize=8192)
def _readable(text: str) -> str:
    return _NO_USE.sub(" ", text)


def _renamed(term: _Term, units: Sequence[tuple[PairOfSections, Units]], both: Both) -> Iterator[Finding]:
    """Yield a definition whose word is not what the text uses where the other language uses its counterpart."""
    elsewhere = [each for _pair, each in units if each != term.units]
    for side in _SIDES:
        other = _other(side)
        there = [each for each in elsewhere if _uses(term, other, each)]
        if len(there) >= 2 and not any(_uses(term, side, each) for each in there):
            message = (
                f"{name_of(term.pair.section)}: {both.language(side)} defines “{term.words[side]}” and does not use it "
                f"where {both.language(other)} uses “{term.words[other]}”, in {len(there)} places"
            )
            yield both.finding(
                "term-unused", term.pair, side, message, units=term.units, subject=term.words[side]
            )


def _defined_otherwise(term: _Term, both: Both) -> Iterator[Finding]:
    one, other = (concept_of(term.words[side], both.language(side)) for side in _SIDES)
    if one is not None and other is not None and one is not other:
        message = (
            f"{name_of(term.pair.section)}: {both.language(0)} defines “{term.words[0]}” where {both.language(1)} "
            f"defines “{term.words[1]}”, which means {other.name}"
        )
        yield both.finding(
            "definition-differs", term.pair, 1, message, units=term.units, subject=term.words[1]
        )


def _undefined(
    term: _Term,
    units: Sequence[tuple[PairOfSections, Units]],
    both: Both,
    defined: Sequence[set[str]],
) -> Iterator[Finding]:
    """Yield the settled translation of a defined word, if the other language uses it and does not define it."""
    for side in _SIDES:
        other = _other(side)
        concept = concept_of(term.words[other], both.language(other)) if term.words[other] else None
        pattern = concept.pattern(lexicon(both.language(side)).base) if concept else None
        if pattern is None or any(pattern.fullmatch(word) for word in defined[side]):
            continue
        uses = [(pair, each) for pair, each in units if each[side] and pattern.search(each[side].text)]  # type: ignore[union-attr]
        if len(uses) < 2:
            continue
        word = pattern.search(uses[0][1][side].text).group()  # type: ignore[union-attr]
        message = (
            f"{both.language(side)} uses “{word}” in {len(uses)} places and does not define it; "
            f"{both.language(other)} defines “{term.words[other]}”"
        )
        yield both.finding("term-undefined", term.pair, side, message, units=term.units, subject=word)


def _used_elsewhere(
    term: _Term, units: Sequence[tuple[PairOfSections, Units]], both: Both
) -> Iterator[Finding]:
    """Yield the few places where one language uses the term and the other another word."""
    complete = [(pair, each) for pair, each in units if each[0] is not None and each[1] is not None]
    uses = [(pair, each, _uses(term, 0, each), _uses(term, 1, each)) for pair, each in complete]
    together = sum(first and second for _pair, _each, first, second in uses)
    for side in _SIDES:
        lacking = [(pair, each) for pair, each, *used in uses if used[_other(side)] and not used[side]]
        if not _stands_out(together, lacking):
            continue
        for pair, each in lacking:
            message = (
                f"{name_of(pair.section)}: {both.language(_other(side))} says “{term.words[_other(side)]}” and "
                f"{both.language(side)} does not say “{term.words[side]}”, as it does in {together} other places"
            )
            yield both.finding("term-differs", pair, side, message, units=each, subject=term.words[side])


def _stands_out(together: int, lacking: Sequence[tuple[PairOfSections, Units]]) -> bool:
    """Whether so few places lack the word, against those that have it, that it was hardly meant."""
    if not lacking:
        return False
    if len({id(pair) for pair, _each in lacking}) == 1 and len(lacking) <= 3 and together >= 2:
        return True
    return together >= _ENOUGH and len(lacking) <= _RARE * (together + len(lacking))


def _other(side: Side) -> Side:
    return 0 if side else 1
