"""What changed since the newest version, and which proposed types a person has answered: confirmed, or typed as weightier."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from consent_server.policies.facts import Change
from consent_server.policies.in_step import documents_of
from consent_server.policies.models import PolicyVersion
from consent_server.policies.redline import Suggestion, VersionRedline, redline_versions
from consent_server.policies.text import Document
from consent_server.purposes.service import freeze
from consent_server.sites.models import Site

Documents = tuple[tuple[str, Document], ...]
Names = tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


@dataclass(frozen=True)
class Proposal:
    """A proposed type with the typed change that answers it, None while nobody has."""

    suggestion: Suggestion
    answer: Change | None

    @property
    def is_confirmed(self) -> bool:
        """Whether a change of the very type stands, rather than one that weighs as much."""
        return self.answer is not None and self.answer.type is self.suggestion.type

    @property
    def is_open(self) -> bool:
        """Whether it stands in the way: what is proposed as major is confirmed, or somebody says why it is less."""
        return (
            self.answer is None and self.suggestion.type is not None and self.suggestion.change_class.is_major
        )


def redline_of(draft: PolicyVersion, site: Site, before: PolicyVersion | None) -> VersionRedline:
    """Return what differs from the newest version, word by word, and what kind of change each difference seems to be."""
    old = documents_of(before.notices if before else (), site.languages)
    new = documents_of(draft.notices, site.languages, site.profile)
    names = tuple(
        (key, tuple((language, words.get("name", "")) for language, words in texts.items()))
        for key, texts in purpose_texts(draft, site, before).items()
    )
    return _redlined(tuple(old.items()), tuple(new.items()), names)


def purpose_texts(
    draft: PolicyVersion, site: Site, before: PolicyVersion | None
) -> dict[str, Mapping[str, Any]]:
    """Return texts by purpose: those of now, and those that the version before still had."""
    if site.policy_id != draft.policy_id:
        return {}
    old = orjson.loads(before.snapshot).get("purposes", []) if before and before.snapshot else []
    return {purpose["key"]: purpose["texts"] for purpose in [*old, *freeze(site)]}


def answered(suggestions: Iterable[Suggestion], typed: Sequence[Change]) -> list[Proposal]:
    """Return each proposal with the change that answers it, one of its own type before all others."""
    return [Proposal(each, _answer(each, typed)) for each in suggestions]


def _answer(suggestion: Suggestion, typed: Sequence[Change]) -> Change | None:
    own = next((change for change in typed if change.type is suggestion.type), None)
    if own is not None:
        return own
    weighty = [change for change in typed if change.change_class.rank >= suggestion.change_class.rank]
    return next(
        (c for c in weighty if all(c.touches(purpose) for purpose in suggestion.purposes or ())), None
    )


@lru_cache(maxsize=8)  # readiness and the pages ask it of the same texts
def _redlined(old: Documents, new: Documents, names: Names) -> VersionRedline:
    return redline_versions(dict(old), dict(new), {key: dict(words) for key, words in names})
