"""Rights and duties: which right a piece of text speaks of, and whether it permits, obliges or forbids."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from consent_server.policies.parity.align import PairOfSections
from consent_server.policies.parity.findings import Finding
from consent_server.policies.parity.places import Both, Side, name_of, paired_units
from consent_server.policies.parity.units import Unit
from consent_server.policies.parity.words import lexicon

Units = tuple[Unit | None, Unit | None]

_RIGHTS = {
    "en": {
        "access": r"(?<!authorized )(?<!authorised )access(?! control| to (?:the |our )?(?:website|app|service))|inspect|consult",
        "copy": r"cop(?:y|ies|ied|ying)",
        "correction": r"correct(?:s|ed|ing|ions?)?|rectif\w+|amend\w*",
        "completion": r"supplement(?:s|ed|ing|ation)?|complet(?:e|ed|ing|ion)",
        "deletion": r"delet\w+|eras\w+",
        "restriction": r"restrict(?:s|ed|ing|ions?)?",
        "objection": r"object(?:s|ed|ing|ions?)?|refus\w+|reject\w*|declin\w+|opt(?:ing)?[\s-]out|say(?:ing)? no",
        "withdrawal": r"withdr\w+|revok\w+|take back",
        "transfer": r"transfer(?:s|red|ring)?|portab\w+|hand(?:ed)? over",
        "closing the account": r"clos(?:e|ed|ing) (?:\w+ )?accounts?|deregist\w+|deactivat\w+",
        "complaint": r"complain\w*",
        "explanation": r"expla\w+",
    },
    "zh": {
        "access": "查阅|查询|查看|访问权|知悉|访问您的个人",
        "copy": "复制|副本",
        "correction": "更正|修正|改正",
        "completion": "补充|完善|补全",
        "deletion": "删除|清除|擦除|销毁",
        "restriction": "限制",
        "objection": "拒绝|反对|退出",
        "withdrawal": "撤回|撤销",
        "transfer": "转移|转让|移转|携带",
        "closing the account": "注销|关闭账",
        "complaint": "投诉|申诉|举报",
        "explanation": "解释|说明",
    },
}
_MISPLACED = {
    "en": r"(?:request|application|claim)s?\s+(?:for|to|of)\s+(?:the\s+|have\s+)?(?P<right>\w+)",
    "zh": r"(?P<right>[\u4e00-\u9fff]{2})的?(?:请求|申请|要求)",
}
_DUTIES = {
    "en": {
        "forbids": r"(?:must|may|shall|can) not\b|cannot\b|(?:not|never) (?:permitted|allowed|be able)|unable to|(?:prohibited|forbidden)|(?:nobody|no one|none|neither|no \w+)\b[^.;]{0,40}\b(?:may|can|shall)\b",
        "obliges": r"(?:must|shall)\b(?! not)|(?:is|are) (?:required|obliged) to|ha(?:s|ve) to\b|(?:may|can)\b[^.;]{0,50}\bonly\b|\bonly (?:if|with|when)\b",
        "permits": r"may\b(?! not)|(?:is|are) (?:entitled|free|allowed|permitted) to|ha(?:s|ve) the right to|can\b(?! not)",
    },
    "zh": {
        "forbids": "不得|禁止|严禁|不允许|不准|不可以|不能|无法|无权",
        "obliges": "必须|应当|应予|务必|有义务|需要|须(?!知)|(?<!不)要求",
        "permits": "可以|方可|方能|(?<!不)可能|有权|(?<!不)允许|(?<![不认许])可(?=[在向通随自从就按以])",
    },
}


@lru_cache(maxsize=8)
def _patterns(base: str, duties: bool) -> tuple[tuple[str, re.Pattern[str]], ...]:
    words = (_DUTIES if duties else _RIGHTS).get(base, {})
    edge = r"\b" if base == "en" else ""
    return tuple(
        (name, re.compile(f"{edge}(?:{pattern}){'' if duties else edge}", re.IGNORECASE))
        for name, pattern in words.items()
    )


@lru_cache(maxsize=8192)
def _named(text: str, base: str, duties: bool) -> frozenset[str]:
    found = {name for name, pattern in _patterns(base, duties) if pattern.search(text)}
    return frozenset(found)


def right_findings(pairs: Sequence[PairOfSections], both: Both) -> Iterator[Finding]:
    """Yield pieces that speak of another right, or permit what the other language demands or forbids."""
    bases = tuple(lexicon(both.language(side)).base for side in (0, 1))
    if any(base not in _RIGHTS for base in bases):
        return
    for pair in pairs:
        for units in paired_units(pair, both):
            if None not in units:
                yield from _differ(pair, units, both, bases)
            yield from _misplaced(pair, units, both, bases)


def _differ(pair: PairOfSections, units: Units, both: Both, bases: tuple[str, ...]) -> Iterator[Finding]:
    for duties, rule in ((False, "right-differs"), (True, "duty-differs")):
        one, other = (
            _named(unit.text, base, duties) for unit, base in zip(units, bases, strict=True) if unit
        )
        only_first, only_second = sorted(one - other), sorted(other - one)
        if duties and (one & other):
            continue
        if only_first and only_second:
            message = (
                f"{name_of(pair.section)}: {both.language(0)} speaks of {', '.join(only_first)}, "
                f"{both.language(1)} of {', '.join(only_second)}"
            )
            if duties:
                message = (
                    f"{name_of(pair.section)}: {both.language(0)} {' and '.join(only_first)} what "
                    f"{both.language(1)} {' and '.join(only_second)}"
                )
            subject = f"{', '.join(only_first)} / {', '.join(only_second)}"
            yield both.finding(rule, pair, 1, message, units=units, subject=subject)


def _misplaced(pair: PairOfSections, units: Units, both: Both, bases: tuple[str, ...]) -> Iterator[Finding]:
    sides: tuple[Side, Side] = (0, 1)
    for side in sides:
        unit, section = units[side], pair.second if side else pair.first
        if unit is None or section is None or unit.text == section.heading:
            continue
        headed = _named(section.heading, bases[side], False)
        for match in re.finditer(_MISPLACED[bases[side]], unit.text, re.IGNORECASE):
            asked = _named(match["right"], bases[side], False)
            if headed and asked and not headed & asked:
                message = (
                    f"{name_of(pair.section)}: under “{section.heading}”, {both.language(side)} speaks of "
                    f"“{match.group()}”"
                )
                yield both.finding("right-misplaced", pair, side, message, units=units, subject=match.group())
