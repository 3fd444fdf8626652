"""Numbers as words: English (`fifteen`, `one hundred and twenty`) and Chinese (`十五`, `一百二十`, `贰万`)."""

import re
from decimal import Decimal
from functools import lru_cache

_ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
ENGLISH = {word: n for n, word in enumerate(_ONES.split())} | {
    word: 10 * n for n, word in enumerate(_TENS.split(), 2)
}
SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9}
_ENGLISH_WORD = "|".join(sorted([*ENGLISH, *SCALES], key=len, reverse=True))
ENGLISH_NUMBER = rf"(?:{_ENGLISH_WORD})(?:(?:[\s-]+(?:and\s+)?)(?:{_ENGLISH_WORD}))*"

_DIGITS = {c: n for n, c in enumerate("〇一二三四五六七八九")} | {
    c: n for n, c in enumerate("零壹贰叁肆伍陆柒捌玖")
}
CHINESE_DIGITS = {**_DIGITS, "两": 2}
_SMALL = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
CHINESE_SCALES = {"万": 10**4, "亿": 10**8}
CHINESE_NUMBER = "[〇零一二两三四五六七八九十百千万亿壹贰叁肆伍陆柒捌玖拾佰仟]+"


@lru_cache(maxsize=2048)
def english(words: str) -> int:
    """Return the value of an English number in words, such as `one hundred and twenty-five`."""
    total, group = 0, 0
    for word in re.findall("[a-z]+", words.lower()):
        if word in ENGLISH:
            group += ENGLISH[word]
        elif word == "hundred":
            group = (group or 1) * 100
        elif word in SCALES:
            total, group = total + (group or 1) * SCALES[word], 0
    return total + group


@lru_cache(maxsize=2048)
def chinese(numeral: str) -> int:
    """Return the value of a Chinese numeral; one without units is read digit by digit (`二〇二五`)."""
    if all(c in CHINESE_DIGITS for c in numeral):
        return int("".join(str(CHINESE_DIGITS[c]) for c in numeral))
    total, group, digit = 0, 0, 0
    for c in numeral:
        if c in CHINESE_DIGITS:
            digit = CHINESE_DIGITS[c]
        elif c in _SMALL:
            group, digit = group + (digit or 1) * _SMALL[c], 0
        else:
            total, group, digit = (total + group + digit or 1) * CHINESE_SCALES[c], 0, 0
    return total + group + digit


def plain(value: Decimal | float | str) -> str:
    """Return a number without a thousands separator, exponent or idle zeros: `1,500.0` → `1500`."""
    number = Decimal(str(value).replace(",", ""))
    return f"{number.normalize():f}" if number else "0"
