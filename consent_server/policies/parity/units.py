"""The smallest pieces that are compared: a paragraph, a list item, a row of a table."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from html.parser import HTMLParser
from typing import Literal

from consent_server.policies.parity.facts import Fact, facts_of
from consent_server.policies.text import Block, Section
from consent_server.policies.text.words import count_words

UnitKind = Literal["paragraph", "item", "row", "heading-row"]


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of a section: `text` its words on one line, `links` what it links to, `codes` what is set as code.

    `line` is the line of the block that it stands in.
    """

    kind: UnitKind
    text: str
    language: str
    line: int = 0
    links: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    depth: int = 0

    @property
    def mass(self) -> int:
        """How much it says: words, or characters of a script without spaces."""
        return mass_of(self.text)

    @property
    def facts(self) -> tuple[Fact, ...]:
        """The facts that it states."""
        return facts_of(self.text, self.language, self.links)


@lru_cache(maxsize=8192)
def mass_of(text: str) -> int:
    """Return the number of words of `text`; see `count_words`."""
    return count_words(text)


def units_of(section: Section, language: str) -> tuple[Unit, ...]:
    """Return the pieces of a section in reading order; a table of contents and rules are none."""
    return tuple(unit for block in section.blocks for unit in _units(block, language))


@lru_cache(maxsize=8192)
def _units(block: Block, language: str) -> tuple[Unit, ...]:
    if block.kind in {"contents", "rule"} or not block.text.strip():
        return ()
    reader = _Reader()
    reader.feed(block.html)
    reader.close()
    reader.end()
    return tuple(
        Unit(kind, text, language, block.line, links, codes, depth)
        for kind, text, links, codes, depth in reader.units
    )


_Piece = tuple[UnitKind, str, tuple[str, ...], tuple[str, ...], int]
_BREAKS = {"p", "li", "ul", "ol", "tr", "pre", "dt", "dd", "blockquote", "table"}


class _Reader(HTMLParser):
    """Cuts clean HTML into pieces; the paragraphs of one list item are one piece."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.units: list[_Piece] = []
        self._depth = 0
        self._head = False
        self._kind: UnitKind = "paragraph"
        self._words: list[str] = []
        self._links: list[str] = []
        self._codes: list[str] = []
        self._in_code = False
        self._cells = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a piece at a block; note links and code."""
        if tag in _BREAKS and not (tag == "p" and self._depth):
            self.end()
        if tag in {"ul", "ol"}:
            self._depth += 1
        elif tag == "thead":
            self._head = True
        elif tag == "tr":
            self._kind = "heading-row" if self._head else "row"
        elif tag in {"td", "th", "br", "p"}:
            self._words.append(" | " if tag in {"td", "th"} and self._cells else " ")
            self._cells += tag in {"td", "th"}
        elif tag == "a":
            self._links += [value or "" for name, value in attrs if name == "href"]
        self._in_code = self._in_code or tag == "code"

    def handle_endtag(self, tag: str) -> None:
        """End a piece with its block."""
        if tag in _BREAKS and not (tag == "p" and self._depth):
            self.end()
        if tag in {"ul", "ol"}:
            self._depth -= 1
        elif tag == "thead":
            self._head = False
        elif tag == "table":
            self._kind = "paragraph"
        if tag == "code":
            self._in_code = False

    def handle_data(self, data: str) -> None:
        """Keep the words."""
        self._words.append(data)
        if self._in_code and data.strip():
            self._codes.append(data.strip())

    def end(self) -> None:
        """Close the piece that is open, if it says anything."""
        text = " ".join("".join(self._words).split())
        if text.strip(" |"):
            kind: UnitKind = "item" if self._depth and self._kind == "paragraph" else self._kind
            self.units.append((kind, text, tuple(self._links), tuple(self._codes), self._depth))
        self._words, self._links, self._codes, self._cells = [], [], [], 0
