"""Whether the texts of a draft say the same in every language: the parity check on what is stored."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from consent_server.policies.models import Notice, PolicyVersion, Waiver
from consent_server.policies.parity import Finding, check
from consent_server.policies.text import Document, parse
from consent_server.policies.text.placeholders import fill


def documents_of(
    notices: Iterable[Notice], languages: Sequence[str], profile: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, Document]:
    """Return the notices as documents by language, in the order of `languages`; others are left out.

    Placeholders of a draft are filled from the site's profile; a published text has none to fill.
    """
    texts = {notice.language: (fill(notice.source, profile), notice.format) for notice in notices}
    return {
        language: parse(texts[language][0], language=language, format=texts[language][1])  # type: ignore[arg-type]  # the database has the two formats only
        for language in languages
        if language in texts
    }


def disagreements(
    texts: Mapping[str, Document], before: PolicyVersion | None, languages: Sequence[str] = ()
) -> tuple[Finding, ...]:
    """Return in what the texts differ, in reading order.

    Args:
        texts: the documents by language, the one that the others follow first.
        before: the version that they follow, to tell what changed in one language only.
        languages: the languages that there must be; by default those that there are.
    """
    previous = documents_of(before.notices, list(texts)) if before is not None else {}
    return _checked(tuple(texts.items()), tuple(previous.items()), tuple(languages))


@lru_cache(maxsize=8)  # pages, waivers and the publication ask the same of the same texts
def _checked(
    texts: tuple[tuple[str, Document], ...],
    previous: tuple[tuple[str, Document], ...],
    languages: tuple[str, ...],
) -> tuple[Finding, ...]:
    return check(dict(texts), previous=dict(previous) or None, languages=languages).findings


def waived(findings: Iterable[Finding], waivers: Iterable[Waiver]) -> tuple[Finding, ...]:
    """Return the findings, those that a person lets pass marked so; a waiver counts for its own fingerprint alone."""
    given = {waiver.fingerprint: waiver for waiver in waivers if waiver.fingerprint}
    return tuple(
        replace(finding, waived_by=waiver.waived_by, reason=waiver.reason)
        if (waiver := given.get(finding.fingerprint))
        else finding
        for finding in findings
    )


def by_follower(findings: Iterable[Finding], leading: str) -> dict[str, list[Finding]]:
    """Return the findings by the language that was compared with the leading one."""
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        others = [place.language for place in finding.places if place.language != leading]
        # Of two languages one may not be there at all: then it is about that one, also where it is the leading one.
        language = others[0] if others and finding.rule != "language-missing" else finding.language
        found.setdefault(language, []).append(finding)
    return found
