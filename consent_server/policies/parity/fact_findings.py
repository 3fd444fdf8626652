"""Facts that differ: what one language states and the other does not, or states otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from urllib.parse import unquote

from consent_server.policies.parity.align import PairOfSections
from consent_server.policies.parity.facts import Fact
from consent_server.policies.parity.findings import Finding, Severity
from consent_server.policies.parity.places import Both, Side, name_of, paired_units
from consent_server.policies.parity.units import Unit
from consent_server.policies.parity.words import lexicon
from consent_server.policies.text.placeholders import unfilled
from consent_server.policies.text.slots import empty_slots
from consent_server.policies.text.words import is_mostly_cjk

Units = tuple[Unit | None, Unit | None]
Difference = tuple[Fact | None, Fact | None]
_SIDES: tuple[Side, Side] = (0, 1)

KIND_WORDS = {
    "email": "e-mail address",
    "phone": "phone number",
    "postcode": "postcode",
    "link": "link",
    "law": "law or standard",
    "date": "date",
    "duration": "period or deadline",
    "age": "age",
    "money": "amount",
    "percent": "share",
    "time": "time of day",
    "reference": "reference to a section",
    "code": "identifier",
    "number": "number",
}
_ONCE = frozenset({"email", "phone", "link", "law", "code", "reference"})  # saying it twice says no more
_OF_A_LOST_PIECE = frozenset(KIND_WORDS) - {"reference", "link", "code", "number"}
_ANY_KIND = frozenset({"number", "reference"})  # a figure whose unit was not understood
_IN_WORDS = frozenset({"duration", "age", "percent", "number", "money", "date"})
_ADDRESS = re.compile(
    r"(?:\b(?:postal |mailing |office )?address\b|地址|住所|住址)\s*[:：]\s*(?=[^\s,.;，。；、])",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"[A-Z][\w&.'’-]*(?:\s+(?:of|and|for|the)\s+|\s+)[A-Z][\w&.'’-]*(?:\s+[A-Z][\w&.'’-]*)*|[A-Z][a-z]{3,}\w*",
    re.ASCII,
)


def fact_findings(pairs: Sequence[PairOfSections], both: Both) -> Iterator[Finding]:
    """Yield the facts, names, contact slots and addresses in which the languages differ."""
    for pair in pairs:
        units = paired_units(pair, both)
        yield from _facts(pair, units, both)
        whole = tuple(" ".join(u[side].text for u in units if u[side]).casefold() for side in _SIDES)  # type: ignore[union-attr]
        for each in units:
            yield from _names(pair, each, whole, both)
            yield from _slots(pair, each, both)
        yield from _addresses(pair, units, both)


def differences(ours: Sequence[Fact], theirs: Sequence[Fact]) -> list[Difference]:
    """Return what differs between the facts of two pieces: (15 days, 16 days), (14 years, None) ..."""
    first, second = _settled(ours), _settled(theirs)
    for same in (_equal, _equal_figure):
        for fact in list(first):
            match = next((other for other in second if same(fact, other)), None)
            if match is not None:
                first.remove(fact)
                second.remove(match)
    found: list[Difference] = []
    for fact in list(first):
        match = next((o for o in second if o.kind == fact.kind and not (o.weak and fact.weak)), None)
        if match is not None:
            found.append((fact, match))
            first.remove(fact)
            second.remove(match)
    found += [(fact, None) for fact in first if not fact.weak and not _stated(fact, theirs)]
    return found + [(None, fact) for fact in second if not fact.weak and not _stated(fact, ours)]


def _settled(facts: Sequence[Fact]) -> list[Fact]:
    seen: set[tuple[str, str]] = set()
    kept = []
    for fact in facts:
        key = (fact.kind, fact.value)
        if fact.kind not in _ONCE or key not in seen:
            kept.append(fact)
        seen.add(key)
    return kept


def _equal(one: Fact, other: Fact) -> bool:
    return (one.kind, one.value) == (other.kind, other.value)


def _equal_figure(one: Fact, other: Fact) -> bool:
    if not {one.kind, other.kind} & _ANY_KIND:
        return False
    return _figure(one) == _figure(other)


def _figure(fact: Fact) -> str:
    if fact.kind == "duration":
        digits = re.search(r"\d+(?:\.\d+)?", fact.text)
        return digits.group() if digits else fact.value
    return fact.value.partition(" ")[0]


def _stated(fact: Fact, others: Sequence[Fact]) -> bool:
    """Whether the other piece says it too, only less often."""
    return any(_equal(fact, other) for other in others)


def _facts(pair: PairOfSections, units: Sequence[Units], both: Both) -> Iterator[Finding]:
    found: list[tuple[Units, Difference]] = []
    for each in units:
        one, other = each
        if one is not None and other is not None:
            found += [(each, difference) for difference in differences(one.facts, other.facts)]
        else:
            found += [(each, difference) for difference in _of_lost(each, units)]
    for each, difference in _not_elsewhere(found):
        yield _fact_finding(pair, each, difference, both)


def _of_lost(each: Units, units: Sequence[Units]) -> Iterator[Difference]:
    """Yield the facts that went with a piece that only one language has."""
    side: Side = 0 if each[0] is not None else 1
    elsewhere = [f for other in units if (unit := other[1 - side]) is not None for f in unit.facts]
    seen: set[tuple[str, str]] = set()
    for fact in each[side].facts:  # type: ignore[union-attr]  # this side is there
        key = (fact.kind, fact.value)
        if (
            fact.kind in _OF_A_LOST_PIECE
            and not fact.weak
            and key not in seen
            and not _stated(fact, elsewhere)
        ):
            seen.add(key)
            yield (fact, None) if side == 0 else (None, fact)


def _not_elsewhere(found: list[tuple[Units, Difference]]) -> list[tuple[Units, Difference]]:
    """Leave out a fact that the other language states in another piece of the same section."""
    kept = list(found)
    for item in found:
        fact, none = item[1]
        if fact is None or none is not None:
            continue
        match = next(
            (o for o in kept if o[1][0] is None and o[1][1] is not None and _equal(o[1][1], fact)), None
        )
        if match is not None:
            kept.remove(item)
            kept.remove(match)
    return kept


def _fact_finding(pair: PairOfSections, units: Units, difference: Difference, both: Both) -> Finding:
    one, other = difference
    kind = (one or other).kind  # type: ignore[union-attr]  # one of the two is there
    where = name_of(pair.section)
    severity = _severity(kind, both)
    if one is not None and other is not None:
        message = (
            f"{where}: the {KIND_WORDS[kind]} is “{one.text}” in {both.language(0)} "
            f"and “{other.text}” in {both.language(1)}"
        )
        subject = f"{kind} {one.value} / {other.value}"
        return both.finding("fact-differs", pair, 1, message, units=units, subject=subject, severity=severity)
    side: Side = 1 if other is None else 0
    fact = one or other
    message = f"{where}: the {KIND_WORDS[kind]} “{fact.text}” is in {both.language(1 - side)} only"  # type: ignore[union-attr, arg-type]
    subject = f"{kind} {fact.value}"  # type: ignore[union-attr]
    return both.finding("fact-missing", pair, side, message, units=units, subject=subject, severity=severity)


def _severity(kind: str, both: Both) -> Severity | None:
    """A number in words of a language whose words are not known here may be there unseen."""
    if kind in _IN_WORDS and not all(lexicon(both.language(side)).full for side in _SIDES):
        return "warning"
    return None


def _names(pair: PairOfSections, each: Units, whole: Sequence[str], both: Both) -> Iterator[Finding]:
    one, other = each
    if one is None or other is None:
        return
    if one.codes and other.codes and set(one.codes) != set(other.codes):
        ours, theirs = ", ".join(one.codes), ", ".join(other.codes)
        message = f"{name_of(pair.section)}: “{ours}” in {both.language(0)}, “{theirs}” in {both.language(1)}"
        yield both.finding("name-differs", pair, 1, message, units=each, subject=theirs, severity="error")
    for side in _SIDES:
        unit = each[side]
        if unit is None or not _cjk(unit.text) or _cjk(each[1 - side].text):  # type: ignore[union-attr]
            continue
        for name in dict.fromkeys(_NAME.findall(unit.text)):
            if not _is_named(name, whole[1 - side]):
                message = (
                    f"{name_of(pair.section)}: {both.language(side)} names “{name}”, "
                    f"{both.language(_other(side))} does not"
                )
                yield both.finding("name-differs", pair, side, message, units=each, subject=name)


def _is_named(name: str, text: str) -> bool:
    """Whether `text` (case-folded) has the name, or what is left of it without a title before it ("DPO" and a person)."""
    words = name.casefold().split()
    return " ".join(words) in text or (len(words) > 2 and " ".join(words[1:]) in text)


_cjk = lru_cache(maxsize=8192)(is_mostly_cjk)
_empty = lru_cache(maxsize=8192)(empty_slots)


def _slots(pair: PairOfSections, each: Units, both: Both) -> Iterator[Finding]:
    for side in _SIDES:
        unit = each[side]
        for slot in _empty(unit.text) if unit else ():
            message = f"{name_of(pair.section)}: a contact or link seems to be missing after “{slot}” in {both.language(side)}"
            yield both.finding("slot-empty", pair, side, message, units=each, subject=slot)
        for name in unfilled(" ".join([unit.text, *map(unquote, unit.links)])) if unit else ():
            message = f"{name_of(pair.section)}: the site's profile does not fill the placeholder “{name}”"
            yield both.finding("placeholder-unfilled", pair, side, message, units=each, subject=name)


def _addresses(pair: PairOfSections, units: Sequence[Units], both: Both) -> Iterator[Finding]:
    given = [[u for u in units if u[side] and _ADDRESS.search(u[side].text)] for side in _SIDES]  # type: ignore[union-attr]
    for side in _SIDES:
        if given[1 - side] and not given[side]:
            message = f"{name_of(pair.section)}: a postal address is in {both.language(_other(side))} only"
            yield both.finding("address-missing", pair, side, message, units=given[1 - side][0])


def _other(side: Side) -> Side:
    return 0 if side else 1
