"""A scripted policy of 20 changes and thousands of visitors with mixed choices, as plain data.

No database and no rule: only who decided what, when and on which version. Visitors have the shape of
`lives.py` (so that the oracle can judge them), and what a decision's POST needs besides.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import UUID

Json = dict[str, Any]

DAY = 86_400_000
START = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp() * 1000)
CONSENT_DAYS = 180
LAYERS = {"accept_all": "banner", "reject_all": "banner", "custom": "preferences", "withdraw": "preferences"}


def _change(change_type: str, change_class: str, *purposes: str, renamed_from: str | None = None) -> Json:
    change: Json = {"type": change_type, "class": change_class, "purposes": list(purposes) or None}
    if renamed_from:
        change["renamed_from"] = renamed_from
    change["summary"] = {
        "en": f"{change_type} ({change_class})",
        "zh-CN": f"变更:{change_type}({change_class})",
    }
    return change


# Number, additional purposes, changes: what a policy goes through in two years.
_SCRIPT: list[tuple[str, str, list[Json]]] = [
    ("1.0", "stats maps chat", []),
    ("1.1", "stats maps chat", [_change("typo", "patch")]),
    ("1.2", "stats maps chat", [_change("wording", "minor"), _change("link", "patch")]),
    ("2.0", "stats maps chat", [_change("recipients", "major_consent", "stats")]),
    ("3.0", "stats maps chat", [_change("contact", "major_notice")]),
    ("4.0", "stats maps chat ads", [_change("purpose_added", "major_consent", "ads")]),
    ("4.1", "analytics maps chat ads", [_change("purpose_renamed", "minor", "analytics", renamed_from="stats")]),
    ("5.0", "analytics maps chat ads", [_change("data_type", "major_consent", "analytics", "ads")]),
    ("5.1", "analytics maps ads", [_change("purpose_removed", "minor", "chat")]),
    ("6.0", "analytics maps ads", [_change("retention", "major_notice", "maps")]),
    ("7.0", "analytics maps ads", [_change("service_added", "major_consent", "maps"), _change("rights", "major_notice")]),
    ("7.1", "analytics maps ads", [_change("translation", "minor")]),
    ("8.0", "analytics maps ads chat", [_change("purpose_added", "major_consent", "chat")]),
    ("9.0", "analytics maps ads chat", [_change("ownership", "major_notice")]),
    ("9.1", "analytics places ads chat", [_change("purpose_renamed", "minor", "places", renamed_from="maps")]),
    ("10.0", "analytics places ads chat", [_change("cross_border", "major_consent", "chat"), _change("cookie_added", "major_consent", "places")]),
    ("10.1", "analytics places ads chat", [_change("service_added", "minor", "ads")]),
    (
        "11.0",
        "audience places ads chat",
        [
            _change("purpose_renamed", "minor", "audience", renamed_from="analytics"),
            _change("purpose_changed", "major_consent", "audience"),
        ],
    ),
    ("12.0", "audience places ads chat", [_change("legal_basis", "major_consent"), _change("wording", "minor")]),
    ("13.0", "audience places ads chat analytics", [_change("purpose_added", "major_consent", "analytics")]),
    ("14.0", "audience places ads chat analytics", [_change("impact_assessment", "major_notice", "ads", "chat")]),
]  # fmt: skip

# Two weeks apart, so that early answers have expired by the end and late ones have not.
VERSIONS: list[Json] = [
    {
        "number": number,
        "purposes": purposes.split(),
        "changes": changes,
        "published_at": START + 14 * DAY * place,
    }
    for place, (number, purposes, changes) in enumerate(_SCRIPT)
]
NOW: int = VERSIONS[-1]["published_at"] + 7 * DAY


def population(seed: int = 20, count: int = 10_000) -> Iterator[Json]:
    """Visitors in order of nothing in particular; the same for the same seed.

    One in twenty never decided; one decision in ten is made on a page loaded before the current
    version was published.
    """
    random = Random(seed)
    for _ in range(count):
        visits = sorted(
            random.sample(range(START, NOW, 60_000), random.choice([0] + [1] * 11 + [2] * 6 + [3] * 2))
        )
        yield {
            "visitor_id": str(UUID(int=random.getrandbits(128), version=4)),
            "decisions": _decisions(random, visits),
            "seen": None,
            "profile": "opt_in",
            "signal": False,
        }


def _decisions(random: Random, visits: list[int]) -> list[Json]:
    habit = random.choice(["accept_all", "reject_all", "custom", "custom"])
    decisions: list[Json] = []
    for at in visits:
        published = [version for version in VERSIONS if version["published_at"] <= at]
        version = published[-2] if len(published) > 1 and random.random() < 0.1 else published[-1]
        actions = [habit] * 6 + ["custom", "gpc"] + (["withdraw", "withdraw"] if decisions else ["dnt"])
        decisions.append(_decision(random, version, random.choice(actions), at))
    return decisions


def _decision(random: Random, version: Json, action: str, at: int) -> Json:
    keys = version["purposes"]
    whole = {"accept_all": "granted", "reject_all": "denied", "gpc": "denied", "dnt": "denied"}
    choices = {key: whole.get(action) or random.choice(["granted", "denied"]) for key in keys}
    partly = action == "custom" and random.random() < 0.3
    return {
        "receipt_id": str(UUID(int=random.getrandbits(128), version=4)),
        "version": version["number"],
        "language": random.choice(["zh-CN", "en"]),
        "action": action,
        "layer": "delta" if partly else LAYERS.get(action, "banner"),
        "choices": choices,
        "asked": random.sample(keys, random.randint(1, len(keys))) if partly else list(keys),
        "at": at,
        "until": at + CONSENT_DAYS * DAY,
    }
