"""Cut a source into the parts that a person edits, one for each section, and put them together again byte by byte."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from consent_server.policies.text.canonical import BIDI, CONTROL, INVISIBLE
from consent_server.policies.text.document import PREAMBLE, Document

GAP = 2  # line ends after a part that has been written anew


@dataclass(frozen=True, slots=True)
class Part:
    """The lines of one section, or what stands before the first. `gap` line ends part it from the next."""

    source: str
    anchor: str
    gap: int = GAP

    @property
    def digest(self) -> str:
        """What tells whether somebody has changed the part: 12 hex digits."""
        return digest_of(self.source)

    @property
    def hidden(self) -> tuple[str, ...]:
        """The characters of it that cannot be seen or that turn the direction of text, as `U+202E`, each once."""
        return hidden_characters(self.source)


def split(document: Document) -> tuple[Part, ...]:
    """Return the parts of a document's canonical source in reading order; joined again they are the source."""
    lines = document.text.split("\n")
    starts = [(section.line, section.anchor) for section in document.sections]
    ordered = all(one < other for (one, _a), (other, _b) in pairwise(starts))
    if not ordered or not starts or starts[0][0] < 1:
        return (_part(lines, PREAMBLE),)
    cuts = [(1, PREAMBLE), *starts] if starts[0][0] > 1 else starts
    ends = [line for line, _anchor in cuts[1:]] + [len(lines) + 1]
    return tuple(
        _part(lines[line - 1 : end - 1], anchor) for (line, anchor), end in zip(cuts, ends, strict=True)
    )


def join(sources: Sequence[str], gaps: Sequence[int]) -> str:
    """Return a source from its parts; one that is empty now is gone.

    Args:
        sources: the parts as a person left them.
        gaps: how many line ends stand after each; where that is not known, an empty line does.
    """
    pieces = []
    for at, source in enumerate(sources):
        body = source.replace("\r\n", "\n").strip("\n")
        if body.strip():
            pieces.append(body + "\n" * (gaps[at] if at < len(gaps) and 0 < gaps[at] < 50 else GAP))
    return "".join(pieces)


def digest_of(source: str) -> str:
    """Return what tells two parts apart, white space at their ends aside."""
    body = re.sub(r"[ \t]+\n", "\n", source.replace("\r\n", "\n")).strip()
    return hashlib.sha256(body.encode(errors="replace")).hexdigest()[:12]


def hidden_characters(text: str) -> tuple[str, ...]:
    """Return the characters of a text that cannot be seen or that turn its direction, as `U+202E`, each once."""
    if text.isascii() and text.isprintable():
        return ()
    found = {hit.group() for pattern in (BIDI, INVISIBLE, CONTROL) for hit in pattern.finditer(text)}
    return tuple(f"U+{ord(character):04X}" for character in sorted(found))


def _part(lines: Sequence[str], anchor: str) -> Part:
    body = "\n".join(lines)
    source = body.strip("\n")
    # What the lines are joined with belongs to the part too: the next begins on a line of its own.
    after = len(body) - len(body.rstrip("\n")) + 1
    return Part(source, anchor, after)
