"""The desk's question as an address carries it: read into a filter, with a message for each field that cannot be read."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from consent_server.evidence.search import Filter

# The fields of the form, in its order; all may stand in an address, in any combination.
FIELDS = (
    "receipt",
    "visitor",
    "subject",
    "version",
    "language",
    "purpose",
    "choice",
    "action",
    "from",
    "from-time",
    "to",
    "to-time",
)
LONGEST = 128
WORDS = {  # for what `in_words` names
    "receipt": lazy_gettext("Receipt id"),
    "visitor": lazy_gettext("Visitor id"),
    "subject": lazy_gettext("Known user"),
    "version": lazy_gettext("Version"),
    "language": lazy_gettext("Language"),
    "purpose": lazy_gettext("Purpose"),
    "choice": lazy_gettext("Choice"),
    "action": lazy_gettext("Decision"),
    "since": lazy_gettext("From"),
    "before": lazy_gettext("Before"),
}
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


@dataclass(frozen=True)
class Query:
    """What was asked: `asked` as it was written, `wanted` as it is looked for, `errors` by field."""

    asked: dict[str, str]
    wanted: Filter
    errors: dict[str, str]


def read(arguments: Mapping[str, str]) -> Query:
    """Return the question of an address or a form."""
    errors: dict[str, str] = {}
    given = {name: arguments.get(name, "").strip()[:LONGEST] for name in FIELDS}
    values: dict[str, Any] = {
        "receipt_id": _uuid(given, "receipt", errors),
        "visitor_id": _uuid(given, "visitor", errors),
        "since": _instant(given, "from", errors),
        "before": _instant(given, "to", errors),
    }
    for name in ("subject", "version", "language", "purpose", "choice", "action"):
        values[name] = given[name] or None
    if values["before"] is not None:
        # The last day counts in full, and so does the last minute.
        values["before"] += timedelta(minutes=1) if given["to-time"] else timedelta(days=1)
    return Query({name: value for name, value in given.items() if value}, Filter(**values), errors)


def _uuid(given: Mapping[str, str], name: str, errors: dict[str, str]) -> uuid.UUID | None:
    try:
        return uuid.UUID(given[name]) if given[name] else None
    except ValueError:
        errors[name] = _("This is not an id; copy all of it, like 8c1f0f5e-….")
        return None


def _instant(given: Mapping[str, str], name: str, errors: dict[str, str]) -> datetime | None:
    day, time = given[name], given[f"{name}-time"]
    if time and not _TIME.fullmatch(time):
        errors[f"{name}-time"] = _("Write the time as hours and minutes, like 14:05.")
        return None
    if time and not day:
        errors[name] = _("A time needs its day.")
        return None
    try:
        return datetime.strptime(f"{day} {time or '00:00'} +0000", "%Y-%m-%d %H:%M %z") if day else None
    except ValueError:
        errors[name] = _("Write the date as year-month-day, like 2026-01-31.")
        return None


def in_words(wanted: Filter) -> dict[str, str]:
    """Return a filter as it is written into an archive: only what matters, instants in UTC."""
    shown = {
        "receipt": wanted.receipt_id,
        "visitor": wanted.visitor_id,
        "subject": wanted.subject,
        "version": wanted.version,
        "language": wanted.language,
        "purpose": wanted.purpose,
        "choice": wanted.choice,
        "action": wanted.action,
        "since": wanted.since,
        "before": wanted.before,
    }
    return {
        name: value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)
        for name, value in shown.items()
        if value is not None
    }
