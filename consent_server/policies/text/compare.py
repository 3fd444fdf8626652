"""Compare documents: one version in two languages, and one language in two versions."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from consent_server.policies.text.document import Document, Section

DifferenceKind = Literal["missing", "level", "order", "empty", "lists", "tables", "paragraphs"]
ChangeKind = Literal["added", "removed", "changed", "moved"]

_SAME_SECTION = 0.5
_LOOKS = 20  # how many old sections without a successor are read for one that is new


@dataclass(frozen=True, slots=True)
class OutlineDifference:
    """Something in which two languages of one version are out of step.

    `language` names the text that lacks it (for `missing` and `empty`), else the second one;
    `section` the section's number, else its heading in the language that has it. `blocking` is
    False for a difference that a translator may have meant (a list or a table cut otherwise).
    """

    kind: DifferenceKind
    language: str
    section: str
    message: str
    blocking: bool = True

    def __str__(self) -> str:
        return self.message

    def to_dict(self) -> dict[str, Any]:
        """Return the difference as JSON-ready data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class SectionChange:
    """A section that differs between two versions; `anchor` is the new one, of a removed one the old."""

    anchor: str
    heading: str
    kind: ChangeKind

    def to_dict(self) -> dict[str, Any]:
        """Return the change as JSON-ready data."""
        return asdict(self)


def outline_differences(a: Document, b: Document) -> list[OutlineDifference]:
    """Return in what the outlines of two languages differ; none means that they are in step.

    Numbered sections are matched by number; others by their place after the last numbered one.
    """
    ours, theirs = _keyed(a), _keyed(b)
    found = [_missing(section, a, b) for key, section in ours.items() if key not in theirs]
    found += [_missing(section, b, a) for key, section in theirs.items() if key not in ours]
    empty_a = {entry.anchor for entry in a.outline() if entry.empty}
    empty_b = {entry.anchor for entry in b.outline() if entry.empty}
    for key, one in ours.items():
        other = theirs.get(key)
        if other is None:
            continue
        if (one.anchor in empty_a) != (other.anchor in empty_b):
            found.append(_empty(one, other, a, b, first=one.anchor in empty_a))
        elif one.blocks and other.blocks:
            found += _shape(one, other, a, b)
        if one.level != other.level:
            message = f"{one.title}: level {one.level} in {a.language}, {other.level} in {b.language}"
            found.append(OutlineDifference("level", b.language, one.name, message))
    return found + _order(list(ours), list(theirs), ours, a, b)


def _keyed(document: Document) -> dict[str, Section]:
    """Return the sections by what makes them the same in another language; "" is the preamble."""
    introduces = any(block.kind not in {"contents", "rule"} for block in document.preamble.blocks)
    keyed: dict[str, Section] = {"": document.preamble} if introduces else {}
    last, count = "", 0
    for section in document.sections:
        if section.number and section.number not in keyed:
            last, count = section.number, 0
            keyed[section.number] = section
        else:
            count += 1
            keyed[f"{last}~{count}"] = section
    return keyed


def _missing(section: Section, having: Document, lacking: Document) -> OutlineDifference:
    what = f"“{section.title}”" if section.level else "the text before the first heading"
    message = f"{what} is in {having.language} and not in {lacking.language}"
    return OutlineDifference("missing", lacking.language, section.name, message)


def _empty(one: Section, other: Section, a: Document, b: Document, *, first: bool) -> OutlineDifference:
    language, section = (a.language, other) if first else (b.language, one)
    message = f"“{section.title}” has nothing under it in {language}"
    return OutlineDifference("empty", language, section.name, message)


def _shape(one: Section, other: Section, a: Document, b: Document) -> Iterator[OutlineDifference]:
    kinds: tuple[tuple[DifferenceKind, str, str], ...] = (
        ("lists", "list", "list items"),
        ("tables", "table", "table rows"),
        ("paragraphs", "paragraph", "paragraphs"),
    )
    for kind, block_kind, words in kinds:
        ours, theirs = _count(one, block_kind), _count(other, block_kind)
        if ours != theirs:
            what = f"“{one.title}”" if one.level else "before the first heading"
            message = f"{what}: {ours} {words} in {a.language}, {theirs} in {b.language}"
            yield OutlineDifference(kind, b.language, one.name, message, blocking=False)


def _count(section: Section, kind: str) -> int:
    return sum(block.items or 1 for block in section.blocks if block.kind == kind)


def _order(
    ours: list[str], theirs: list[str], sections: dict[str, Section], a: Document, b: Document
) -> list[OutlineDifference]:
    common = set(ours) & set(theirs)
    first = [key for key in ours if key in common]
    second = [key for key in theirs if key in common]
    if first == second:
        return []
    key = next(one for one, other in zip(first, second, strict=True) if one != other)
    message = f"the sections of {a.language} and {b.language} come in different order from “{sections[key].title}” on"
    return [OutlineDifference("order", b.language, sections[key].name, message)]


def changed_sections(old: Document, new: Document) -> list[SectionChange]:
    """Return the sections that differ from `old` to `new`, in the new order; removed ones come last.

    A section is followed by its heading and words, not only by its number: one that merely got
    another number or place is `moved`. Text before the first heading is the section `s-preamble`, with heading "".
    """
    before, after = list(old.parts()), list(new.parts())
    pairs = _pairs(before, after)
    stays = _in_place(pairs)
    changes: list[SectionChange] = []
    for at, section in enumerate(after):
        was = pairs.get(at)
        if was is None:
            changes.append(SectionChange(section.anchor, section.title, "added"))
        elif _words(before[was]) != _words(section):
            changes.append(SectionChange(section.anchor, section.title, "changed"))
        elif before[was].number != section.number or before[was].level != section.level or at not in stays:
            changes.append(SectionChange(section.anchor, section.title, "moved"))
    kept = set(pairs.values())
    removed = [section for at, section in enumerate(before) if at not in kept]
    return changes + [SectionChange(section.anchor, section.title, "removed") for section in removed]


def continued_sections(old: Document, new: Document) -> list[tuple[Section | None, Section | None, bool]]:
    """Return each section as (what it was, what it is, whether it kept its place), the preamble first if there is one.

    None stands for a section that came or went; one that went stands behind the one that it stood behind.
    """
    before, after = list(old.parts()), list(new.parts())
    pairs = _pairs(before, after)
    _pair_akin(before, after, pairs)
    stays = _in_place(pairs)
    now_of = {was: now for now, was in pairs.items()}
    gone: dict[int, list[Section]] = {}
    last = -1
    for at, section in enumerate(before):
        if at in now_of:
            last = now_of[at]
        else:
            gone.setdefault(last, []).append(section)
    found: list[tuple[Section | None, Section | None, bool]] = [(was, None, True) for was in gone.get(-1, [])]
    for at, now in enumerate(after):
        was = before[pairs[at]] if at in pairs else None
        found.append((was, now, was is None or at in stays))
        found += [(section, None, True) for section in gone.get(at, [])]
    return found


def _pair_akin(before: list[Section], after: list[Section], pairs: dict[int, int]) -> None:
    """Pair what is left by its words: a section may get another number and another heading at once."""
    left = [at for at in range(len(before)) if at not in set(pairs.values())]
    for at, now in enumerate(after):
        if at in pairs or not now.text:
            continue
        match = next(
            (index for index in left[:_LOOKS] if before[index].text and _akin(before[index], now)), None
        )
        if match is not None:
            pairs[at] = match
            left.remove(match)


def _words(section: Section) -> tuple[str, str, tuple[str, ...]]:
    # The links count too: a link that points elsewhere is a change, though no word differs.
    links = tuple(block.html for block in section.blocks if block.links)
    return (" ".join(section.heading.split()), " ".join(section.text.split()), links)


def _pairs(before: list[Section], after: list[Section]) -> dict[int, int]:
    """Return which old section (index) each new one (index) continues: by the surest sign first."""
    pairs: dict[int, int] = {}
    left = dict(enumerate(before))
    signs: tuple[Callable[[Section, Section], bool], ...] = (
        lambda was, now: was.number == now.number and _words(was) == _words(now),
        lambda was, now: _words(was) == _words(now),
        lambda was, now: bool(now.heading) and was.heading == now.heading and was.number == now.number,
        lambda was, now: bool(now.heading) and was.heading == now.heading,
        lambda was, now: was.anchor == now.anchor and (now.level == 0 or _akin(was, now)),
    )
    for sign in signs:
        for at, now in enumerate(after):
            if at in pairs:
                continue
            match = next((index for index, was in left.items() if sign(was, now)), None)
            if match is not None:
                pairs[at] = match
                del left[match]
    return pairs


def _akin(was: Section, now: Section) -> bool:
    one, other = (f"{section.heading} {section.text}"[:4000] for section in (was, now))
    return SequenceMatcher(None, one, other, autojunk=False).ratio() >= _SAME_SECTION


def _in_place(pairs: dict[int, int]) -> set[int]:
    """Return the new sections that kept their order among those that continue an old one."""
    now = sorted(pairs)
    new_order = [pairs[at] for at in now]
    matcher = SequenceMatcher(None, sorted(new_order), new_order, autojunk=False)
    return {now[block.b + k] for block in matcher.get_matching_blocks() for k in range(block.size)}
