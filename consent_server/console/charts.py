"""Bar charts as numbers for a template: stacked bars, readable without colour, each with its table. Pure."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from consent_server import spreadsheets

WIDTH, HEIGHT = 640, 200  # of the bars, in the drawing's own units
LEFT, BELOW, ABOVE = 56, 26, 8
PATTERNS = ("full", "hatched", "dotted", "empty")  # by which the parts of a bar differ, in their order
LABELS = 7  # along the axis; more would run into each other


@dataclass(frozen=True)
class Series:
    """One part of every bar: what it means, and how long it is in each."""

    key: str
    label: str
    values: Sequence[int]


@dataclass(frozen=True)
class Part:
    """A rectangle of the drawing."""

    pattern: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Tick:
    """A line across with its number, or a label along the axis."""

    at: float
    label: str


@dataclass(frozen=True)
class Chart:
    """Stacked bars. `head` says what the bars stand for, `bars` names each, `axis` as shortly as the drawing needs."""

    key: str
    title: str
    head: str
    bars: Sequence[str]
    axis: Sequence[str]
    series: Sequence[Series]

    @property
    def totals(self) -> list[int]:
        """The length of each bar."""
        return [sum(each.values[place] for each in self.series) for place in range(len(self.bars))]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(self.totals)

    @property
    def rows(self) -> list[tuple[str, list[int]]]:
        """The table: a row for each bar."""
        return [(bar, [each.values[place] for each in self.series]) for place, bar in enumerate(self.bars)]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the drawing."""
        return LEFT + WIDTH, ABOVE + HEIGHT + BELOW

    @property
    def legend(self) -> list[tuple[str, str]]:
        """What each pattern means."""
        return [(pattern, each.label) for pattern, each in zip(PATTERNS, self.series, strict=False)]

    @property
    def top(self) -> int:
        """The number at the upper end of the axis: round, and not below the longest bar."""
        longest = max([*self.totals, 1])
        step = 1
        while step * 10 < longest:
            step *= 10
        return next(n * step for n in (1, 2, 5, 10) if n * step >= longest)

    @property
    def lines(self) -> list[Tick]:
        """Lines across the drawing, with their numbers."""
        top = self.top
        parts = [0, top // 2, top] if top > 1 else [0, top]
        return [Tick(ABOVE + HEIGHT * (1 - part / top), f"{part:,}") for part in parts]

    @property
    def labels(self) -> list[Tick]:
        """Names along the axis: all where there is room, else some."""
        step = max(1, -(-len(self.bars) // LABELS))
        wide = WIDTH / max(len(self.bars), 1)
        return [
            Tick(LEFT + wide * (place + 0.5), name)
            for place, name in enumerate(self.axis)
            if place % step == 0
        ]

    @property
    def parts(self) -> list[Part]:
        """The rectangles, bar by bar from the axis up."""
        found = []
        wide, top = WIDTH / max(len(self.bars), 1), self.top
        for place in range(len(self.bars)):
            y = float(ABOVE + HEIGHT)
            for pattern, each in zip(PATTERNS, self.series, strict=False):
                high = HEIGHT * each.values[place] / top
                y -= high
                if high:
                    thick = min(wide * 0.72, 72)
                    x = LEFT + wide * (place + 0.5) - thick / 2
                    found.append(Part(pattern, round(x, 1), round(y, 1), round(thick, 1), round(high, 1)))
        return found

    def csv(self) -> bytes:
        """Return the table as comma-separated values for spreadsheets."""
        text = io.StringIO(newline="")
        head = [self.head, *(each.label for each in self.series)]
        spreadsheets.write(text, [head, *([bar, *values] for bar, values in self.rows)])
        return text.getvalue().encode(spreadsheets.ENCODING)


def chart(
    key: str,
    title: str,
    head: str,
    bars: Mapping[Any, str],
    parts: Mapping[str, tuple[str, Sequence[str]]],
    counts: Mapping[tuple[Any, str], int],
    *,
    axis: Mapping[Any, str] | None = None,
) -> Chart:
    """Return a chart of counts.

    Args:
        key: its name in addresses.
        title: what it shows.
        head: what a bar stands for.
        bars: the bars' names by what `counts` calls them, in order.
        parts: by name the label of a part of every bar, and which codes of `counts` it adds up.
        counts: by bar and code.
        axis: shorter names of the bars, where theirs are too long to stand in a row.
    """
    series = [
        Series(name, label, [sum(counts.get((bar, code), 0) for code in codes) for bar in bars])
        for name, (label, codes) in parts.items()
    ]
    return Chart(key, title, head, list(bars.values()), list((axis or bars).values()), series)
