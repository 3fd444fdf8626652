"""Say which section, and which piece of it, in one language is which in the other.

Both use one dynamic programme: the cheapest way to walk through two sequences, pairing or skipping at each step. It
never crosses: what stands in another order is told as an order that differs, not guessed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import zip_longest
from statistics import median
from typing import TypeVar

from consent_server.policies.parity.units import Unit, units_of
from consent_server.policies.text import Document, Section
from consent_server.policies.text.words import is_mostly_cjk

T = TypeVar("T")
# Pairs that are weighed; beyond (a thousand pieces in one section) pieces are paired in their order.
_MOST = 1_000_000
GAP = 0.9  # what leaving one piece without a partner costs
_PER_LENGTH = 0.8  # what a text that is e times as long as expected costs
_OTHER_KIND = 1.2
_SHARED, _UNSHARED = 0.35, 0.3  # what a fact that both have earns, and one that only one has costs
_CJK_PER_WORD = 1.65  # characters for one English word, until the text itself says otherwise
_ENOUGH = 6


@dataclass(frozen=True, slots=True)
class PairOfSections:
    """A section in both languages (None where it is missing) with its pieces paired."""

    first: Section | None
    second: Section | None
    units: tuple[tuple[Unit | None, Unit | None], ...] = field(default=())

    @property
    def section(self) -> Section:
        """The section in whichever language has it."""
        found = self.first or self.second
        assert found is not None  # noqa: S101 - one of the two is there by construction
        return found


def aligned(
    first: Sequence[T], second: Sequence[T], cost: Callable[[T, T], float], gap: float = GAP
) -> list[tuple[T | None, T | None]]:
    """Return the pairs of the cheapest walk; where two walks cost the same, the one that pairs earlier pieces."""
    rows, columns = len(first), len(second)
    if rows * columns > _MOST:
        return list(zip_longest(first, second))
    best = [[0.0] * (columns + 1) for _ in range(rows + 1)]
    for i in range(rows, -1, -1):
        for j in range(columns, -1, -1):
            if i == rows or j == columns:
                best[i][j] = gap * (rows - i + columns - j)
                continue
            together = cost(first[i], second[j]) + best[i + 1][j + 1]
            best[i][j] = min(together, gap + best[i + 1][j], gap + best[i][j + 1])
    return _walk(first, second, best, cost, gap)


def _walk(
    first: Sequence[T],
    second: Sequence[T],
    best: list[list[float]],
    cost: Callable[[T, T], float],
    gap: float,
) -> list[tuple[T | None, T | None]]:
    pairs: list[tuple[T | None, T | None]] = []
    i = j = 0
    while i < len(first) or j < len(second):
        here = best[i][j]
        both = i < len(first) and j < len(second)
        if both and math.isclose(here, cost(first[i], second[j]) + best[i + 1][j + 1]):
            pairs.append((first[i], second[j]))
            i, j = i + 1, j + 1
        elif i < len(first) and math.isclose(here, gap + best[i + 1][j]):
            pairs.append((first[i], None))
            i += 1
        else:
            pairs.append((None, second[j]))
            j += 1
    return pairs


@lru_cache(maxsize=8)  # one check looks at the same two documents from several sides
def pair_documents(a: Document, b: Document) -> tuple[PairOfSections, ...]:
    """Return the sections of two languages in pairs, the preamble first, with their pieces paired."""
    pairs = [(a.preamble, b.preamble), *_pair_sections(a.sections, b.sections)]
    pieces = [
        (one, other, units_of(one, a.language) if one else (), units_of(other, b.language) if other else ())
        for one, other in pairs
    ]
    ratio = _ratio((ours, theirs) for _one, _other, ours, theirs in pieces)
    return tuple(
        PairOfSections(one, other, tuple(pair_units(ours, theirs, ratio)))
        for one, other, ours, theirs in pieces
    )


def ratio_of(pairs: Iterable[PairOfSections]) -> float:
    """Return how much longer the second language is, by the pieces that are paired."""
    return _median_ratio(
        [(one, other) for pair in pairs for one, other in pair.units if one is not None and other is not None]
    )


def pair_units(
    first: Sequence[Unit], second: Sequence[Unit], ratio: float
) -> list[tuple[Unit | None, Unit | None]]:
    """Return the pieces in pairs; `ratio` is how much longer the second language usually is."""

    def cost(one: Unit, other: Unit) -> float:
        total = 0.0 if one.kind == other.kind else _OTHER_KIND
        total += 0.2 * abs(one.depth - other.depth)
        total += _length_cost(one.mass * ratio, other.mass)
        return total + _fact_cost(one, other)

    return aligned(first, second, cost)


def _length_cost(expected: float, actual: float) -> float:
    # Short texts vary more: "Maps" and 地图 say nothing about length.
    weight = min(1.0, math.sqrt(max(expected, actual)) / 5)
    return _PER_LENGTH * weight * abs(math.log((actual + 1) / (expected + 1)))


def _fact_cost(one: Unit, other: Unit) -> float:
    ours = {(f.kind, f.value) for f in one.facts if not f.weak} | {("code", c) for c in one.codes}
    theirs = {(f.kind, f.value) for f in other.facts if not f.weak} | {("code", c) for c in other.codes}
    if not ours and not theirs:
        return 0.0
    shared, apart = len(ours & theirs), len(ours ^ theirs)
    return min(_UNSHARED * apart, 0.6) - min(_SHARED * shared, 0.8)


def _pair_sections(
    first: Sequence[Section], second: Sequence[Section]
) -> list[tuple[Section | None, Section | None]]:
    """Pair numbered sections by number; the unnumbered ones between two numbers in order, as they fit best."""
    ours, theirs = _runs(first), _runs(second)
    pairs: list[tuple[Section | None, Section | None]] = []
    for key in [*ours, *(key for key in theirs if key not in ours)]:
        mine, other = ours.get(key, []), theirs.get(key, [])
        if key:  # the first of a run is the numbered section itself
            pairs.append((mine[0] if mine else None, other[0] if other else None))
        skip = 1 if key else 0
        pairs += _in_order(mine[skip:], other[skip:])
    order = {id(section): at for at, section in enumerate((*first, *second))}
    return sorted(pairs, key=lambda pair: order[id(pair[0])] if pair[0] else _after(pair[1], order, pairs))


def _after(
    lone: Section | None,
    order: dict[int, int],
    pairs: list[tuple[Section | None, Section | None]],
) -> float:
    """Return the place of a section that only the second language has: behind its neighbour's partner."""
    before = [
        (order[id(two)], order[id(one)])
        for one, two in pairs
        if one is not None and two is not None and order[id(two)] < order[id(lone)]
    ]
    return max(before)[1] + 0.5 if before else -1


def _runs(sections: Sequence[Section]) -> dict[str, list[Section]]:
    runs: dict[str, list[Section]] = {"": []}
    current = ""
    for section in sections:
        if section.number:
            current = section.number
            while current in runs:
                current += "'"  # the same number again
            runs[current] = []
        runs[current].append(section)
    return runs


_Shape = tuple[int, int, frozenset[str]]


def _in_order(
    first: Sequence[Section], second: Sequence[Section]
) -> list[tuple[Section | None, Section | None]]:
    """Pair sections without numbers in order, as their shapes fit best; of many, shapes are found once each."""
    ours, theirs = ([(*_shape(section), section) for section in each] for each in (first, second))
    pairs = aligned(ours, theirs, lambda one, other: _shape_cost(one[:3], other[:3]))
    return [(one[3] if one else None, other[3] if other else None) for one, other in pairs]


def _shape(section: Section) -> _Shape:
    return section.level, len(section.blocks), frozenset(block.kind for block in section.blocks)


def _shape_cost(one: _Shape, other: _Shape) -> float:
    total = 0.3 * abs(one[0] - other[0]) + 0.1 * abs(one[1] - other[1])
    return min(total + 0.2 if one[2] != other[2] else total, 1.5)


def _ratio(sections: Iterable[tuple[Sequence[Unit], Sequence[Unit]]]) -> float:
    """Return how much longer the second language is, learnt from the sections that have the same shape."""
    return _median_ratio(
        [
            pair
            for ours, theirs in sections
            if [u.kind for u in ours] == [u.kind for u in theirs]
            for pair in zip(ours, theirs, strict=True)
        ]
    )


def _median_ratio(pairs: Sequence[tuple[Unit, Unit]]) -> float:
    seen = [other.mass / one.mass for one, other in pairs if one.mass >= 8 and other.mass >= 8]
    if len(seen) >= _ENOUGH:
        return median(seen)
    sample = [" ".join(unit.text for unit in side) for side in zip(*pairs, strict=True)] if pairs else []
    cjk = [is_mostly_cjk(text) for text in sample] or [False, False]
    if cjk[0] == cjk[1]:
        return 1.0
    return _CJK_PER_WORD if cjk[1] else 1 / _CJK_PER_WORD
