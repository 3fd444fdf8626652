"""Put headings and blocks, in reading order, together into a document."""

import re
import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from html import escape

from consent_server.policies.text.canonical import Format, character_warnings
from consent_server.policies.text.checks import document_warnings
from consent_server.policies.text.document import PREAMBLE, Block, Document, Section
from consent_server.policies.text.warnings import TextWarning

_LOCAL_LINK = re.compile(r'href="#([^"]*)"')
_NOT_IN_ANCHOR = re.compile(r"[^\w\-]+")


@dataclass(frozen=True, slots=True)
class Heading:
    """The start of a section; `text` is "" for a numbered clause that has no heading of its own.

    `anchor` is an identifier that the source itself gives, "" if none.
    """

    text: str
    html: str
    level: int
    number: str = ""
    marker: str = ""
    anchor: str = ""
    line: int = 0


def assemble(
    *,
    language: str,
    text_format: Format,
    title: str,
    items: Iterable[Heading | Block],
    text: str,
    warnings: Iterable[TextWarning] = (),
) -> Document:
    """Return the document of `items`, with anchors, its HTML, and all warnings in reading order."""
    preamble, sections = _sections(items)
    preamble, sections, broken = _resolve_links(preamble, sections)
    document = Document(
        language=language,
        format=text_format,
        title=title,
        preamble=preamble,
        sections=tuple(sections),
        html=_render(preamble, sections),
        text=text,
    )
    found = [*character_warnings(text), *warnings, *broken]
    starts = [section.line for section in document.sections]
    named = [replace(w, section=w.section or _section_at(document, starts, w.line)) for w in found]
    everything = [*named, *document_warnings(document)]
    return replace(document, warnings=tuple(sorted(everything, key=lambda w: w.line)))


def _sections(items: Iterable[Heading | Block]) -> tuple[Section, list[Section]]:
    parts: list[tuple[Section, list[Block]]] = [(Section("", 0, "", PREAMBLE), [])]
    anchors = _Anchors()
    for item in items:
        if isinstance(item, Block):
            parts[-1][1].append(item)
            continue
        anchor = anchors.unique(_anchor(item))
        section = Section(
            number=item.number,
            level=item.level,
            heading=item.text,
            anchor=anchor,
            marker=item.marker,
            heading_html=item.html,
            line=item.line,
        )
        parts.append((section, []))
    whole = [replace(section, blocks=tuple(blocks)) for section, blocks in parts]
    return whole[0], whole[1:]


def _anchor(heading: Heading) -> str:
    if heading.number:
        return "s-" + heading.number.replace(".", "-")
    if heading.anchor:
        return "s-" + slug(heading.anchor)
    if heading.marker:
        return "s-" + slug(_appendix(heading.marker))
    return "s-" + (slug(heading.text) or "section")


def _appendix(marker: str) -> str:
    # The same anchor in every language, so that a link survives a change of language.
    return re.sub(r"(?i)^(appendix|annex|schedule|附录|附件|附表)", "appendix ", marker)


def slug(text: str) -> str:
    """Return `text` as the part of an anchor after `s-`: lower-case words joined by hyphens."""
    words = _NOT_IN_ANCHOR.sub("-", unicodedata.normalize("NFC", text).lower())
    return words.strip("-_")[:60].rstrip("-_")


class _Anchors:
    """Hands out each anchor once; the second of a kind gets `--2`."""

    def __init__(self) -> None:
        self._taken = {PREAMBLE}
        self._counts: Counter[str] = Counter()

    def unique(self, anchor: str) -> str:
        """Return `anchor`, or a variant of it that is still free."""
        candidate = anchor
        while candidate in self._taken:
            self._counts[anchor] += 1
            candidate = f"{anchor}--{self._counts[anchor] + 1}"
        self._taken.add(candidate)
        return candidate


def _resolve_links(
    preamble: Section, sections: list[Section]
) -> tuple[Section, list[Section], list[TextWarning]]:
    """Point links within the text at the anchors that it got; tell of those that lead nowhere."""
    targets: dict[str, str] = {}
    for section in sections:
        heading_slug = slug(f"{section.marker}{section.heading}")
        own = section.anchor.removeprefix("s-")
        for name in (section.anchor, own, section.number, heading_slug, slug(section.heading)):
            targets.setdefault(name, section.anchor)
    for part in (preamble, *sections):
        for block in part.blocks:
            for anchor in re.findall(r'id="(s-[^"]+)"', block.html):
                targets.setdefault(anchor.removeprefix("s-"), anchor)
    broken: list[TextWarning] = []

    def resolved(part: Section) -> Section:
        return replace(part, blocks=tuple(_resolved(block, targets, broken) for block in part.blocks))

    return resolved(preamble), [resolved(section) for section in sections], broken


def _resolved(block: Block, targets: dict[str, str], broken: list[TextWarning]) -> Block:
    def point(match: re.Match[str]) -> str:
        name = match.group(1)
        anchor = targets.get(name) or targets.get(slug(name))
        if anchor is None:
            message = f"the link to “#{name}” leads nowhere in this text"
            broken.append(TextWarning("broken_anchor", "", message, line=block.line, detail=name))
            return match.group()
        return f'href="#{escape(anchor)}"'

    html = _LOCAL_LINK.sub(point, block.html)
    return block if html == block.html else replace(block, html=html)


def _section_at(document: Document, starts: list[int], line: int) -> str:
    at = bisect_right(starts, line)
    return document.sections[at - 1].name if at else ""


def _render(preamble: Section, sections: list[Section]) -> str:
    return "\n".join(piece for part in (preamble, *sections) for piece in render_section(part))


def render_section(section: Section) -> list[str]:
    """Return a section's HTML, its heading first; the document's own title is `<h1>`, so it starts at `<h2>`."""
    blocks = [_render_block(block, section) for block in section.blocks]
    if section.level == 0:
        return blocks
    anchor, marker = escape(section.anchor), escape(section.marker)
    if section.heading:
        tag = f"h{min(section.level + 1, 6)}"
        return [f'<{tag} id="{anchor}">{marker}{section.heading_html}</{tag}>', *blocks]
    if section.blocks and section.blocks[0].html.startswith("<p>"):
        first = blocks[0].removeprefix("<p>")
        return [f'<p id="{anchor}"><strong>{marker.strip()}</strong> {first}', *blocks[1:]]
    return [f'<p id="{anchor}"><strong>{marker.strip()}</strong></p>', *blocks]


def _render_block(block: Block, section: Section) -> str:
    if block.kind != "table":
        return block.html
    # A wide table scrolls by itself on a phone; a scrolling box must be reachable by keyboard and named.
    name = f' aria-labelledby="{escape(section.anchor)}"' if section.heading else ""
    return f'<div class="table-scroll" role="group" tabindex="0"{name}>\n{block.html}\n</div>'
