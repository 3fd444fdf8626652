"""Who may do what: one table of actions by role. Pure.

A person has any number of roles, each on one site or on all. `docs/roles.md` shows this table, and a test walks every
cell of it over HTTP.
"""

from collections.abc import Collection
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Role(StrEnum):
    """What somebody is at a site. The values are in the database."""

    OWNER = "owner"
    AUTHOR = "author"
    APPROVER = "approver"
    DEVELOPER = "developer"
    SUPPORT = "support"
    AUDITOR = "auditor"


_OWNER, _AUTHOR, _APPROVER, _DEVELOPER, _SUPPORT, _AUDITOR = Role
ALL: Final = frozenset(Role)
# What everybody does who is signed in, with any role or none: find their sites, look after their own account.
ENTER: Final = "console.enter"


def _only(*roles: Role) -> frozenset[Role]:
    return frozenset(roles)


ACTIONS: Final = MappingProxyType(
    {
        ENTER: ALL,
        "sites.read": ALL,
        "sites.create": _only(_OWNER),
        "sites.configure": _only(_OWNER),
        "keys.read": _only(_OWNER, _DEVELOPER, _AUDITOR),
        "keys.manage": _only(_OWNER, _DEVELOPER),
        "people.read": _only(_OWNER, _AUDITOR),
        "people.manage": _only(_OWNER),
        "purposes.read": ALL,
        "purposes.edit": _only(_OWNER, _AUTHOR, _DEVELOPER),
        "policies.read": ALL,
        "policies.edit": _only(_OWNER, _AUTHOR),
        "policies.waive": _only(_OWNER, _AUTHOR, _APPROVER),
        "policies.comment": ALL - {_AUDITOR},
        "policies.approve": _only(_OWNER, _APPROVER),
        "policies.publish": _only(_OWNER, _APPROVER),
        "receipts.read": _only(_OWNER, _AUTHOR, _APPROVER, _SUPPORT, _AUDITOR),
        "reconsent.read": ALL,
        "reconsent.count": _only(_OWNER, _AUTHOR, _APPROVER),
        "campaigns.run": _only(_OWNER, _APPROVER),
        "audit.read": _only(_OWNER, _APPROVER, _AUDITOR),
    }
)


def may(roles: Collection[str], action: str) -> bool:
    """Tell whether somebody with these roles may do this.

    Raises:
        KeyError: the table has no such action.
    """
    return action == ENTER or not ACTIONS[action].isdisjoint(Role(role) for role in roles)


def who_may(action: str) -> tuple[Role, ...]:
    """Return the roles that may do this, in the order in which they are always shown."""
    return tuple(role for role in Role if role in ACTIONS[action])
