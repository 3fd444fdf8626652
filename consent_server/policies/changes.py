"""What can change between two policy versions, and how serious each change is.

A legal person types every change; the type proposes a class and says why. The numbered criteria are
the six of the founding policy, under which a change counts as major:

1. the purpose, the type of data or the manner of use;
2. ownership or organisation;
3. recipients of sharing, transfer or disclosure;
4. rights and how they are exercised;
5. the responsible department, contact or complaint channel;
6. an impact assessment that shows high risk.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Final


class ChangeClass(StrEnum):
    """How serious a change is, from least to most."""

    PATCH = "patch"
    MINOR = "minor"
    MAJOR_NOTICE = "major_notice"
    MAJOR_CONSENT = "major_consent"

    @property
    def rank(self) -> int:
        """Position from least (0) to most serious (3)."""
        return list(ChangeClass).index(self)

    @property
    def is_major(self) -> bool:
        """Whether visitors hear of it: by a notice, or by being asked."""
        return self.rank >= ChangeClass.MAJOR_NOTICE.rank


class ChangeType(StrEnum):
    """What kind of thing changed. The values are on the wire and in the database."""

    PURPOSE_ADDED = "purpose_added"
    PURPOSE_CHANGED = "purpose_changed"
    DATA_TYPE = "data_type"
    RECIPIENTS = "recipients"
    LEGAL_BASIS = "legal_basis"
    CROSS_BORDER = "cross_border"
    SENSITIVE_DATA = "sensitive_data"
    SERVICE_ADDED = "service_added"
    COOKIE_ADDED = "cookie_added"
    OWNERSHIP = "ownership"
    RIGHTS = "rights"
    CONTACT = "contact"
    IMPACT_ASSESSMENT = "impact_assessment"
    RETENTION = "retention"
    PURPOSE_REMOVED = "purpose_removed"
    PURPOSE_RENAMED = "purpose_renamed"
    SERVICE_REMOVED = "service_removed"
    COOKIE_REMOVED = "cookie_removed"
    WORDING = "wording"
    TRANSLATION = "translation"
    TYPO = "typo"
    LINK = "link"
    UNCLASSIFIED = "unclassified"


@dataclass(frozen=True, slots=True)
class Proposal:
    """The class a change type proposes, with the criterion (1 to 6, or None) and the reason."""

    change_class: ChangeClass
    reason: str
    criterion: int | None = None


_CONSENT, _NOTICE = ChangeClass.MAJOR_CONSENT, ChangeClass.MAJOR_NOTICE
_MINOR, _PATCH = ChangeClass.MINOR, ChangeClass.PATCH
_T = ChangeType

PROPOSED: Final = MappingProxyType(
    {
        _T.PURPOSE_ADDED: Proposal(_CONSENT, "Nobody has agreed to a purpose that is new.", 1),
        _T.PURPOSE_CHANGED: Proposal(
            _CONSENT, "Consent covers the purpose and manner of use as they were described.", 1
        ),
        _T.DATA_TYPE: Proposal(_CONSENT, "Consent covers the types of data that were named.", 1),
        _T.RECIPIENTS: Proposal(_CONSENT, "Data reaches someone the visitor was not told about.", 3),
        _T.LEGAL_BASIS: Proposal(_CONSENT, "What makes the processing lawful is no longer what was stated."),
        _T.CROSS_BORDER: Proposal(_CONSENT, "A transfer abroad needs a consent of its own."),
        _T.SENSITIVE_DATA: Proposal(_CONSENT, "Sensitive data need an explicit, separate consent."),
        _T.SERVICE_ADDED: Proposal(_CONSENT, "A further service receives data for this purpose.", 3),
        _T.COOKIE_ADDED: Proposal(_CONSENT, "Something more is stored on the visitor's device.", 1),
        _T.OWNERSHIP: Proposal(_NOTICE, "Another organisation answers for the data.", 2),
        _T.RIGHTS: Proposal(_NOTICE, "Visitors exercise their rights in another way.", 4),
        _T.CONTACT: Proposal(_NOTICE, "The department, contact or complaint channel is another.", 5),
        _T.IMPACT_ASSESSMENT: Proposal(_NOTICE, "An assessment found a high risk.", 6),
        _T.RETENTION: Proposal(_NOTICE, "Data are kept for another length of time."),
        _T.PURPOSE_REMOVED: Proposal(_MINOR, "Less is done than was agreed to."),
        _T.PURPOSE_RENAMED: Proposal(_MINOR, "The same purpose under another name."),
        _T.SERVICE_REMOVED: Proposal(_MINOR, "Fewer services receive data than was agreed to."),
        _T.COOKIE_REMOVED: Proposal(_MINOR, "Less is stored than was agreed to."),
        _T.WORDING: Proposal(_MINOR, "Said differently, meant the same."),
        _T.TRANSLATION: Proposal(_MINOR, "One language was corrected to say what the other says."),
        _T.TYPO: Proposal(_PATCH, "A slip of the pen."),
        _T.LINK: Proposal(_PATCH, "The same document at another address."),
        _T.UNCLASSIFIED: Proposal(
            _CONSENT, "Published elsewhere and never classified; an untyped change is not minor."
        ),
    }
)


def proposed_class(change_type: ChangeType) -> ChangeClass:
    """Return the class that a change of this type has unless a person decides otherwise."""
    return PROPOSED[change_type].change_class


def is_downgrade(change_type: ChangeType, change_class: ChangeClass) -> bool:
    """Return whether the chosen class is less serious than the proposed one.

    Where the proposed class is major, a downgrade needs a reason and a second person.
    """
    return change_class.rank < proposed_class(change_type).rank


def next_number(previous: str | None, classes: Iterable[ChangeClass]) -> str:
    """Return the number of the version that follows `previous`, `major.minor`.

    The first version is 1.0. A version without any typed change gets a major number: nobody has
    said that it is minor.
    """
    if previous is None:
        return "1.0"
    major, minor = version_order(previous)
    chosen = list(classes)
    if not chosen or any(change_class.is_major for change_class in chosen):
        return f"{major + 1}.0"
    return f"{major}.{minor + 1}"


@lru_cache(maxsize=4096)  # a sweep asks for the same few numbers millions of times
def version_order(number: str) -> tuple[int, int]:
    """Return what version numbers are compared by: 2.10 comes after 2.9."""
    major, minor = number.split(".")
    return int(major), int(minor)
