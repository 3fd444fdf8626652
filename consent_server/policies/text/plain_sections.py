"""Decide which numbered lines of a plain text head sections and which are list items."""

from consent_server.policies.text.contents import similar
from consent_server.policies.text.numbering import Marker, reads_as_heading
from consent_server.policies.text.plain_lines import Line
from consent_server.policies.text.words import display_width

_WRAPPED = 60
_UNNUMBERED_WIDTH = 80
_SENTENCE_ENDS = (".", "。", ";", "；", ":", "：", "!", "！", "?", "？", "”", '"', ")", "）")


def find_sections(lines: list[Line], contents: range | None) -> set[int]:
    """Return the indices of the lines that start a section.

    If no line is numbered as a heading, short lines that stand alone are taken for headings.
    """
    finder = _Finder(lines, contents or range(0))
    found = {at for at in range(len(lines)) if at not in finder.contents and finder.is_section(at)}
    if found:
        return found
    return {at for at in range(len(lines) - 1) if _stands_alone(lines, at)}


def is_title(lines: list[Line]) -> bool:
    """Return whether the first line is the text's title."""
    first = lines[0]
    return (
        len(lines) > 1
        and first.marker is None
        and not first.items
        and not first.cells
        and reads_as_heading(first.text)
        and not first.text.endswith((":", "："))
    )


def starts_fresh(lines: list[Line], at: int) -> bool:
    """Return whether a line starts something, rather than going on from a long wrapped line."""
    if at == 0 or lines[at].after_blank:
        return True
    before = lines[at - 1]
    if before.marker or before.items or before.cells:
        return True
    return display_width(before.text) < _WRAPPED or before.text.endswith(_SENTENCE_ENDS)


def _stands_alone(lines: list[Line], at: int) -> bool:
    line, after = lines[at], lines[at + 1]
    return (
        line.after_blank
        and after.after_blank
        and not line.items
        and not line.cells
        and display_width(line.text) <= _UNNUMBERED_WIDTH
        and reads_as_heading(line.text)
        and not line.text.endswith((":", "："))
    )


class _Finder:
    """Reads the lines in order and remembers the numbers that are open."""

    def __init__(self, lines: list[Line], contents: range) -> None:
        self.lines = lines
        self.contents = contents
        self.titles = {
            marker.parts[0]: marker.rest
            for at in contents
            if (marker := lines[at].marker) is not None and marker.integer
        }
        self.top = 0
        self.above = False  # whether a style other than `1.` numbers the sections above
        self.last_item: Line | None = None

    def is_section(self, at: int) -> bool:
        """Return whether line `at` heads a section; called once for each line, in order."""
        line = self.lines[at]
        if line.marker is None or not starts_fresh(self.lines, at):
            self._forget_list(line)
            return False
        section = self._decide(at, line.marker)
        self._remember(line, line.marker, section=section)
        return section

    def _decide(self, at: int, marker: Marker) -> bool:
        if marker.integer:
            return self._integer(at, marker)
        if marker.style == "dotted":
            return self.above or self.top == 0 or marker.parts[0] <= self.top + 1
        if marker.style == "chinese_sub":
            return reads_as_heading(marker.rest) and not self._next_is(at, marker)
        return True

    def _integer(self, at: int, marker: Marker) -> bool:
        number = marker.parts[0]
        after = self.lines[at + 1].marker if at + 1 < len(self.lines) else None
        if after is not None and len(after.parts) > 1 and after.parts[0] == number:
            return True
        if not reads_as_heading(marker.rest):
            return False
        if self.above:
            return not self._next_is(at, marker) and self.last_item is None
        if self.titles:
            return number in self.titles and similar(self.titles[number], marker.rest)
        if number == 1 and self.top >= 1:
            return False
        return self._alone(at, marker) and not self._goes_on(self.lines[at])

    def _alone(self, at: int, marker: Marker) -> bool:
        """Whether no sister follows on the very next line, as items of a tight list do."""
        return not self._next_is(at, marker) or self.lines[at + 1].after_blank

    def _next_is(self, at: int, marker: Marker) -> bool:
        after = self.lines[at + 1].marker if at + 1 < len(self.lines) else None
        return (
            after is not None
            and after.style == marker.style
            and len(after.parts) == len(marker.parts)
            and after.parts[0] == marker.parts[0] + 1
        )

    def _goes_on(self, line: Line) -> bool:
        """Whether `line` is the next item of the list that is open, and no new section."""
        before = self.last_item
        if before is None or before.marker is None or line.marker is None:
            return False
        if before.marker.parts[0] + 1 != line.marker.parts[0]:
            return False
        breaks = line.after_blank and not before.after_blank
        ended = before.text.endswith((".", ";", "。", "；", ",", "，"))
        return not (line.marker.parts[0] == self.top + 1 and (breaks or ended))

    def _forget_list(self, line: Line) -> None:
        if line.after_blank:
            self.last_item = None

    def _remember(self, line: Line, marker: Marker, *, section: bool) -> None:
        if not section:
            self.last_item = line if marker.integer else None
            return
        self.last_item = None
        if marker.style == "dotted":
            self.top = max(self.top, marker.parts[0])
        else:
            self.above = True
