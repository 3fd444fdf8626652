"""Follow two languages through the versions of a policy: what changed in one of them and not in the other.

A piece (paragraph, item, row, heading) is in step when both languages changed since they last agreed, or neither did.
Words are compared without punctuation, spaces and case, so that a typographic mend in one language is no change.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import lru_cache

from consent_server.policies.parity.align import PairOfSections, aligned, pair_documents
from consent_server.policies.parity.findings import Finding
from consent_server.policies.parity.places import Both, Side, cut, name_of, paired_units
from consent_server.policies.parity.units import Unit
from consent_server.policies.text import Document

Units = tuple[Unit | None, Unit | None]
_SIDES: tuple[Side, Side] = (0, 1)
_AKIN = 0.4


@dataclass(slots=True)
class _Trace:
    """What is remembered of a piece: its words when the languages last agreed (None: never), and all it ever said."""

    agreed: str | None = None
    seen: set[str] = field(default_factory=set)
    paired: bool = False
    behind: Side | None = None


@dataclass(frozen=True, slots=True)
class _Piece:
    pair: PairOfSections
    units: Units
    traces: tuple[_Trace | None, _Trace | None]


class Follower:
    """Takes the versions of two languages in order and says after each which pieces changed in one of them only."""

    def __init__(self) -> None:
        self._words: list[list[str]] = [[], []]
        self._traces: list[list[_Trace]] = [[], []]
        self._behind: set[Side] = set()
        self._first = True

    def take(self, first: Document, second: Document, errors: Sequence[Finding]) -> list[Finding]:
        """Return the findings `changed-alone` of the next version; `errors` are what else is wrong with it."""
        both = Both(first, second)
        pairs = pair_documents(first, second)
        doubtful = {
            (place.section, place.text) for finding in errors for place in finding.places if place.text
        }
        found: list[Finding] = []
        behind: set[Side] = set()
        for piece in self._pieces(pairs, both):
            went_back = self._went_back(piece)
            side = self._judge(piece)
            if side is not None:
                behind.add(side)
                found.append(_finding(piece, both, side, went_back=went_back == side))
            elif _is_doubtful(piece, doubtful):
                _forget(piece)
        self._behind, self._first = behind, False
        return found

    def _pieces(self, pairs: Sequence[PairOfSections], both: Both) -> list[_Piece]:
        flat = [(pair, units) for pair in pairs for units in paired_units(pair, both)]
        traces: list[dict[int, _Trace]] = []
        for side in _SIDES:
            at = [i for i, (_pair, units) in enumerate(flat) if units[side] is not None]
            words = [said(flat[i][1][side]) for i in at]  # type: ignore[arg-type]  # chosen to be there
            kept = self._carry(side, words)
            traces.append(dict(zip(at, kept, strict=True)))
            self._words[side], self._traces[side] = words, kept
        return [
            _Piece(pair, units, (traces[0].get(i), traces[1].get(i))) for i, (pair, units) in enumerate(flat)
        ]

    def _carry(self, side: Side, words: list[str]) -> list[_Trace]:
        """Return the trace of each piece: that of the piece of the version before which it continues, or a new one."""
        partner = continues(self._words[side], words)
        return [self._traces[side][partner[at]] if at in partner else _Trace() for at in range(len(words))]

    def _judge(self, piece: _Piece) -> Side | None:
        """Return which language is behind in this piece, or None; remember what it says now."""
        one, other = piece.traces
        if one is None or other is None:
            return self._alone(piece)
        now = [said(unit) for unit in piece.units if unit]
        changed = [trace.agreed != words for trace, words in zip((one, other), now, strict=True)]
        behind: Side | None = None
        if changed[0] != changed[1]:
            mover: Side = 0 if changed[0] else 1
            if self._went_back(piece) == mover:
                behind = mover
            elif self._behind != {mover}:  # who was behind and changes now is catching up
                behind = 0 if mover else 1
        for trace, words in zip((one, other), now, strict=True):
            if trace.agreed is not None and trace.agreed != words:
                trace.seen.add(trace.agreed)
            trace.paired = True
            if behind is None:
                trace.agreed = words
        return behind

    def _went_back(self, piece: _Piece) -> Side | None:
        """Return which language says what it said before the languages last agreed, or None."""
        for side in _SIDES:
            unit, trace = piece.units[side], piece.traces[side]
            if unit is not None and trace is not None and said(unit) in trace.seen - {trace.agreed}:
                return side
        return None

    def _alone(self, piece: _Piece) -> Side | None:
        side: Side = 0 if piece.traces[0] is not None else 1
        trace = piece.traces[side]
        assert trace is not None  # noqa: S101 - one of the two is there
        if self._first:
            return None  # there is nothing to compare with; that it is missing is told by the check itself
        if trace.behind is None:
            trace.behind = side if trace.paired else (0 if side else 1)
        trace.paired = False
        return trace.behind


def said(unit: Unit) -> str:
    """Return what a piece says, for comparing: no punctuation, spaces or case; where it links to counts."""
    words = _bare(unit.text)
    return "\n".join([words, *sorted(set(unit.links))]) if unit.links else words


@lru_cache(maxsize=8192)
def _bare(text: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text)).casefold()


def continues(before: Sequence[str], after: Sequence[str]) -> dict[int, int]:
    """Return for each piece of `after` (index) the piece of `before` that it continues, if there is one."""
    found: dict[int, int] = {}
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            found |= {j1 + k: i1 + k for k in range(i2 - i1)}
        elif tag == "replace" and i2 - i1 == j2 - j1 == 1:
            found[j1] = i1  # it stands between the same neighbours
        elif tag == "replace":
            pairs = aligned(
                range(i1, i2), range(j1, j2), lambda i, j: _unlike(before[i], after[j]), gap=(1 - _AKIN) / 2
            )
            found |= {j: i for i, j in pairs if i is not None and j is not None}
    kept = set(found.values())
    left = {words: i for i, words in enumerate(before) if i not in kept}
    for j, words in enumerate(after):  # what only moved
        if j not in found and words in left:
            found[j] = left.pop(words)
    return found


def _unlike(one: str, other: str) -> float:
    """Return 0 for the same words to 1 for nothing in common: the share of pieces of two or three letters that differ."""
    size = 3 if min(len(one), len(other)) > 20 else 2
    ours, theirs = _pieces_of(one, size), _pieces_of(other, size)
    together = len(ours) + len(theirs)
    return 1 - 2 * len(ours & theirs) / together if together else 0.0


@lru_cache(maxsize=16384)
def _pieces_of(words: str, size: int) -> frozenset[str]:
    return frozenset(words[at : at + size] for at in range(max(1, len(words) - size + 1)))


def _is_doubtful(piece: _Piece, doubtful: set[tuple[str, str]]) -> bool:
    name = piece.pair.section.name
    return any(unit and (name, cut(unit.text)) in doubtful for unit in piece.units)


def _forget(piece: _Piece) -> None:
    """Nobody can vouch that the languages agree here: whichever is mended next, both count as changed."""
    for trace in piece.traces:
        if trace is not None:
            trace.agreed = None


def _finding(piece: _Piece, both: Both, side: Side, *, went_back: bool) -> Finding:
    ahead: Side = 0 if side else 1
    unit = piece.units[ahead] or piece.units[side]
    words = cut(unit.text if unit else "", 80)
    where = name_of(piece.pair.section)
    if piece.units[side] is None:
        message = f"{where}: added in {both.language(ahead)} and not yet in {both.language(side)}: “{words}”"
    elif piece.units[ahead] is None:
        message = f"{where}: removed in {both.language(ahead)} and still in {both.language(side)}: “{words}”"
    elif went_back:
        message = f"{where}: {both.language(side)} went back to an earlier wording: “{words}”"
    else:
        message = f"{where}: changed in {both.language(ahead)} and not in {both.language(side)}: “{words}”"
    return both.finding("changed-alone", piece.pair, side, message, units=piece.units, subject=cut(words, 60))


def follow(versions: Sequence[tuple[Document, Document, Sequence[Finding]]]) -> Iterator[list[Finding]]:
    """Yield for each version in order what changed in one language and not in the other."""
    follower = Follower()
    for first, second, errors in versions:
        yield follower.take(first, second, errors)
