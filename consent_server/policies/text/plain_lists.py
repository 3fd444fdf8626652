"""Lists in plain text: gathered by how their items are numbered, nested by a change of style."""

from dataclasses import dataclass, field

from consent_server.policies.text.plain_lines import Item, ItemStyle, Line
from consent_server.policies.text.plain_text import inline, join_lines

_TYPES: dict[ItemStyle, str] = {"letter": "a", "roman": "i"}
_NUMBERED = frozenset({"integer", "paren", "parens", "letter", "roman"})


@dataclass(slots=True)
class Entry:
    """One item: `depth` 0 is the outermost list."""

    depth: int
    style: ItemStyle
    value: int
    lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The item's words on one line."""
        return join_lines(self.lines).replace("\n", " ")


class ListReader:
    """Takes lines for as long as they belong to the list that the first one starts."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._open: list[tuple[str, int]] = []

    def take(self, line: Line) -> bool:
        """Add `line` to the list, or return False if it does not belong to it."""
        if not line.items:
            return self._go_on(line)
        for item in line.items:
            if self._continues(item):
                self._add(item, line)
                return True
        fresh = next((item for item in line.items if item.value <= 1), None)
        if fresh is None and not self.entries:
            fresh = line.items[0]
        if fresh is None or any(series == fresh.series for series, _value in self._open):
            return False
        self._open.append((fresh.series, 0))
        self._add(fresh, line)
        return True

    def _continues(self, item: Item) -> bool:
        return any(s == item.series and item.value in {0, last + 1} for s, last in self._open)

    def _add(self, item: Item, line: Line) -> None:
        depth = [series for series, _value in self._open].index(item.series)
        del self._open[depth:]
        self._open.append((item.series, item.value))
        # HTML cannot count in circles or in Chinese, so those items keep their number as text.
        words = item.rest if item.style in _NUMBERED or item.style == "bullet" else line.text
        self.entries.append(Entry(depth, item.style, item.value, [words]))

    def _go_on(self, line: Line) -> bool:
        if line.after_blank or line.cells or not self.entries:
            return False
        self.entries[-1].lines.append(line.text)
        return True


def render_list(entries: list[Entry]) -> str:
    """Return the nested lists of `entries` as HTML."""
    pieces: list[str] = []
    closing: list[str] = []
    for at, entry in enumerate(entries):
        while len(closing) > entry.depth + 1:
            pieces.append(f"</li>\n{closing.pop()}\n")
        if len(closing) == entry.depth + 1:
            pieces.append("</li>\n")
        while len(closing) < entry.depth + 1:
            opening, end = _tags(entry)
            pieces.append(("\n" if at else "") + opening + "\n")
            closing.append(end)
        pieces.append(f"<li>{inline(entry.text)}")
    while closing:
        pieces.append(f"</li>\n{closing.pop()}" + ("\n" if closing else ""))
    return "".join(pieces)


def _tags(entry: Entry) -> tuple[str, str]:
    if entry.style not in _NUMBERED:
        return "<ul>", "</ul>"
    kind = f' type="{_TYPES[entry.style]}"' if entry.style in _TYPES else ""
    start = f' start="{entry.value}"' if entry.value > 1 else ""
    return f"<ol{start}{kind}>", "</ol>"
