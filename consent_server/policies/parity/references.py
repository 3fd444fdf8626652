"""References to numbered places: `Section 10`, `Articles 13 and 14`, `第十条`, `第 3、5 条`."""

import re
from collections.abc import Iterator

from consent_server.policies.parity.numerals import CHINESE_NUMBER, chinese

_NUMBER = r"\d+(?:\.\d+)*"
_CJK_NUMBER = rf"(?:{_NUMBER}|{CHINESE_NUMBER})"
_JOIN = r"(?:\s*(?:,|and|or|to|–|-|&)\s*)+"
_ENGLISH = re.compile(
    r"\b(?:sections?|clauses?|articles?|paragraphs?|chapters?|parts?|items?|points?|appendix|annex|§+)\s+"
    rf"(?P<n>{_NUMBER}(?:{_JOIN}{_NUMBER})*)",
    re.IGNORECASE,
)
_CHINESE = re.compile(
    rf"第\s?(?P<n>{_CJK_NUMBER}(?:\s?[、,和至及或]\s?第?\s?{_CJK_NUMBER})*)\s?(?:条|章|节|部分|编)"
)
_OTHER = re.compile(
    rf"(?:§+|\b(?:art(?:\.|icle|ikel|ículo|igo)?|section|abschnitt|sección))\s*(?P<n>{_NUMBER})", re.I
)
_BY_LANGUAGE = {"en": _ENGLISH, "zh": _CHINESE}


def references(text: str, base: str) -> Iterator[tuple[int, int, str]]:
    """Yield (start, end, number) for every place that is referred to by its number."""
    for match in _BY_LANGUAGE.get(base, _OTHER).finditer(text):
        for number in re.finditer(_CJK_NUMBER if base == "zh" else _NUMBER, match["n"]):
            written = number.group()
            value = written if written[0].isdecimal() else str(chinese(written))
            start = match.start("n") + number.start()
            yield start, start + len(written), value
