"""Compare two texts word by word, and character by character where words have no spaces between them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from consent_server.policies.text.words import CJK

PieceKind = Literal["same", "removed", "added"]

# What is drawn on the character before it, or joins two into one picture, is never parted from it.
_JOINED = "[\u0300-\u036f\u1ab0-\u1aff\u20d0-\u20ff\ufe00-\ufe0f\U000e0100-\U000e01ef\U0001f3fb-\U0001f3ff]"
_TOKEN = re.compile(
    rf"(?:[{CJK}]|[^\W_{CJK}]+(?:['’.,@/-][^\W_{CJK}]+)*|\s+|.){_JOINED}*(?:\u200d.{_JOINED}*)*", re.DOTALL
)
_CJK = re.compile(f"[{CJK}]")
_WORDLESS = re.compile(r"[\W_]*")
_MOST = 4_000_000  # pairs of tokens: beyond that, old and new are shown one after the other
_ISLAND_WORDS, _ISLAND_CHARACTERS = 1, 2


@dataclass(frozen=True, slots=True)
class Piece:
    """Words that both texts have, or only the old one, or only the new one."""

    kind: PieceKind
    text: str


def tokens(text: str) -> list[str]:
    """Return the words, characters of scripts without spaces, spaces and marks of a text; joined they are the text."""
    return _TOKEN.findall(text)


def redline(before: str, after: str) -> tuple[Piece, ...]:
    """Return what stayed, went and came, in the order in which a reader follows it.

    A word or two that stayed between changes are shown as changed with them: a line that alternates at every word
    cannot be read. The pieces that are not "added" are the old text, those that are not "removed" the new one.
    """
    old, new = tokens(before), tokens(after)
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    middle = _changed(old[start : len(old) - end], new[start : len(new) - end])
    pieces: list[tuple[PieceKind, list[str]]] = [
        ("same", old[:start]),
        *_readable(middle),
        ("same", old[len(old) - end :]),
    ]
    return tuple(_joined((kind, "".join(words)) for kind, words in pieces))


_Run = tuple[list[str], list[str], bool]  # words of the old text, of the new one, whether they are the same


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    count = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        count += 1
    return count


def _changed(old: list[str], new: list[str]) -> list[_Run]:
    if not old and not new:
        return []
    if not old or not new or len(old) * len(new) > _MOST:
        return [(old, new, False)]
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    return [(old[i1:i2], new[j1:j2], tag == "equal") for tag, i1, i2, j1, j2 in matcher.get_opcodes()]


def _readable(runs: Sequence[_Run]) -> Iterator[tuple[PieceKind, list[str]]]:
    """Join changes that are parted by next to nothing, and yield each as what went, then what came."""
    held: _Run = ([], [], False)
    for at, (old, new, same) in enumerate(runs):
        if same and not (_is_island(old) and 0 < at < len(runs) - 1):
            yield from _parts(held)
            yield "same", old
            held = ([], [], False)
        else:
            held = (held[0] + old, held[1] + new, False)
    yield from _parts(held)


def _is_island(words: Sequence[str]) -> bool:
    text = "".join(words)
    if _WORDLESS.fullmatch(text):
        return True
    characters = len(_CJK.findall(text))
    others = sum(1 for word in words if not _WORDLESS.fullmatch(word) and not _CJK.match(word))
    return (
        characters < _ISLAND_CHARACTERS and others <= _ISLAND_WORDS and characters + others <= _ISLAND_WORDS
    )


def _parts(held: _Run) -> Iterator[tuple[PieceKind, list[str]]]:
    yield "removed", held[0]
    yield "added", held[1]


def _joined(pieces: Iterator[tuple[PieceKind, str]]) -> list[Piece]:
    found: list[Piece] = []
    for kind, text in pieces:
        if not text:
            continue
        if found and found[-1].kind == kind:
            found[-1] = Piece(kind, found[-1].text + text)
        else:
            found.append(Piece(kind, text))
    return found
