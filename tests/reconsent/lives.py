"""Generated lives: a policy's history and what one visitor did during it, as JSON.

A life is {"versions", "decisions", "seen", "now", "profile", "signal"}. Few keys and short histories
make the rare things common: keys that return, names that swap, decisions on superseded versions.

One generator serves two uses: `lives()` lets hypothesis choose and shrink; `seeded()` is plain and
fast, for thousands.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from hypothesis import strategies as st

from consent_server.consents.facts import ConsentState, DecisionFacts
from consent_server.consents.rules import derive_state
from consent_server.policies.changes import ChangeClass, ChangeType, next_number
from consent_server.policies.facts import VersionFacts

Json = dict[str, Any]

KEYS = ["ads", "analytics", "chat", "maps", "video"]
CLASSES = [c.value for c in ChangeClass]
TYPES = [t.value for t in ChangeType if t is not ChangeType.PURPOSE_RENAMED]
STEPS = ["remove", "rename", "swap", "add", "other", "other"]
ACTIONS = ["accept_all", "reject_all", "custom", "custom", "withdraw", "expire", "gpc", "dnt"]


def lives() -> st.SearchStrategy[Json]:
    """Lives that hypothesis chooses."""
    return st.randoms(use_true_random=False).map(life)


def seeded(seed: int, number: int) -> Iterator[Json]:
    """The same lives in every run."""
    random = Random(seed)
    for _ in range(number):
        yield life(random)


def life(random: Random) -> Json:
    """A history with up to three decisions, some of them on superseded versions."""
    versions = history(random)
    decisions, at = [], 1000
    for _ in range(random.randint(0, 3)):
        at += random.randint(-5, 60)
        decisions.append(_decision(random, random.choice(versions), at))
    numbers = [version["number"] for version in versions]
    return {
        "versions": random.sample(versions, len(versions)),
        "decisions": decisions,
        "seen": random.choice([None, *numbers]) if decisions else None,
        "now": at + random.randint(-10, 120),
        "profile": random.choice(["opt_in", "opt_out"]),
        "signal": random.choice([False, True]),
    }


def history(random: Random) -> list[Json]:
    """One to six versions, oldest first; declared and undeclared additions and removals."""
    purposes = random.sample(KEYS, random.randint(0, 4))
    versions: list[Json] = [{"number": "1.0", "changes": [], "purposes": purposes}]
    for _ in range(random.randint(0, 5)):
        before = versions[-1]
        draft = Draft(random, before["purposes"])
        for _ in range(random.randint(0, 4)):
            getattr(draft, random.choice(STEPS))()
        classes = [ChangeClass(change["class"]) for change in draft.changes]
        number = next_number(before["number"], classes or [ChangeClass.MINOR])
        versions.append({"number": number, "changes": draft.changes, "purposes": draft.purposes})
    return versions


class Draft:
    """A version in the making; a purpose is removed or renamed at most once in it."""

    def __init__(self, random: Random, before: list[str]) -> None:
        self.random = random
        self.purposes = list(before)
        self.untouched = list(before)
        self.changes: list[Json] = []

    def remove(self) -> None:
        if self.untouched:
            gone = self._touch()
            self.purposes.remove(gone)
            if self.random.choice([True, False]):
                self._declare("purpose_removed", [gone])

    def rename(self) -> None:
        if self.untouched and (free := self._free()):
            old, new = self._touch(), self.random.choice(free)
            self.purposes[self.purposes.index(old)] = new
            self._declare("purpose_renamed", [new], renamed_from=old)

    def swap(self) -> None:
        if len(self.untouched) > 1:
            one, other = self._touch(), self._touch()
            self._declare("purpose_renamed", [one], renamed_from=other)
            self._declare("purpose_renamed", [other], renamed_from=one)

    def add(self) -> None:
        if free := self._free():
            new = self.random.choice(free)
            self.purposes.insert(self.random.randint(0, len(self.purposes)), new)
            if self.random.choice([True, False]):
                self._declare("purpose_added", [new])

    def other(self) -> None:
        """Any change at all; a purpose_added may name what exists, which then begins anew."""
        named = self.random.choice([None, self.random.sample(KEYS, self.random.randint(0, 2))])
        self._declare(self.random.choice(TYPES), named)

    def _declare(self, change_type: str, named: list[str] | None, **more: str) -> None:
        change_class = self.random.choice(CLASSES)
        self.changes.append({"type": change_type, "class": change_class, "purposes": named, **more})

    def _free(self) -> list[str]:
        return [key for key in KEYS if key not in self.purposes]

    def _touch(self) -> str:
        return self.untouched.pop(self.random.randint(0, len(self.untouched) - 1))


def _decision(random: Random, version: Json, at: int) -> Json:
    keys = version["purposes"]
    return {
        "version": version["number"],
        "action": random.choice(ACTIONS),
        "choices": {key: random.choice(["granted", "denied"]) for key in keys},
        "asked": [key for key in keys if random.randint(0, 3)],
        "at": at,
        "until": at + random.randint(1, 100),
    }


def facts_of(life: Json) -> list[VersionFacts]:
    """The history as the Python rules take it."""
    return [VersionFacts.from_json(version) for version in life["versions"]]


def state_of(life: Json) -> ConsentState | None:
    """The state after all decisions, by the rule under test."""
    state = None
    for decision in life["decisions"]:
        state = derive_state(state, DecisionFacts.from_json(decision), facts_of(life))
    if state and life["seen"]:
        return ConsentState(state.version, state.purposes, life["seen"])
    return state
