"""The question to the audit log as an address carries it: read into a filter, with a message for each field that cannot be read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flask_babel import gettext as _

from consent_server.accounts.service import account_by_email, actor_of
from consent_server.audit.service import Filter

FIELDS = ("action", "actor", "site", "target", "from", "until")
LONGEST = 254
DAY = timedelta(days=1)
LAST_DAY = datetime.max.replace(tzinfo=UTC) - DAY  # the latest that a day can be added to
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
    until = _day(given, "until", errors)
    wanted = Filter(
        site_id=site_id,
        action=given["action"] or None,
        actor=given["actor"] or None,
        target=_target(given["target"], errors),
        since=_day(given, "from", errors),
        before=None if until is None else min(until, LAST_DAY) + DAY,  # the last day counts in full
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


def _day(given: Mapping[str, str], name: str, errors: dict[str, str]) -> datetime | None:
    try:
        return datetime.strptime(f"{given[name]} +0000", "%Y-%m-%d %z") if given[name] else None
    except ValueError:
        errors[name] = _("Write the date as year-month-day, like 2026-01-31.")
        return None
