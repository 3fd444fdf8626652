"""The numbers that head sections and list items, in English and Chinese ways of writing them."""

import re
from dataclasses import dataclass
from typing import Literal

from consent_server.policies.text.words import CJK, display_width

Style = Literal["dotted", "chinese", "chinese_sub", "part", "chapter", "division", "article", "appendix"]

_CHINESE_DIGIT = {c: n for n, c in enumerate("〇一二三四五六七八九")} | {"零": 0, "两": 2}
_NUMERAL = "〇零一二三四五六七八九十百"
_ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50}
_UNITS: dict[str, Style] = {
    "编": "part",
    "部分": "part",
    "章": "chapter",
    "节": "division",
    "条": "article",
    "part": "part",
    "chapter": "chapter",
    "section": "article",
    "article": "article",
}

# "2.5 million" and "3.5%" are amounts, not clause 2.5.
_AMOUNT = r"(?!\s*(?:%|percent|million|billion|MB|GB|万|亿|个|年|元|倍|米|公里))"
_DOTTED = re.compile(
    rf"(?P<marker>(?P<n>\d{{1,2}}(?:[.．]\d{{1,2}}){{1,4}}){_AMOUNT}(?:[.．、][\s\u3000]*|[\s\u3000]+|(?=[{CJK}“《])))(?P<rest>\S.*)"
)
_INTEGER = re.compile(r"(?P<marker>(?P<n>\d{1,2})(?:[.．][\s\u3000]*(?!\d)|、[\s\u3000]*))(?P<rest>\S.*)")
_CHINESE = re.compile(rf"(?P<marker>(?P<n>[{_NUMERAL}]{{1,5}})、[\s\u3000]*)(?P<rest>\S.*)")
_CHINESE_SUB = re.compile(rf"(?P<marker>[（(](?P<n>[{_NUMERAL}]{{1,5}})[)）]、?[\s\u3000]*)(?P<rest>\S.*)")
_ORDINAL = re.compile(
    rf"(?P<marker>第\s?(?P<n>[{_NUMERAL}]{{1,5}}|\d{{1,3}})\s?(?P<unit>编|部分|章|节|条)(?:[\s\u3000:：、.]+|$))(?P<rest>.*)"
)
_NAMED = re.compile(
    r"(?P<marker>(?P<unit>Part|Chapter|Section|Article)\s+(?P<n>\d{1,3}|[IVXL]+)(?:\s*[.:：–—-]\s*|$))(?P<rest>.*)",
    re.IGNORECASE,
)
_APPENDIX = re.compile(
    rf"(?P<marker>(?:Appendix|Annex|Schedule|附录|附件|附表)\s?(?P<n>[A-Z]|\d{{1,2}}|[{_NUMERAL}]{{1,3}})?"
    r"(?:\s*[.:：–—-]\s*|(?<=[\u3400-\u9fff])[\s\u3000]+|$))(?P<rest>.*)"
)
_SENTENCE_END = re.compile(r"[.。;；!！,，、]$")
_SENTENCE_WITHIN = re.compile(r"[.!?]\s+[A-Z]|[。！；]\S")


@dataclass(frozen=True, slots=True)
class Marker:
    """A number at the start of a line: `raw` as written, `parts` as integers, `rest` what follows."""

    style: Style
    raw: str
    parts: tuple[int, ...]
    rest: str

    @property
    def integer(self) -> bool:
        """Whether it is a single number such as `3.`, which may head a list item as well."""
        return self.style == "dotted" and len(self.parts) == 1


def chinese_integer(numeral: str) -> int:
    """Return the value of a Chinese numeral below 1000 (`二十一` → 21, `一百零三` → 103)."""
    total, digit = 0, 0
    for character in numeral:
        if character in "十百":
            total += (digit or 1) * (10 if character == "十" else 100)
            digit = 0
        else:
            digit = _CHINESE_DIGIT[character]
    return total + digit


def integer(numeral: str) -> int:
    """Return the value of an Arabic, Chinese or Roman numeral."""
    if numeral.isdecimal():
        return int(numeral)
    if numeral[0] not in "IVXLivxl":
        return chinese_integer(numeral)
    values = [_ROMAN[character] for character in numeral.upper()]
    return sum(-v if v < after else v for v, after in zip(values, [*values[1:], 0], strict=True))


def read_marker(line: str) -> Marker | None:
    """Return the section number at the start of `line`, or None."""
    if match := _DOTTED.fullmatch(line):
        parts = tuple(int(part) for part in re.split("[.．]", match["n"]))
        return Marker("dotted", match["marker"], parts, match["rest"])
    if match := _INTEGER.fullmatch(line):
        return Marker("dotted", match["marker"], (int(match["n"]),), match["rest"])
    for pattern, style in ((_CHINESE, "chinese"), (_CHINESE_SUB, "chinese_sub")):
        if match := pattern.fullmatch(line):
            return Marker(style, match["marker"], (chinese_integer(match["n"]),), match["rest"])  # type: ignore[arg-type]
    return _read_named(line)


def _read_named(line: str) -> Marker | None:
    if match := _ORDINAL.fullmatch(line) or _NAMED.fullmatch(line):
        style = _UNITS[match["unit"].lower()]
        return Marker(style, match["marker"], (integer(match["n"]),), match["rest"])
    if (match := _APPENDIX.fullmatch(line)) and reads_as_heading(match["rest"] or "-"):
        return Marker("appendix", match["marker"], (), match["rest"])
    return None


def reads_as_heading(text: str) -> bool:
    """Return whether `text` is short and no sentence, as headings are.

    A colon at the end is allowed, and a question mark: "4.1 We share data only if:" heads a list.
    """
    limit = 160 if text.endswith((":", "：")) else 120
    return (
        bool(text)
        and display_width(text) <= limit
        and not _SENTENCE_END.search(text)
        and not _SENTENCE_WITHIN.search(text)
    )


class Numbering:
    """Gives each heading its level and its number, the same in every language.

    Numbers written in full (`1.2.3`) are taken as they are. Relative ones (`（二）` below `一、`,
    `1.` below `（二）`) follow their parent's; chapters and parts are told apart by a letter (`c2`).
    """

    def __init__(self) -> None:
        self._open: list[tuple[str, str]] = []

    def place(self, marker: Marker) -> tuple[str, int]:
        """Return (number, level) of the heading that `marker` starts, and remember it as open."""
        if marker.style == "appendix":
            self._open = [("appendix", "a")]
            return "", 1
        if marker.style == "dotted" and len(marker.parts) > 1:
            return self._place_full(marker)
        style = f"{marker.style}1"
        styles = [name for name, _number in self._open]
        if style in styles:
            del self._open[styles.index(style) :]
        number = self._relative(marker)
        self._open.append((style, number))
        return number, len(self._open)

    def _relative(self, marker: Marker) -> str:
        own = str(marker.parts[0])
        if marker.style in {"part", "chapter"}:
            return marker.style[0] + own
        if marker.style == "article" or not self._open:
            return own
        return f"{self._open[-1][1]}.{own}"

    def _place_full(self, marker: Marker) -> tuple[str, int]:
        number = ".".join(str(part) for part in marker.parts)
        depth = len(marker.parts)
        self._open = [(name, n) for name, n in self._open if _depth(name) < depth]
        above = sum(1 for name, _n in self._open if not name.startswith("dotted"))
        self._open.append((f"dotted{depth}", number))
        return number, above + depth


def _depth(style: str) -> int:
    return int(style.removeprefix("dotted")) if style.startswith("dotted") else 0
