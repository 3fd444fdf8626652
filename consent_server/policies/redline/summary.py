"""Draft what visitors are told of a new version: at most three sentences a language, each linked to its change."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from consent_server.policies.changes import ChangeClass, ChangeType
from consent_server.policies.parity.words import lexicon
from consent_server.policies.redline.proposals import Suggestion
from consent_server.policies.redline.sections import SectionRedline

AT_MOST = 3
_LONGEST = 110
_ENDS = " .。;；,，"
_STOP = re.compile(r"[.!?]\s|[。！？；;]")
_T = ChangeType

# What a change of each type means to a visitor. Languages that are not listed get the English words, to be translated.
_WORDS: dict[ChangeType, dict[str, str]] = {
    _T.PURPOSE_ADDED: {"en": "We use data for something new", "zh": "新增处理目的"},
    _T.PURPOSE_CHANGED: {"en": "What we use data for has changed", "zh": "处理目的或者方式有变"},
    _T.PURPOSE_REMOVED: {"en": "We no longer use data for this", "zh": "不再用于此目的"},
    _T.PURPOSE_RENAMED: {"en": "A purpose has another name", "zh": "处理目的更名"},
    _T.DATA_TYPE: {"en": "The data we collect has changed", "zh": "收集的信息有变"},
    _T.SENSITIVE_DATA: {"en": "How we treat sensitive data has changed", "zh": "敏感个人信息的处理有变"},
    _T.RECIPIENTS: {"en": "Who receives data has changed", "zh": "信息接收方有变"},
    _T.CROSS_BORDER: {"en": "Where data goes has changed", "zh": "信息的跨境提供有变"},
    _T.LEGAL_BASIS: {"en": "The legal basis has changed", "zh": "处理的法律依据有变"},
    _T.SERVICE_ADDED: {"en": "A further service takes part", "zh": "新增服务"},
    _T.SERVICE_REMOVED: {"en": "A service no longer takes part", "zh": "减少服务"},
    _T.COOKIE_ADDED: {"en": "A cookie is new or has changed", "zh": "Cookie 有新增或者变化"},
    _T.COOKIE_REMOVED: {"en": "A cookie is gone", "zh": "减少 Cookie"},
    _T.OWNERSHIP: {"en": "Who answers for the data has changed", "zh": "信息处理者有变"},
    _T.RIGHTS: {"en": "Your rights, or how you use them, have changed", "zh": "您的权利或者行使方式有变"},
    _T.CONTACT: {"en": "How to reach us has changed", "zh": "联系方式有变"},
    _T.IMPACT_ASSESSMENT: {"en": "An assessment found a high risk", "zh": "影响评估表明存在高风险"},
    _T.RETENTION: {"en": "How long we keep data has changed", "zh": "保存期限有变"},
    _T.WORDING: {"en": "We say some things in other words", "zh": "部分表述有调整"},
    _T.TRANSLATION: {"en": "We corrected a translation", "zh": "更正译文"},
    _T.TYPO: {"en": "We corrected slips of the pen", "zh": "更正笔误"},
    _T.LINK: {"en": "A link leads to another address", "zh": "链接地址有变"},
    _T.UNCLASSIFIED: {"en": "The text has changed", "zh": "文本有变"},
}
_REST = {"en": "Further changes", "zh": "其他变更"}


@dataclass(frozen=True, slots=True)
class Bullet:
    """One sentence of a summary, with the changes that it tells of."""

    text: str
    changes: tuple[Suggestion, ...]

    @property
    def anchors(self) -> tuple[str, ...]:
        """The sections of the changes, each once."""
        return tuple(dict.fromkeys(change.anchor for change in self.changes))

    def to_json(self) -> dict[str, Any]:
        """Return the bullet as JSON-ready data."""
        return {"text": self.text, "anchors": list(self.anchors)}


def draft_summary(
    confirmed: Sequence[Suggestion], redlines: Mapping[str, SectionRedline], language: str
) -> tuple[Bullet, ...]:
    """Return at most three bullets in one language, the weightiest changes first.

    Changes of one type are told together. Where there are more than three types, the last bullet names the sections of the
    rest. Patches are told only if there is nothing else.

    Args:
        confirmed: the changes as a person confirmed or corrected them.
        redlines: what differs in this language, by the anchor of the suggestion.
        language: the language of the summary.
    """
    told = [c for c in confirmed if c.change_class is not ChangeClass.PATCH] or list(confirmed)
    groups: dict[ChangeType, list[Suggestion]] = {}
    for change in sorted(told, key=lambda change: -change.change_class.rank):
        groups.setdefault(change.type or _T.UNCLASSIFIED, []).append(change)
    kinds = list(groups)
    whole = kinds if len(kinds) <= AT_MOST else kinds[: AT_MOST - 1]
    bullets = [_bullet(kind, groups[kind], redlines, language) for kind in whole]
    if rest := [change for kind in kinds[len(whole) :] for change in groups[kind]]:
        base = _base(language)
        bullets.append(_sentence(_REST[base], "", sorted(rest, key=list(confirmed).index), base))
    return tuple(bullets)


def _bullet(
    kind: ChangeType, changes: Sequence[Suggestion], redlines: Mapping[str, SectionRedline], language: str
) -> Bullet:
    base = _base(language)
    redline = redlines.get(changes[0].anchor)
    detail = (
        _detail(redline, changes[0].words.get(language, ()), base) if redline and len(changes) == 1 else ""
    )
    return _sentence(_WORDS[kind][base], detail, changes, base)


def _sentence(words: str, detail: str, changes: Sequence[Suggestion], base: str) -> Bullet:
    numbers = list(dict.fromkeys(change.number for change in changes if change.number))
    if base == "zh":
        where = f"（第 {'、'.join(numbers)} 条）" if numbers else ""
        return Bullet(f"{words}{'：' if detail else ''}{detail}{where}。", tuple(changes))
    section = "section" if len(numbers) == 1 else "sections"
    where = f" ({section} {', '.join(numbers)})" if numbers else ""
    return Bullet(f"{words}{': ' if detail else ''}{detail}{where}.", tuple(changes))


def _detail(redline: SectionRedline, words: Sequence[str], base: str) -> str:
    """Return what changed: old and new words where one place changed and both are short, else the sentence."""
    changes = [
        c for c in redline.changes if any(w in c.added or w in c.removed for w in words)
    ] or redline.changes
    if not changes:
        return ""
    change = changes[0]
    fragments = [(piece.kind, piece.text.strip(_ENDS)) for piece in change.pieces]
    removed, added = ([text for k, text in fragments if k == kind and text] for kind in ("removed", "added"))
    if len(removed) == len(added) == 1 and len(removed[0]) + len(added[0]) <= _LONGEST:
        return f"“{removed[0]}”改为“{added[0]}”" if base == "zh" else f"“{removed[0]}” is now “{added[0]}”"
    if change.after is not None and added:
        return f"“{_cut(_sentence_with(change.after.text, added[0]))}”"
    if not removed:
        return ""
    whole = change.before.text if change.before is not None and change.kind == "removed" else removed[0]
    gone = _cut(_sentence_with(whole, removed[0]))
    return f"删去“{gone}”" if base == "zh" else f"no longer “{gone}”"


def _sentence_with(text: str, words: str) -> str:
    """Return the sentence of `text` in which the words begin."""
    at = max(0, text.find(words))
    start = max((m.end() for m in _STOP.finditer(text, 0, at + 1) if m.end() <= at), default=0)
    end = _STOP.search(text, at + 1)
    return text[start : end.start() if end else len(text)].strip(_ENDS)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1].rstrip() + "…"


def _base(language: str) -> str:
    return "zh" if lexicon(language).base == "zh" else "en"
