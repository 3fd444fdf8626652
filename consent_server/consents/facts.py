"""What is known of a visitor's consent: one entry per purpose, and the decision that changes it.

The JSON form is the one that the browser stores, that the consent record holds and that the shared
test vectors use. Instants are milliseconds since 1970, because the browser computes with the same
numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from consent_server.policies.changes import version_order

Choice = Literal["granted", "denied"]
Action = Literal["accept_all", "reject_all", "custom", "withdraw", "expire", "gpc", "dnt"]
Profile = Literal["opt_in", "opt_out"]

SIGNALS: Final[frozenset[Action]] = frozenset({"gpc", "dnt"})


@dataclass(frozen=True, slots=True)
class Entry:
    """What a visitor answered about one purpose, and for which version it was really asked.

    `at` and `until` are milliseconds since 1970; at `until` the entry no longer counts.
    """

    choice: Choice
    version: str
    at: int
    until: int
    by: Action

    @property
    def order(self) -> tuple[int, int]:
        """What versions are compared by."""
        return version_order(self.version)

    @property
    def granted(self) -> bool:
        """Whether the visitor said yes, expired or not."""
        return self.choice == "granted"

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Entry:
        """Build from the JSON form."""
        return cls(data["choice"], data["version"], data["at"], data["until"], data["by"])

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "choice": self.choice,
            "version": self.version,
            "at": self.at,
            "until": self.until,
            "by": self.by,
        }


@dataclass(frozen=True, slots=True)
class ConsentState:
    """A visitor's entries. Their keys are the purposes' names in `version`.

    `version` is the newest version that a decision of this visitor was made on, so no entry is
    newer. `seen` is the newest version whose notice card was shown; only the browser knows it.
    """

    version: str
    purposes: Mapping[str, Entry] = field(default_factory=dict)
    seen: str | None = None

    @property
    def order(self) -> tuple[int, int]:
        """What versions are compared by."""
        return version_order(self.version)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ConsentState:
        """Build from the JSON form."""
        entries = {key: Entry.from_json(entry) for key, entry in data["purposes"].items()}
        return cls(data["version"], entries, data.get("seen"))

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form; `seen` only where there is one."""
        data: dict[str, Any] = {"version": self.version}
        if self.seen is not None:
            data["seen"] = self.seen
        data["purposes"] = {key: entry.to_json() for key, entry in self.purposes.items()}
        return data


@dataclass(frozen=True, slots=True)
class DecisionFacts:
    """What a receipt says, as far as the state depends on it.

    `choices` states every additional purpose of `version`; `asked` are those that were really put
    to the visitor (of a delta, only the delta).
    """

    version: str
    action: Action
    choices: Mapping[str, Choice]
    asked: frozenset[str]
    at: int
    until: int

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> DecisionFacts:
        """Build from the JSON form; without `asked`, everything was asked."""
        asked = data.get("asked")
        return cls(
            version=data["version"],
            action=data["action"],
            choices=dict(data["choices"]),
            asked=frozenset(data["choices"] if asked is None else asked),
            at=data["at"],
            until=data["until"],
        )
