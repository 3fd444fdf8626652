"""The card that a visitor sees after a publication, in words: what widget/src/delta.js shows. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from babel import Locale, UnknownLocaleError
from babel.lists import format_list

from consent_server.banner.configuration import RTL
from consent_server.policies.facts import VersionFacts
from consent_server.reconsent.rules import Delta

BULLETS = 3  # of delta.js
Texts = Mapping[str, Mapping[str, str]]  # `banner.configuration.words_for`


@dataclass(frozen=True)
class CardWords:
    """A card in one language. `buttons` are equal in weight; `more` stands beside them, less loudly ("" for none)."""

    language: str
    direction: str
    title: str
    bullets: tuple[str, ...]
    lines: tuple[str, ...]
    buttons: tuple[str, ...]
    more: str
    link: str


def first_card(texts: Texts, names: Mapping[str, str], language: str) -> CardWords:
    """Return the first layer, which somebody sees who has never decided.

    Args:
        texts: the interface texts of the language.
        names: the additional purposes' names in the language.
        language: a BCP 47 tag.
    """
    first = texts["first"]
    body = first["body"].replace("{purposes}", listed(names.values(), language))
    buttons = (first["accept"], first["reject"])
    return _card(language, first["title"], (), (body,), buttons, first["preferences"], first["policy"])


def delta_card(
    delta: Delta, versions: Sequence[VersionFacts], texts: Texts, names: Mapping[str, str], language: str
) -> CardWords:
    """Return the card of a delta: what changed, and either an equal choice about it or a button that puts it away.

    Args:
        delta: what the visitor is to be asked or told.
        versions: the versions that it speaks of.
        texts: the interface texts of the language.
        names: the purposes' names in the language.
        language: a BCP 47 tag.
    """
    words, link = texts["preferences"], texts["first"]["policy"]
    if not delta.changes and delta.ask == tuple(names):
        return first_card(
            texts, names, language
        )  # nothing changed and everything is asked: as if for the first time
    said = _summaries(delta, versions, language)
    more = len(said) - BULLETS
    lines = [words["more_changes"].replace("{count}", str(more))] if more > 0 else []
    if not delta.ask:
        return _card(language, words["notice_title"], said, lines, (words["acknowledge"],), "", link)
    kind = "expired" if delta.reason == "expired" else "changed"
    asked = listed([names.get(purpose, purpose) for purpose in delta.ask], language)
    lines.append(words[f"{kind}_ask"].replace("{purposes}", asked))
    buttons = (words["accept_change"], words["reject_change"])
    return _card(language, words[f"{kind}_title"], said, lines, buttons, texts["first"]["preferences"], link)


def listed(names: Iterable[str], language: str) -> str:
    """Return names as one phrase, as the widget joins them."""
    parts = list(names)
    try:
        return str(format_list(parts, locale=Locale.parse(language, sep="-")))
    except (UnknownLocaleError, ValueError):
        return ", ".join(parts)


def _summaries(delta: Delta, versions: Sequence[VersionFacts], language: str) -> list[str]:
    by_number = {version.number: version for version in versions}
    found = []
    for number, index in delta.changes:
        changes = by_number[number].changes if number in by_number else ()
        summary = changes[index].summary if index < len(changes) else {}
        found.append(summary.get(language) or next((text for text in summary.values() if text), ""))
    return list(dict.fromkeys(text for text in found if text))


def _card(
    language: str,
    title: str,
    said: Sequence[str],
    lines: Sequence[str],
    buttons: tuple[str, ...],
    more: str,
    link: str,
) -> CardWords:
    direction = "rtl" if language.lower().split("-")[0] in RTL else "ltr"
    return CardWords(language, direction, title, tuple(said[:BULLETS]), tuple(lines), buttons, more, link)
