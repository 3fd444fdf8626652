"""Propose what kind of change each difference is, and show the words that led to it. A person confirms or corrects.

The rules are tried from the surest to the vaguest. What makes a change major weighs more than what does not: where the words
speak for several types, each is proposed, and a difference that no rule understands is left to the person, never called minor.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from consent_server.policies.changes import PROPOSED, ChangeClass, ChangeType
from consent_server.policies.parity.facts import Fact
from consent_server.policies.parity.since import said
from consent_server.policies.parity.units import Unit
from consent_server.policies.parity.words import lexicon
from consent_server.policies.redline.cues import CUES, cue, speaks_for
from consent_server.policies.redline.sections import SectionRedline, TextChange

Names = Mapping[str, Mapping[str, str]]  # purpose key → language → what visitors call it
Evidence = dict[ChangeType, list[str]]
Found = dict[ChangeType | None, list[tuple[str, TextChange]]]  # words, and the change in which they stand

_T = ChangeType
_BY_FACT: dict[str, ChangeType] = {
    "email": _T.CONTACT,
    "phone": _T.CONTACT,
    "postcode": _T.CONTACT,
    "age": _T.SENSITIVE_DATA,
    "law": _T.LEGAL_BASIS,
}
_SMALL_WORDS = re.compile(
    r"(?i)\b(?:not|no|never|may|must|shall|only|all|any|unless|except)\b|[不未无非仅均须可应]"
)
_PRECEDENCE = list(CUES)
_AT_MOST = 2  # cue types proposed for one section: more would be a list, not a proposal
_SLIP = 0.75
_BY_ITSELF = frozenset(
    {_T.IMPACT_ASSESSMENT, _T.CROSS_BORDER, _T.SENSITIVE_DATA, _T.OWNERSHIP, _T.RECIPIENTS}
)
_NAMES = re.compile(r"[A-Z][\w.&’'-]*(?:[ ,]+(?:and )?[A-Z][\w.&’'-]*)*", re.ASCII)
_REPLY = re.compile(r"\b(?:answer|respond|repl)\w*|答复|响应|回复|处理您的请求", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What a section's difference seems to be. `type` None: no rule understands it, a person must say.

    `words` are those that led to it, by language; `purposes` the keys that the changed pieces name, None for all; `anchor` and
    `number` are the section's in the first language that changed.
    """

    type: ChangeType | None
    anchor: str
    heading: Mapping[str, str]
    number: str
    words: Mapping[str, tuple[str, ...]]
    purposes: tuple[str, ...] | None
    because: str

    @property
    def change_class(self) -> ChangeClass:
        """The class that the type proposes; of a difference that nobody has typed the strictest."""
        return PROPOSED[self.type].change_class if self.type else ChangeClass.MAJOR_CONSENT

    @property
    def criterion(self) -> int | None:
        """Which of the six criteria it falls under, or None."""
        return PROPOSED[self.type].criterion if self.type else None

    def to_json(self) -> dict[str, Any]:
        """Return the suggestion as JSON-ready data."""
        return {
            "type": self.type.value if self.type else None,
            "class": self.change_class.value,
            "criterion": self.criterion,
            "anchor": self.anchor,
            "number": self.number,
            "heading": dict(self.heading),
            "words": {language: list(words) for language, words in self.words.items()},
            "purposes": None if self.purposes is None else list(self.purposes),
            "because": self.because,
        }


def propose(
    redlines: Mapping[str, Sequence[SectionRedline]],
    purposes: Names | None = None,
    same: Mapping[str, Mapping[str, str]] | None = None,
) -> list[Suggestion]:
    """Return the proposals, grouped by section in the order of the first language.

    Args:
        redlines: what differs, by language (see `redline_sections`); the first language is the one that the others follow.
        purposes: the purposes that the draft declares, to tell which of them a change touches.
        same: by language, which anchor is which in the first language; by default anchors are the same in all.
    """
    grouped: dict[str, dict[str, SectionRedline]] = {}
    for language, sections in redlines.items():
        anchors = (same or {}).get(language, {})
        for section in sections:
            key = anchors.get(key_of(section), key_of(section))
            grouped.setdefault(key, {})[language] = section
    leading = next(iter(redlines), "")
    return [
        suggestion
        for group in grouped.values()
        for suggestion in _suggestions(group, leading, purposes or {})
    ]


def key_of(redline: SectionRedline) -> str:
    """Return what tells a section from the others of its version: a removed one must not meet its successor in number."""
    return f"-{redline.section.anchor}" if redline.kind == "removed" else redline.section.anchor


def _suggestions(group: Mapping[str, SectionRedline], leading: str, purposes: Names) -> Iterator[Suggestion]:
    found: dict[ChangeType | None, dict[str, list[tuple[str, TextChange]]]] = {}
    for language, redline in group.items():
        for kind, words in _of_section(redline).items():
            found.setdefault(kind, {})[language] = words
    if leading and leading not in group and set(found) != {_T.TYPO}:
        everything: dict[str, list[tuple[str, TextChange]]] = {}
        for by_language in found.values():
            for language, words in by_language.items():
                everything.setdefault(language, []).extend(words)
        found = {_T.TRANSLATION: everything}
    weighty = any(kind is not None and PROPOSED[kind].change_class.is_major for kind in found)
    for kind, by_language in found.items():
        # What is major about a section is not made smaller by what else changed in it.
        if not (weighty and kind in {_T.TYPO, _T.WORDING, _T.LINK}):
            yield _suggestion(kind, group, by_language, purposes)


def _suggestion(
    kind: ChangeType | None,
    group: Mapping[str, SectionRedline],
    found: Mapping[str, Sequence[tuple[str, TextChange]]],
    purposes: Names,
) -> Suggestion:
    first = next(iter(group.values()))
    return Suggestion(
        type=kind,
        anchor=first.section.anchor,
        heading={language: r.section.heading or r.section.title for language, r in group.items()},
        number=first.section.number,
        words={language: tuple(dict.fromkeys(w for w, _c in each if w)) for language, each in found.items()},
        purposes=_touched({language: [c for _w, c in each] for language, each in found.items()}, purposes),
        because=_BECAUSE.get(kind, PROPOSED[kind].reason if kind else _NOBODY_KNOWS),
    )


_NOBODY_KNOWS = (
    "No rule understands this difference; an untyped change is not minor, so a person must say what it is."
)
_BECAUSE: dict[ChangeType | None, str] = {
    _T.WORDING: "No fact, name or telling word came or went.",
    _T.TYPO: "Only marks, spaces, capitals or a letter differ.",
    _T.LINK: "Only the address of a link differs.",
    _T.TRANSLATION: "The language that the others follow has not changed here.",
}


def _of_section(redline: SectionRedline) -> Found:
    """Return the types that a section's changes speak for in one language, with the words."""
    if redline.kind in {"moved", "renumbered"}:
        return {_T.WORDING: []}
    found: Found = {}
    for change in redline.changes:
        small = _small(change)
        evidence: dict[ChangeType | None, list[str]]
        if small is not None:
            evidence = {small: [change.added or change.removed]}
        else:
            words = change.added or change.removed
            evidence = dict(_of_change(change, redline).items())
            if not evidence:
                evidence = {None if _weighs(words) else _T.WORDING: [words]}
        for kind, words_of in evidence.items():
            found.setdefault(kind, []).extend((word, change) for word in words_of)
    return found


def _small(change: TextChange) -> ChangeType | None:
    """Return TYPO or LINK if nothing else differs, else None."""
    before, after = change.before, change.after
    if before is None or after is None:
        return None
    if before.text == after.text:
        return _T.LINK
    if _bare(before) == _bare(after):
        return _T.TYPO
    removed, added = change.removed, change.added
    alike = SequenceMatcher(None, removed, added, autojunk=False).ratio() if removed and added else 0.0
    slip = alike >= _SLIP and len(removed.split()) == len(added.split()) == 1 and removed.isascii()
    return _T.TYPO if slip and not _facts(change) and not _SMALL_WORDS.fullmatch(added) else None


def _bare(unit: Unit) -> str:
    return said(unit).partition("\n")[0]


def _of_change(change: TextChange, redline: SectionRedline) -> Evidence:
    unit = change.after or change.before
    assert unit is not None  # noqa: S101 - one of the two is there by construction
    base = lexicon(unit.language).base
    if unit.kind == "row" and unit.codes and change.kind != "changed":
        return {_T.COOKIE_ADDED if change.kind == "added" else _T.COOKIE_REMOVED: list(unit.codes)}
    found: Evidence = {}
    for fact in _facts(change):
        found.setdefault(_by_fact(fact, redline, unit, base), []).append(fact.text)
    if names := _exchanged_names(change):
        found.setdefault(_T.RECIPIENTS, []).extend(names)
    heading = redline.section.heading
    told = any(
        speaks_for(heading, kind, base) for kind in found
    )  # a fact says already what the section is about
    spoken = {kind: words for kind in _PRECEDENCE if (words := change.touches(cue(kind, base)))}
    for kind in _spoken_for(spoken, heading, base):
        if told and kind not in found and kind not in _BY_ITSELF and not speaks_for(heading, kind, base):
            continue
        found.setdefault(_as_came(kind, change, unit), []).extend(spoken[kind])
    return found


def _by_fact(fact: Fact, redline: SectionRedline, unit: Unit, base: str) -> ChangeType:
    heading = redline.section.heading
    if fact.kind in _BY_FACT:
        return _BY_FACT[fact.kind]
    if fact.kind == "link":
        return _T.LINK
    if fact.kind == "duration":
        if speaks_for(heading, _T.RETENTION, base):
            return _T.RETENTION
        return _T.RIGHTS if _REPLY.search(unit.text) or speaks_for(heading, _T.RIGHTS, base) else _T.RETENTION
    if fact.kind == "date":
        return _T.WORDING
    spoken = {
        kind: cue(kind, base).findall(unit.text) for kind in _PRECEDENCE if speaks_for(unit.text, kind, base)
    }
    return next(iter(_ranked(spoken, heading, base)), _T.WORDING)


def _spoken_for(spoken: Mapping[ChangeType, Sequence[str]], heading: str, base: str) -> list[ChangeType]:
    """Return what the words speak for: what the heading is about if they say it too, and whatever weighs by itself."""
    ranked = _ranked(spoken, heading, base)
    about = next((kind for kind in ranked if speaks_for(heading, kind, base)), None)
    usual = [about] if about is not None else ranked[:_AT_MOST]
    return [kind for kind in ranked if kind in usual or kind in _BY_ITSELF]


def _ranked(spoken: Mapping[ChangeType, Sequence[str]], heading: str, base: str) -> list[ChangeType]:
    """Return the types that words speak for: those that the heading names first, then by how many words speak."""
    scores = {kind: len(words) + 2 * speaks_for(heading, kind, base) for kind, words in spoken.items()}
    return sorted(scores, key=lambda kind: (-scores[kind], _PRECEDENCE.index(kind)))


def _as_came(kind: ChangeType, change: TextChange, unit: Unit) -> ChangeType:
    """Return the type for whether it came or went: a list item that tells of a purpose is one, prose about it changes it."""
    if kind is _T.PURPOSE_CHANGED and unit.kind == "item":
        return {"added": _T.PURPOSE_ADDED, "removed": _T.PURPOSE_REMOVED}.get(change.kind, kind)
    if kind is _T.COOKIE_ADDED and change.kind == "removed":
        return _T.COOKIE_REMOVED
    return kind


def _exchanged_names(change: TextChange) -> list[str]:
    """Return the names that came or went by themselves within a piece: “Acoustic” for “Braze”."""
    if change.kind != "changed":
        return []
    fragments = [piece.text.strip(" ,.;，。；、和与或") for piece in change.pieces if piece.kind != "same"]
    whole = " ".join(unit.text for unit in (change.before, change.after) if unit)
    return [text for text in fragments if _NAMES.fullmatch(text) and not _begins_sentence(text, whole)]


def _begins_sentence(words: str, text: str) -> bool:
    """Whether the words are written with a capital only because a sentence begins with them."""
    before = text[: text.find(words)].rstrip()
    return not before or before[-1] in ".!?:;。！？：；|"


def _facts(change: TextChange) -> list[Fact]:
    before = {(f.kind, f.value) for f in change.before.facts} if change.before else set()
    after = {(f.kind, f.value) for f in change.after.facts} if change.after else set()
    both = [*(change.after.facts if change.after else ()), *(change.before.facts if change.before else ())]
    return [
        fact
        for fact in both
        if (fact.kind, fact.value) in before ^ after
        and fact.kind not in {"reference", "code"}
        and not fact.weak
    ]


def _weighs(words: str) -> bool:
    """Whether words that no rule understands may change the meaning: more than a few of them, or a "not" or "must"."""
    return len(words.split()) > 6 or len(words) > 24 or _SMALL_WORDS.search(words) is not None


def _touched(changes: Mapping[str, Sequence[TextChange]], purposes: Names) -> tuple[str, ...] | None:
    """Return the purposes that the changed pieces name, or None: it may touch all of them."""
    found = []
    for key, names in purposes.items():
        for language, each in changes.items():
            name = names.get(language, "").strip()
            pieces = [unit.text for change in each for unit in (change.before, change.after) if unit]
            if name and any(_names(name, text) for text in pieces):
                found.append(key)
                break
    return tuple(found) or None


def _names(name: str, text: str) -> bool:
    if name.isascii():
        return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE) is not None
    return name.casefold() in text.casefold()
