"""The question to the audit log as an address carries it: read into a filter, with a message for each field that cannot be read."""

from collections.abc import Mapping
from dataclasses import dataclass

from flask_babel import gettext as _

from consent_server import days
from consent_server.accounts.service import account_by_email, actor_of
from consent_server.audit.service import Filter

FIELDS = ("action", "actor", "site", "target", "from", "until")
LONGEST = 254
LARGEST_ID = 2**63 - 1


@dataclass(frozen=True)
class Query:
    """What was asked: `asked` as it was written, `wanted` as it is looked for, `errors` by field."""

    asked: dict[str, str]
    wanted: Filter
    errors: dict[str, str]


def read(arguments: Mapping[str, str], *, site_id: int | None, sites: Mapping[str, int]) -> Query:
    """Return the question of an address.

    Args:
        arguments: of the address.
        site_id: the one site that the page is about, or None for all.
        sites: ids by key, of those that may be asked for where the page is about all.
    """
    errors: dict[str, str] = {}
    given = {name: arguments.get(name, "").strip()[:LONGEST] for name in FIELDS}
    if site_id is None and given["site"]:
        site_id = sites.get(given["site"])
        if site_id is None:
            errors["site"] = _("There is no site with this key.")
    wanted = Filter(
        site_id=site_id,
        action=given["action"] or None,
        actor=given["actor"] or None,
        target=_target(given["target"], errors),
        since=days.first(given, "from", errors),
        before=days.after(given, "until", errors),
    )
    return Query({name: value for name, value in given.items() if value}, wanted, errors)


def read_place(given: str) -> int | None:
    """Return the id that a page of the log ended with; what is none begins at the newest."""
    return min(int(given), LARGEST_ID) if given.isdecimal() and len(given) < 20 else None


def _target(given: str, errors: dict[str, str]) -> str | None:
    """Return a target as the log has it; people may be named by their address."""
    if "@" not in given:
        return given or None
    account = account_by_email(given)
    if account is None:
        errors["target"] = _("There is no account with this address.")
        return None
    return actor_of(account)
