"""Tell what each line of a plain text is, seen alone."""

import re
from dataclasses import dataclass
from typing import Literal

from consent_server.policies.text.numbering import Marker, read_marker

ItemStyle = Literal["bullet", "paren", "parens", "letter", "roman", "circle", "chinese", "integer"]

# Glyphs of symbol fonts arrive as private-use characters when a web page or document is extracted.
_BULLET = re.compile(
    r"(?P<marker>(?:[•●○▪■◆◇▶►‣⁃·\uf0a7\uf0b7\uf0d8\uf06c\uf09f][\s\u3000]*|[-*–—][\s\u3000]+))(?P<rest>\S.*)"
)
_PAREN = re.compile(r"(?P<marker>(?P<n>\d{1,2})[)）][、.]?\s*)(?P<rest>\S.*)")
_PARENS = re.compile(r"(?P<marker>[(（](?P<n>\d{1,2})[)）][、.]?\s*)(?P<rest>\S.*)")
_LETTER = re.compile(r"(?P<marker>[(（]?(?P<n>[a-z])[.)）]\s*)(?P<rest>\S.*)")
_ROMAN = re.compile(r"(?P<marker>[(（]?(?P<n>[ivx]{1,4})[.)）]\s*)(?P<rest>\S.*)")
_CIRCLE = re.compile(r"(?P<marker>(?P<n>[\u2460-\u2473])[、.]?\s*)(?P<rest>\S.*)")
_PATTERNS: tuple[tuple[ItemStyle, re.Pattern[str]], ...] = (
    ("paren", _PAREN),
    ("parens", _PARENS),
    ("circle", _CIRCLE),
    ("roman", _ROMAN),
    ("letter", _LETTER),
)
_ROMAN_VALUES = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii", "xiii")


@dataclass(frozen=True, slots=True)
class Item:
    """A list item's number: `value` counts from 1, and is 0 for a bullet.

    `series` tells items of one list from those of a list within it: by style, a bullet also by its
    glyph and how far it is indented.
    """

    style: ItemStyle
    value: int
    rest: str
    series: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line that says something. `after_blank` tells whether an empty line stands before it."""

    text: str
    at: int
    after_blank: bool
    marker: Marker | None = None
    items: tuple[Item, ...] = ()
    cells: tuple[str, ...] = ()


def read_lines(text: str) -> list[Line]:
    """Return the lines of `text` that say something, each with what it may be."""
    lines: list[Line] = []
    after_blank = True
    for at, raw in enumerate(text.split("\n"), start=1):
        stripped = raw.strip()
        if stripped:
            cells = _cells(raw)
            marker = None if cells else read_marker(stripped)
            items = () if cells else _items(raw, marker)
            lines.append(Line(stripped, at, after_blank, marker, items, cells))
        after_blank = not stripped
    return lines


def _cells(raw: str) -> tuple[str, ...]:
    """Return the cells of a line parted by tabs or pipes, () if it is not such a line."""
    text = raw.strip(" \u3000")
    if text.startswith("|") or text.count("|") >= 2:
        parts = text.strip("|").split("|")
    elif "\t" in text.strip():
        parts = re.split(r"\t", text.strip("\n"))
    else:
        return ()
    return tuple(part.strip() for part in parts) if len(parts) > 1 else ()


def _items(raw: str, marker: Marker | None) -> tuple[Item, ...]:
    """Return the ways to read a line as a list item ("i." is a letter or a Roman numeral)."""
    text = raw.strip()
    found: list[Item] = []
    if match := _BULLET.fullmatch(text):
        indent = len(raw) - len(raw.lstrip())
        found.append(Item("bullet", 0, match["rest"], f"{text[0]}{indent // 2}"))
    for style, pattern in _PATTERNS:
        if (match := pattern.fullmatch(text)) and (value := _value(style, match)):
            found.append(Item(style, value, match["rest"], style))
    if marker is not None and (marker.integer or marker.style == "chinese_sub"):
        numbered: ItemStyle = "integer" if marker.integer else "chinese"
        found.append(Item(numbered, marker.parts[0], marker.rest, numbered))
    return tuple(found)


def _value(style: ItemStyle, match: re.Match[str]) -> int:
    numeral = match["n"]
    if style == "roman":
        return _ROMAN_VALUES.index(numeral) + 1 if numeral in _ROMAN_VALUES else 0
    if style == "letter":
        return ord(numeral) - ord("a") + 1
    return ord(numeral) - ord("①") + 1 if style == "circle" else int(numeral)
