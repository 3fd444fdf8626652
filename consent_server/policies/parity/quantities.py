"""Numbers with what they count: durations, ages, amounts of money, shares, and mere numbers."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Literal

from consent_server.policies.parity.numerals import (
    CHINESE_NUMBER,
    CHINESE_SCALES,
    ENGLISH_NUMBER,
    SCALES,
    chinese,
    english,
    plain,
)
from consent_server.policies.parity.words import UNITS, Lexicon

_DIGITS = r"(?<![\d.])\d{1,3}(?:,\d{3})+(?:\.\d+)?|(?<![\d.])(?<!\d,)\d+(?:\.\d+)?"
_CURRENCIES = {
    "CNY": r"RMB|CNY|CN¥|[¥￥]|人民币|yuan|元",
    "USD": r"US\$|USD|美元|(?:US\s)?dollars?|(?<![A-Z])\$",
    "EUR": r"EUR|€|欧元|euros?",
    "GBP": r"GBP|£|英镑|pounds?(?:\ssterling)?",
    "HKD": r"HK\$|HKD|港元|港币",
    "JPY": r"JPY|日元|yen",
}
_MONEY_BEFORE = re.compile(
    rf"(?:{'|'.join(f'(?P<{c}>{p})' for c, p in _CURRENCIES.items())})\s*$", re.IGNORECASE
)
_MONEY_AFTER = re.compile(
    rf"\s*(?:{'|'.join(f'(?P<{c}>{p})' for c, p in _CURRENCIES.items())})(?![a-z])", re.I
)
_PERCENT = re.compile(r"\s*(?:%|per\s?cent|percentage points?|个?百分点)", re.IGNORECASE)
_AGE_AFTER = re.compile(r"\s*(?:周岁|岁|years?\s+old|years?\s+of\s+age|-?years?-old)", re.IGNORECASE)
_AGE_BEFORE = re.compile(r"(?:\bage[sd]?(?:\s+of)?|\baged)\s*$", re.IGNORECASE)
_LIMIT_BEFORE = re.compile(
    r"\b(?:under|below|over|above|younger than|older than|at least|than|reach(?:ed)?)\s*$", re.I
)
_ABOUT_AGE = re.compile(r"child|minor|guardian|adult|\bage\b|under-age", re.IGNORECASE)
_COUNTER = re.compile(
    r"\s?(?:大|小)?(?:个|项|种|类|条|次|名|位|家|份|款|张|台|倍|号|人|方面|部分|步|页|例|级|处|件|套|组|批|期|层|门|字)"
)
_ARTICLES = {"a", "an"}
_HALF = re.compile(r"半\s?(?P<zh>年)|half\s+a\s+(?P<en>year)|six-?month", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with what it counts; see `facts.Fact`."""

    kind: Literal["duration", "age", "money", "percent", "date", "number"]
    value: str
    text: str
    weak: bool = False


@dataclass(frozen=True, slots=True)
class _Number:
    value: Decimal
    start: int
    end: int
    worded: bool


def quantities(text: str, words: Lexicon) -> Iterator[Quantity]:
    """Yield the quantities of `text`, in reading order."""
    for half in _HALF.finditer(text):
        if half["zh"] or half["en"]:
            yield Quantity("duration", "6 month", half.group(), weak=True)
    for number in _numbers(text, words):
        found = _quantity(text, number, words)
        if found.kind != "number" or found.text.lower() not in _ARTICLES:
            yield found


@lru_cache(maxsize=8)
def _pattern(base: str) -> re.Pattern[str]:
    if base == "zh":
        return re.compile(
            rf"(?P<share>百分之)?(?:(?P<digits>{_DIGITS})\s?(?P<scale>[百千]?[万亿])?|(?P<words>{CHINESE_NUMBER}))"
        )
    if base == "en":
        scale = "|".join(SCALES)
        return re.compile(
            rf"(?:(?P<digits>{_DIGITS})(?:\s?(?P<scale>{scale})\b)?|\b(?P<words>{ENGLISH_NUMBER}|an?(?=\s))\b)",
            re.IGNORECASE,
        )
    return re.compile(rf"(?P<digits>{_DIGITS})")


def _numbers(text: str, words: Lexicon) -> Iterator[_Number]:
    read = chinese if words.cjk else english
    for match in _pattern(words.base).finditer(text):
        groups = match.groupdict()
        written = groups.get("words")
        if written:
            value = Decimal(1 if written.lower() in _ARTICLES else read(written))
        else:
            value = Decimal(match["digits"].replace(",", "")) * _scale(groups.get("scale"))
        yield _Number(value, match.start(), match.end(), worded=bool(written))


def _scale(word: str | None) -> int:
    if not word:
        return 1
    if word.lower() in SCALES:
        return SCALES[word.lower()]
    size = CHINESE_SCALES[word[-1]]
    return size * {"百": 100, "千": 1000}.get(word[0], 1)


def _quantity(text: str, number: _Number, words: Lexicon) -> Quantity:
    before, after = text[max(0, number.start - 24) : number.start], text[number.end : number.end + 40]
    written = text[number.start : number.end]
    if written.startswith("百分之") or (share := _PERCENT.match(after)):
        end = 0 if written.startswith("百分之") else share.end()  # type: ignore[union-attr]
        return Quantity("percent", plain(number.value), written + after[:end])
    if (age := _AGE_AFTER.match(after)) or _is_age(text, before, after, number, words):
        return Quantity("age", plain(number.value), written + (age.group() if age else ""))
    for pattern, unit in words.units:
        if match := pattern.match(after):
            return _duration(number, unit, written + match.group(), before)
    if money := _money(number, before, after, written):
        return money
    return _mere(number, before, after, written, words)


def _is_age(text: str, before: str, after: str, number: _Number, words: Lexicon) -> bool:
    if words.base != "en" or any(pattern.match(after) for pattern, _unit in words.units):
        return False
    if _AGE_BEFORE.search(before):
        return True
    return bool(_LIMIT_BEFORE.search(before) and number.value < 30 and _ABOUT_AGE.search(text))


def _duration(number: _Number, unit: str, written: str, before: str) -> Quantity:
    if unit == "year" and 1900 <= number.value <= 2100 and not number.worded:
        return Quantity("date", plain(number.value), written)
    base, factor = UNITS[unit]
    ordinal = before.rstrip().endswith("第")
    # "a year", "one day", 一年 are as often a way of speaking as a period.
    return Quantity(
        "duration", f"{plain(number.value * factor)} {base}", written, number.value == 1 or ordinal
    )


def _money(number: _Number, before: str, after: str, written: str) -> Quantity | None:
    for found, shown in (
        (_MONEY_BEFORE.search(before), "{0}{1}"),
        (_MONEY_AFTER.match(after), "{1}{0}"),
    ):
        if found and not (number.worded and number.value == 1):
            text = shown.format(found.group(), written)
            return Quantity("money", f"{plain(number.value)} {found.lastgroup}", text)
    return None


def _mere(number: _Number, before: str, after: str, written: str, words: Lexicon) -> Quantity:
    if not number.worded:
        if 1900 <= number.value <= 2100 and len(written) == 4:
            return Quantity("date", plain(number.value), written)
        return Quantity("number", plain(number.value), written)
    # A small number in words is often no number at all: 一旦, 三方, "one of them".
    counts = not words.cjk or (_COUNTER.match(after) is not None and not before.rstrip().endswith("第"))
    return Quantity("number", plain(number.value), written, weak=number.value < 3 or not counts)
