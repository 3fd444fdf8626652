"""What the re-consent rule knows of a published version: its purposes and its typed changes.

The JSON form is the one that the widget receives and that the shared test vectors use.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from consent_server.policies.changes import ChangeClass, ChangeType, version_order


@dataclass(frozen=True, slots=True)
class Change:
    """One typed difference of a version against its predecessor.

    `purposes` are the keys it touches, as they are called in the new version; None means all.
    """

    type: ChangeType
    change_class: ChangeClass
    purposes: tuple[str, ...] | None = None
    renamed_from: str | None = None
    summary: Mapping[str, str] = field(default_factory=dict, compare=False)

    def names(self, purpose: str) -> bool:
        """Return whether the change names this purpose itself."""
        return self.purposes is not None and purpose in self.purposes

    def touches(self, purpose: str) -> bool:
        """Return whether the change concerns this purpose, by name or because it concerns all."""
        return self.purposes is None or purpose in self.purposes

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Change:
        """Build from the JSON form; unknown types and classes raise ValueError."""
        purposes = data.get("purposes")
        return cls(
            type=ChangeType(data["type"]),
            change_class=ChangeClass(data["class"]),
            purposes=None if purposes is None else tuple(purposes),
            renamed_from=data.get("renamed_from"),
            summary=dict(data.get("summary", {})),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form; `renamed_from` and `summary` only where there is one."""
        data: dict[str, Any] = {
            "type": self.type.value,
            "class": self.change_class.value,
            "purposes": None if self.purposes is None else list(self.purposes),
        }
        if self.renamed_from is not None:
            data["renamed_from"] = self.renamed_from
        if self.summary:
            data["summary"] = dict(self.summary)
        return data


@dataclass(frozen=True, slots=True)
class VersionFacts:
    """A published version: its number, its additional purposes in order, its changes.

    `order` is what versions are compared by.
    """

    number: str
    changes: tuple[Change, ...] = ()
    purposes: tuple[str, ...] = ()
    order: tuple[int, int] = field(init=False, repr=False, compare=False)
    _before: Mapping[str, str | None] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Work out once what a sweep asks for every visitor and every purpose."""
        object.__setattr__(self, "order", version_order(self.number))
        object.__setattr__(self, "_before", {purpose: self._traced(purpose) for purpose in self.purposes})

    def name_before(self, purpose: str) -> str | None:
        """Return what this purpose was called in the version before, or None if it is new here.

        A key that is declared as added, or that was given away by a rename, begins a new purpose,
        although the version before has the same key: in doubt nobody's consent is carried over.
        """
        return self._before.get(purpose)

    def _traced(self, purpose: str) -> str | None:
        if any(c.type is ChangeType.PURPOSE_ADDED and c.names(purpose) for c in self.changes):
            return None
        renames = [c for c in self.changes if c.type is ChangeType.PURPOSE_RENAMED]
        for change in renames:
            if change.names(purpose):
                return change.renamed_from
        return None if any(change.renamed_from == purpose for change in renames) else purpose

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> VersionFacts:
        """Build from the JSON form."""
        return cls(
            number=data["number"],
            changes=tuple(Change.from_json(change) for change in data["changes"]),
            purposes=tuple(data["purposes"]),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "number": self.number,
            "changes": [change.to_json() for change in self.changes],
            "purposes": list(self.purposes),
        }


def newest_first(versions: Iterable[VersionFacts]) -> list[VersionFacts]:
    """Return the versions by number, the current one first, in whatever order they came."""
    return sorted(versions, key=lambda version: version.order, reverse=True)
