"""What publishing a version would do to those who have decided: the rule of the sweep, tried on a census. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from consent_server.consents.facts import Profile
from consent_server.policies.facts import VersionFacts
from consent_server.reconsent.census import Group
from consent_server.reconsent.rules import Delta, needs_reconsent


@dataclass
class Card:
    """One card that visitors would see, and how many would: by kind of holder, and by language."""

    delta: Delta
    count: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)


@dataclass
class Impact:
    """Who would be asked again, and who only told.

    `ask` and `tell` count records by kind of holder; `already` those of `ask` whom the published versions ask anyway.
    `purposes` has by purpose and kind who would be asked about it; `languages` by language and "ask" or "tell" how many.
    `cards` are what they would see, the commonest first. Nobody stands under both `ask` and `tell`.
    """

    records: int = 0
    ask: Counter[str] = field(default_factory=Counter)
    tell: Counter[str] = field(default_factory=Counter)
    already: Counter[str] = field(default_factory=Counter)
    purposes: dict[str, Counter[str]] = field(default_factory=dict)
    languages: dict[str, Counter[str]] = field(default_factory=dict)
    cards: list[Card] = field(default_factory=list)

    @property
    def asked(self) -> int:
        """How many would be asked again."""
        return self.ask.total()

    @property
    def told(self) -> int:
        """How many would only be told."""
        return self.tell.total()


def impact_of(
    groups: Iterable[Group],
    published: Sequence[VersionFacts],
    candidate: VersionFacts,
    *,
    now_ms: int,
    profile: Profile = "opt_in",
) -> Impact:
    """Return what would happen if `candidate` were published after `published` at the instant of the census.

    Args:
        groups: the site's records, alike ones together.
        published: the versions that there are.
        candidate: the version that may follow, with its typed changes and its additional purposes.
        now_ms: the instant, in milliseconds since 1970.
        profile: whether the site asks before or lets visitors object.
    """
    found = Impact()
    cards: dict[Delta, Card] = {}
    for group in groups:
        found.records += group.count
        delta = needs_reconsent(group.state, (*published, candidate), now_ms, profile)
        if delta is None:
            continue
        before = needs_reconsent(group.state, published, now_ms, profile)
        _add(found, group, delta, asked_anyway=before is not None and bool(before.ask))
        card = cards.setdefault(delta, Card(delta))
        card.count += group.count
        card.kinds[group.kind] += group.count
        card.languages[group.language] += group.count
    found.cards = sorted(cards.values(), key=lambda card: -card.count)
    return found


def _add(found: Impact, group: Group, delta: Delta, *, asked_anyway: bool) -> None:
    language = found.languages.setdefault(group.language, Counter())
    if not delta.ask:
        found.tell[group.kind] += group.count
        language["tell"] += group.count
        return
    found.ask[group.kind] += group.count
    language["ask"] += group.count
    found.already[group.kind] += group.count * asked_anyway
    for purpose in delta.ask:
        found.purposes.setdefault(purpose, Counter())[group.kind] += group.count
