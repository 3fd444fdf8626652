"""Single edits of one language of a bilingual Markdown text, as a slip in translation would make them.

`mutants(texts, count, seed)` gives the same mutants for the same arguments. Each changes one thing in one language.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

from consent_server.policies.parity.numerals import CHINESE_NUMBER, chinese, english

_HEADING = re.compile(r"^#{2,6} (?:(?P<number>\d+(?:\.\d+)*)\.? |.*?[:：] ?)?(?P<rest>.*)$")
_ITEM = re.compile(r"^\s*(?:[-*]|\d+\.) ")
_DIGITS = re.compile(r"(?<![\w.#/:-])\d+(?:,\d{3})*(?![\w.]*[@/])(?!\d)")
_WORDS = {"en": re.compile(r"\b(?:two|three|four|five|six|ten|twelve|fifteen)\b(?= [a-z]+s\b)")}
_CJK_WORDS = re.compile(rf"{CHINESE_NUMBER}(?=周岁|个月|天|年(?!级))")
_CJK_DIGITS = "零一二三四五六七八九十"
_DATES = {
    "en": re.compile(r"\b(?P<d>\d{1,2}) (?P<m>[A-Z][a-z]+) (?P<y>20\d\d)\b"),
    "zh-CN": re.compile(r"(?P<y>20\d\d)年(?P<m>\d{1,2})月(?P<d>\d{1,2})日"),
}
_TERM = re.compile(r"“([^”]+)”(?= means|，是指)")
_OTHER_TERMS = {
    "en": [
        "Member Details",
        "Hiker",
        "Order File",
        "Profile Sheet",
        "Walk Log",
        "Custodian",
        "Field Agent",
        "Token",
    ],
    "zh-CN": ["会员资料", "徒步者", "订单档案", "档案页", "徒步日志", "看护者", "外勤人员", "令牌"],
}


@dataclass(frozen=True)
class Mutant:
    """One edit: what kind, in which language and section, what it did, and the texts as they are then."""

    kind: str
    language: str
    section: str
    what: str
    texts: dict[str, str]


@dataclass(frozen=True)
class _Edit:
    kind: str
    section: str
    what: str
    text: str


def mutants(texts: dict[str, str], count: int, seed: int) -> list[Mutant]:
    """Return `count` mutants, the kinds and languages in turn; fewer if there are not so many places to edit."""
    chance = random.Random(seed)
    pools: dict[tuple[str, str], list[_Edit]] = {}
    for language, text in texts.items():
        for edit in _edits(text, language, chance):
            pools.setdefault((edit.kind, language), []).append(edit)
    for edits in pools.values():
        chance.shuffle(edits)
    chosen: list[Mutant] = []
    while len(chosen) < count and any(pools.values()):
        for (kind, language), edits in pools.items():
            if edits and len(chosen) < count:
                edit = edits.pop()
                chosen.append(Mutant(kind, language, edit.section, edit.what, {**texts, language: edit.text}))
    return chosen


def _edits(text: str, language: str, chance: random.Random) -> Iterator[_Edit]:
    lines = text.split("\n")
    sections = _sections(lines)
    yield from _paragraphs(lines, sections)
    yield from _items(lines, sections)
    yield from _emptied(lines, sections)
    yield from _numbers(lines, sections, language, chance)
    yield from _dates(lines, sections, language)
    yield from _terms(lines, sections, language, chance)


def _sections(lines: list[str]) -> list[str]:
    """Return for each line the name of the section that it stands in, as findings name it; "" before the first."""
    names, current = [], ""
    for line in lines:
        if match := _HEADING.match(line):
            current = match["number"] or match["rest"]
        names.append(current)
    return names


def _is_paragraph(line: str) -> bool:
    return bool(line.strip()) and not line.startswith(("#", "|")) and not _ITEM.match(line)


def _paragraphs(lines: list[str], sections: list[str]) -> Iterator[_Edit]:
    for at, line in enumerate(lines):
        if _is_paragraph(line):
            yield _Edit("paragraph dropped", sections[at], line[:60], _without(lines, {at}))


def _items(lines: list[str], sections: list[str]) -> Iterator[_Edit]:
    for at, line in enumerate(lines):
        if _ITEM.match(line):
            yield _Edit("list item removed", sections[at], line[:60], _without(lines, {at}))
        elif line.startswith("|") and lines[at - 1].startswith("|") and "---" not in line:
            yield _Edit("table row removed", sections[at], line[:60], _without(lines, {at}))


def _emptied(lines: list[str], sections: list[str]) -> Iterator[_Edit]:
    for name in dict.fromkeys(sections):
        gone = {
            at for at, section in enumerate(sections) if section == name and not lines[at].startswith("#")
        }
        if any(lines[at].strip() for at in gone):
            yield _Edit("section emptied", name, name, _without(lines, gone))


def _numbers(lines: list[str], sections: list[str], language: str, chance: random.Random) -> Iterator[_Edit]:
    for at, line in enumerate(lines):
        if line.startswith("#"):
            continue
        dates = [match.span() for match in _DATES[language].finditer(line)]
        item = _ITEM.match(line)
        for match in _figures(line, language):
            inside = any(start <= match.start() < end for start, end in dates)
            if (
                inside
                or (item and match.start() < item.end())
                or line[match.start() - 1 : match.start()] == "`"
            ):
                continue
            for other in sorted({_another(match.group(), language, chance) for _ in range(4)}):
                edited = f"{line[: match.start()]}{other}{line[match.end() :]}"
                what = f"{match.group()} → {other}: {line[:60]}"
                yield _Edit("number changed", sections[at], what, _with(lines, at, edited))


def _figures(line: str, language: str) -> Iterator[re.Match[str]]:
    yield from _DIGITS.finditer(line)
    yield from (_WORDS.get(language) or _CJK_WORDS).finditer(line)


def _another(written: str, language: str, chance: random.Random) -> str:
    if written[0].isdecimal():
        value = int(written.replace(",", ""))
        other = value + chance.choice([1, 2, 3, 5, 10])
        return f"{other:,}" if "," in written else str(other)
    if language == "en":
        value = english(written)
        return next(w for w in ("seven", "eight", "nine") if english(w) != value)
    value = chinese(written) + chance.choice([1, 2, 3])
    tens, ones = divmod(value, 10)
    if not tens:
        return _CJK_DIGITS[ones]
    return ("" if tens == 1 else _CJK_DIGITS[tens]) + "十" + (_CJK_DIGITS[ones] if ones else "")


def _dates(lines: list[str], sections: list[str], language: str) -> Iterator[_Edit]:
    months = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ]
    for at, line in enumerate(lines):
        for match in _DATES[language].finditer(line):
            for part, by in (("y", 1), ("y", -1), ("d", 1), ("d", 3), ("m", 1), ("m", 2)):
                start, end = match.span(part)
                if part == "m" and language == "en":
                    other = months[(months.index(match["m"]) + by) % 12]
                else:
                    limit = {"y": 9999, "m": 12, "d": 28}[part]
                    other = str((int(match[part]) + by - 1) % limit + 1)
                edited = f"{line[:start]}{other}{line[end:]}"
                yield _Edit(
                    "date shifted", sections[at], f"{match.group()}: {other}", _with(lines, at, edited)
                )


def _terms(lines: list[str], sections: list[str], language: str, chance: random.Random) -> Iterator[_Edit]:
    """Rename a defined term in its definition, or in every place of one section that uses it."""
    for at, line in enumerate(lines):
        if not (match := _TERM.search(line)):
            continue
        term = match.group(1)
        for other in chance.sample(_OTHER_TERMS[language], 4):
            edited = f"{line[: match.start(1)]}{other}{line[match.end(1) :]}"
            yield _Edit(
                "term renamed", sections[at], f"{term} → {other} where defined", _with(lines, at, edited)
            )
        users = {s for n, s in enumerate(sections) if n != at and s != sections[at] and _uses(lines[n], term)}
        for name in sorted(users):
            other = chance.choice(_OTHER_TERMS[language])
            edited_lines = [
                re.sub(rf"(?<!Sensitive ){re.escape(term)}(?!保护|Protection)", other, each)
                if section == name and not each.startswith("#")
                else each
                for each, section in zip(lines, sections, strict=True)
            ]
            if edited_lines != lines:
                yield _Edit("term renamed", name, f"{term} → {other} in {name}", "\n".join(edited_lines))


def _uses(line: str, term: str) -> bool:
    return term in line and not line.startswith("#")


def _without(lines: list[str], gone: set[int]) -> str:
    return "\n".join(line for at, line in enumerate(lines) if at not in gone)


def _with(lines: list[str], at: int, line: str) -> str:
    return "\n".join([*lines[:at], line, *lines[at + 1 :]])
