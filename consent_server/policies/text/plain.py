"""Plain text, as it comes out of web pages and word processors, to a document."""

from collections.abc import Iterator
from dataclasses import replace
from html import escape

from consent_server.policies.text.assemble import Heading, assemble
from consent_server.policies.text.canonical import canonical, visible
from consent_server.policies.text.contents import find_contents
from consent_server.policies.text.document import Block, Document
from consent_server.policies.text.numbering import Marker, Numbering, reads_as_heading
from consent_server.policies.text.plain_lines import Line, read_lines
from consent_server.policies.text.plain_lists import ListReader, render_list
from consent_server.policies.text.plain_sections import find_sections, is_title, starts_fresh
from consent_server.policies.text.plain_text import inline, join_lines
from consent_server.policies.text.sanitise import clean, count_links, text_of


def parse_plain(source: str, *, language: str) -> Document:
    """Return the document of a plain text.

    Raises:
        SourceError: the text is empty, too large, or holds NUL or a lone surrogate.
    """
    text = canonical(source, text_format="plain")
    lines = read_lines(visible(text))
    title = ""
    if is_title(lines):
        title = lines.pop(0).text
    reader = _Reader(lines)
    return assemble(
        language=language, text_format="plain", title=title, items=list(reader.items()), text=text
    )


class _Reader:
    """Turns lines into headings and blocks, in one pass."""

    def __init__(self, lines: list[Line]) -> None:
        self.lines = lines
        self.contents = find_contents(lines)
        self.sections = find_sections(lines, self.contents)
        self.numbering = Numbering()
        self.at = 0

    def items(self) -> Iterator[Heading | Block]:
        """Yield the headings and blocks."""
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if self.contents is not None and self.at == self.contents.start:
                yield self._contents(self.contents)
            elif self.at in self.sections:
                yield from self._section(line)
            elif line.cells and self._rows() > 1:
                yield self._table()
            elif line.items and starts_fresh(self.lines, self.at):
                yield self._list()
            else:
                yield self._paragraph(line.text)

    def _section(self, line: Line) -> Iterator[Heading | Block]:
        marker = line.marker
        if marker is None:
            self.at += 1
            yield Heading(line.text, inline(line.text), 1, line=line.at)
            return
        number, level = self.numbering.place(marker)
        if reads_as_heading(marker.rest) or not marker.rest:
            self.at += 1
            words = marker.rest
            yield Heading(*_heading_words(marker), level, number, line=line.at, marker=_raw(marker))
            return
        yield Heading("", "", level, number, line=line.at, marker=_raw(marker))
        words = marker.rest
        yield self._paragraph(words)

    def _paragraph(self, first: str) -> Block:
        line = self.lines[self.at]
        texts = [first]
        self.at += 1
        while self.at < len(self.lines) and not self._something_starts():
            texts.append(self.lines[self.at].text)
            self.at += 1
        return _block("paragraph", f"<p>{inline(join_lines(texts))}</p>", line)

    def _something_starts(self) -> bool:
        line = self.lines[self.at]
        if line.after_blank or self.at in self.sections:
            return True
        if line.cells and self._rows() > 1:
            return True
        return bool(line.items) and starts_fresh(self.lines, self.at)

    def _list(self) -> Block:
        line = self.lines[self.at]
        reader = ListReader()
        while self.at < len(self.lines) and self.at not in self.sections:
            if not reader.take(self.lines[self.at]):
                break
            self.at += 1
        return _block("list", render_list(reader.entries), line, items=len(reader.entries))

    def _rows(self) -> int:
        """Return how many lines from here on have as many cells as this one."""
        width = len(self.lines[self.at].cells)
        end = self.at
        while end < len(self.lines) and len(self.lines[end].cells) == width:
            if end > self.at and self.lines[end].after_blank:
                break
            end += 1
        return end - self.at

    def _table(self) -> Block:
        line = self.lines[self.at]
        count = self._rows()
        rows = [row.cells for row in self.lines[self.at : self.at + count]]
        self.at += count
        body = [row for row in rows[1:] if not _is_rule(row)]
        head = "".join(f'<th scope="col">{inline(cell)}</th>' for cell in rows[0])
        cells = ("".join(f"<td>{inline(cell)}</td>" for cell in row) for row in body)
        html = "\n".join(f"<tr>{row}</tr>" for row in cells)
        table = f"<table>\n<thead>\n<tr>{head}</tr>\n</thead>\n<tbody>\n{html}\n</tbody>\n</table>"
        return _block("table", table, line, items=len(body))

    def _contents(self, span: range) -> Block:
        first = self.lines[span.start]
        self.at = span.stop
        lines = [self.lines[at] for at in span]
        entries = "\n".join(f"<li>{_entry(line)}</li>" for line in lines if line.marker)
        head = f"<p>{inline(first.text)}</p>\n" if first.marker is None else ""
        count = sum(1 for line in lines if line.marker)
        block = _block("contents", f"{head}<ul>\n{entries}\n</ul>", first, items=count)
        return replace(block, links=0)  # they lead nowhere but down the page


def _entry(line: Line) -> str:
    """Return a line of the table of contents; a numbered one links to its section."""
    marker = line.marker
    if marker is None or marker.style != "dotted":
        return inline(line.text)
    number = ".".join(str(part) for part in marker.parts)
    return f'<a href="#{number}">{escape(line.text, quote=False)}</a>'


def _is_rule(row: tuple[str, ...]) -> bool:
    return all(cell and not cell.strip(":-=") for cell in row)


def _raw(marker: Marker) -> str:
    # "8.  How" and "8. How" are the same heading.
    stripped = marker.raw.rstrip()
    return stripped if stripped == marker.raw else stripped + " "


def _heading_words(marker: Marker) -> tuple[str, str]:
    return marker.rest, inline(marker.rest)


def _block(kind: str, html: str, line: Line, *, items: int = 0) -> Block:
    safe = clean(html)
    return Block(kind, text_of(safe), safe, items=items, links=count_links(safe), line=line.at)  # type: ignore[arg-type]
