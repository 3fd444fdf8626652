"""A policy text as structure: sections, in the order in which they are read."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from consent_server.policies.text.canonical import Format, sha256_of
from consent_server.policies.text.warnings import TextWarning, excerpt
from consent_server.policies.text.words import count_words

BlockKind = Literal["paragraph", "list", "table", "quote", "code", "contents", "rule"]

PREAMBLE = "s-preamble"


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, list, table ... of a section.

    `html` is sanitised and may be put on a page as it is. `text` is what a reader sees of it, for
    searching and comparing. `items` counts list items or table rows (without the heading row).
    """

    kind: BlockKind
    text: str
    html: str
    items: int = 0
    links: int = 0
    line: int = 0


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, or a numbered clause without one, and the blocks up to the next.

    `number` is the same in every language ("1.1" for `1.1.`, `一、（一）`), "" if there is none;
    `marker` is the number as written, with what parts it from the heading. `level` counts from 1;
    only the preamble has 0. `anchor` is the fragment that links to the section.
    """

    number: str
    level: int
    heading: str
    anchor: str
    blocks: tuple[Block, ...] = ()
    marker: str = ""
    heading_html: str = ""
    line: int = 0

    @property
    def title(self) -> str:
        """The heading as written, with its number; of a bare clause its first words; "" of the preamble."""
        if self.level == 0:
            return ""
        rest = self.heading or (excerpt(self.blocks[0].text) if self.blocks else "")
        return f"{self.marker}{rest}".strip()

    @property
    def text(self) -> str:
        """The words under the heading, one block to a paragraph."""
        return "\n\n".join(block.text for block in self.blocks if block.text)

    @property
    def words(self) -> int:
        """The number of words, heading included."""
        return count_words(f"{self.heading}\n{self.text}")

    @property
    def name(self) -> str:
        """What to call the section in a message: its number, else its heading."""
        return self.number or self.heading


@dataclass(frozen=True, slots=True)
class OutlineEntry:
    """One line of a document's outline, for comparing languages and for a contents list."""

    number: str
    level: int
    heading: str
    anchor: str
    empty: bool


@dataclass(frozen=True, slots=True)
class Document:
    """A policy text in one language.

    `text` is the canonical source (see `canonical`), the bytes that are stored and hashed; `html`
    the sanitised rendering without the title; `preamble` what stands before the first heading.
    """

    language: str
    format: Format
    title: str
    preamble: Section
    sections: tuple[Section, ...]
    html: str
    text: str
    warnings: tuple[TextWarning, ...] = field(default=())

    def parts(self) -> Iterator[Section]:
        """Yield the preamble, if it says anything, and the sections."""
        if self.preamble.blocks:
            yield self.preamble
        yield from self.sections

    def blocks(self) -> Iterator[Block]:
        """Yield every block in reading order."""
        for section in self.parts():
            yield from section.blocks

    @property
    def words(self) -> int:
        """The number of words of title, preamble and sections."""
        return count_words(self.title) + sum(section.words for section in self.parts())

    @property
    def plain_text(self) -> str:
        """What a reader sees, without markup."""
        pieces = [self.title]
        for section in self.parts():
            pieces += [f"{section.marker}{section.heading}".strip(), section.text]
        return "\n\n".join(piece for piece in pieces if piece)

    def outline(self) -> tuple[OutlineEntry, ...]:
        """Return the sections as (number, level, heading, anchor, empty), in order."""
        following = [*(section.level for section in self.sections[1:]), 0]
        return tuple(
            OutlineEntry(s.number, s.level, s.heading, s.anchor, not s.blocks and after <= s.level)
            for s, after in zip(self.sections, following, strict=False)
        )


def text_sha256(document: Document) -> str:
    """Return the SHA-256 of the document's canonical source (UTF-8), in lower-case hex."""
    return sha256_of(document.text)
