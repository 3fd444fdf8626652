"""Dates as each language writes them, as ISO 8601 with as much precision as there is."""

import re
from collections.abc import Iterator
from functools import lru_cache

from consent_server.policies.parity.numerals import CHINESE_NUMBER, chinese
from consent_server.policies.parity.words import Lexicon

_ISO = re.compile(
    r"(?<!\d)(?P<y>(?:19|20)\d\d)[-/.](?P<m>0?[1-9]|1[0-2])[-/.](?P<d>0?[1-9]|[12]\d|3[01])(?!\d)"
)
_CJK_YEAR = r"(?P<y>(?:19|20)\d\d|[一二][〇零九一][〇零一二三四五六七八九]{2})\s?年"
_CJK_PART = rf"(?:\d{{1,2}}|{CHINESE_NUMBER})"
_CJK = re.compile(rf"{_CJK_YEAR}(?:\s?(?P<m>{_CJK_PART})\s?月(?!份?内)(?:\s?(?P<d>{_CJK_PART})\s?[日号])?)?")
_CJK_DAY = re.compile(rf"(?<![\d个])(?P<m>{_CJK_PART})\s?月\s?(?P<d>{_CJK_PART})\s?[日号]")


def dates(text: str, words: Lexicon) -> Iterator[tuple[int, int, str]]:
    """Yield (start, end, value) of each date: `2025-03-01`, `2025-03`, `2025`, `--03-01` without a year."""
    for pattern in (_ISO, *((_CJK, _CJK_DAY) if words.cjk else _with_names(words))):
        taken = []
        for match in pattern.finditer(text):
            value = _value(match.groupdict(), words)
            if value:
                taken.append(match.span())
                yield (*match.span(), value)
        text = hidden(text, taken)


def hidden(text: str, spans: list[tuple[int, int]]) -> str:
    """Return `text` with pieces of it filled up, so that no later pattern reads them and places stay the same."""
    pieces, at = [], 0
    for start, end in sorted(spans):
        pieces += [text[at:start], "\uffff" * (end - max(start, at))]
        at = max(at, end)
    return "".join([*pieces, text[at:]])


@lru_cache(maxsize=64)
def _patterns(names: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    month = rf"(?P<m>{'|'.join(map(re.escape, sorted(names, key=len, reverse=True)))})\.?"
    day, year = r"(?P<d>[12]\d|3[01]|0?[1-9])(?:st|nd|rd|th|\.)?", r"(?P<y>(?:19|20)\d\d)"
    forms = (
        rf"\b{day}\s+(?:of\s+|de\s+)?{month},?\s+(?:de\s+)?{year}(?!\d)",
        rf"\b{month}\s+{day},?\s+{year}(?!\d)",
        rf"\b{month},?\s+(?:de\s+)?{year}(?!\d)",
        rf"\b{day}\s+(?:of\s+)?{month}(?!\w)",
        rf"\b{month}\s+{day}(?!\w)",
    )
    return tuple(re.compile(form, re.IGNORECASE) for form in forms)


def _with_names(words: Lexicon) -> tuple[re.Pattern[str], ...]:
    return _patterns(tuple(words.months)) if words.months else ()


def _value(groups: dict[str, str | None], words: Lexicon) -> str:
    year, month, day = groups.get("y"), groups.get("m"), groups.get("d")
    if month == "may":
        return ""  # "from the age of 14 may take part": the month is written with a capital
    m = words.months.get(month.lower().rstrip(".")) if month and not words.cjk else None
    if month and m is None:
        m = _integer(month)
    d = _integer(day) if day else None
    if (m is not None and not 1 <= m <= 12) or (d is not None and not 1 <= d <= 31):
        return ""
    pieces = [str(_integer(year)) if year else "-", *(f"{part:02}" for part in (m, d) if part is not None)]
    return "-".join(pieces)


def _integer(written: str) -> int:
    return int(written) if written.isdecimal() else chinese(written) if _is_chinese(written) else 0


def _is_chinese(written: str) -> bool:
    return re.fullmatch(CHINESE_NUMBER, written) is not None
