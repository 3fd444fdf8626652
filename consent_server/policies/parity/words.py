"""The words of a language with which facts are recognised: units of time, months, currencies, labels.

English and Chinese are written out. Of other languages the months and the units of time come from the CLDR (through
Babel), so that digits with a unit and dates are read in them too; numbers in words are not, and a difference that may
come from that is only a warning (see `Lexicon.full`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.units import format_unit

# What a unit is in the smallest unit that it shares with others: a week is seven days, a year twelve months.
UNITS = {
    "second": ("second", 1),
    "minute": ("second", 60),
    "hour": ("hour", 1),
    "day": ("hour", 24),
    "working day": ("working day", 1),
    "week": ("hour", 168),
    "month": ("month", 1),
    "quarter": ("month", 3),
    "year": ("month", 12),
}

_ENGLISH_UNITS = (
    (r"(?:working|business|work|week)[\s-]?days?", "working day"),
    (r"(?:(?:calendar|natural|consecutive)[\s-])?days?", "day"),
    (r"seconds?", "second"),
    (r"minutes?", "minute"),
    (r"hours?", "hour"),
    (r"weeks?", "week"),
    (r"(?:calendar[\s-])?months?", "month"),
    (r"quarters?", "quarter"),
    (r"(?:calendar[\s-])?years?(?!\s+old|\s+of\s+age|-old)", "year"),
)
_CHINESE_UNITS = (
    (r"个?(?:工作日|工作天|交易日)", "working day"),
    (r"个?(?:自然日|日历日|日|天)(?!常)", "day"),
    (r"秒钟?", "second"),
    (r"分钟", "minute"),
    (r"个?(?:小时|钟头)", "hour"),
    (r"个?(?:星期|周)(?!岁)", "week"),
    (r"个?自?然?月(?!台)", "month"),
    (r"个?季度", "quarter"),
    (r"周?年(?!龄|级|份|报|满|末)", "year"),
)
_FORMS = (1, 2, 3, 5, 11, 21, 100)  # between them they show every plural form of a language
_MONTHS = "january february march april may june july august september october november december"


@dataclass(frozen=True, slots=True)
class Lexicon:
    """How one language writes units of time and months. `full`: numbers in words are read as well."""

    base: str
    units: tuple[tuple[re.Pattern[str], str], ...]
    months: Mapping[str, int]
    full: bool

    @property
    def cjk(self) -> bool:
        """Whether words are written without spaces, so that a unit follows its number at once."""
        return self.base == "zh"


@lru_cache(maxsize=64)
def lexicon(language: str) -> Lexicon:
    """Return the words of a language by its BCP 47 tag."""
    base = language.partition("-")[0].lower()
    if base == "zh":
        return Lexicon("zh", _compiled(_CHINESE_UNITS, ""), {}, full=True)
    if base == "en":
        names = _MONTHS.split()
        months = {name: n for n, name in enumerate(names, 1)}
        months |= {name[:3]: n for n, name in enumerate(names, 1)} | {"sept": 9}
        return Lexicon("en", _compiled(_ENGLISH_UNITS, r"\b"), months, full=True)
    return _from_cldr(base)


def _compiled(units: tuple[tuple[str, str], ...], end: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(rf"[\s-]*{pattern}{end}", re.IGNORECASE), unit) for pattern, unit in units)


def _from_cldr(base: str) -> Lexicon:
    try:
        locale = Locale.parse(base)
    except (UnknownLocaleError, ValueError):
        return Lexicon(base, (), {}, full=False)
    months = {
        str(name).lower().rstrip("."): n
        for context in ("format", "stand-alone")
        for width in ("wide", "abbreviated")
        for n, name in locale.months[context][width].items()
        if not str(name).isdecimal()
    }
    units = []
    for unit in ("day", "week", "month", "year", "hour", "minute", "second"):
        names = {
            re.sub(r"[\d\s\u0660-\u06f9]+", " ", format_unit(n, f"duration-{unit}", locale=base)).strip()
            for n in _FORMS
        }
        words = "|".join(sorted(map(re.escape, filter(None, names)), key=len, reverse=True))
        if words:
            units.append((rf"(?:{words})", unit))
    return Lexicon(base, _compiled(tuple(units), r"\w{0,2}(?!\w)"), months, full=False)
