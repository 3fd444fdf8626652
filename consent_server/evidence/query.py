"""The desk's question as an address carries it: read into a filter, with a message for each field that cannot be read."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from consent_server import days
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
        "since": days.first(given, "from", errors),
        "before": days.after(given, "to", errors),
    }
    for name in ("subject", "version", "language", "purpose", "choice", "action"):
        values[name] = given[name] or None
    return Query({name: value for name, value in given.items() if value}, Filter(**values), errors)


def _uuid(given: Mapping[str, str], name: str, errors: dict[str, str]) -> uuid.UUID | None:
    try:
        return uuid.UUID(given[name]) if given[name] else None
    except ValueError:
        errors[name] = _("This is not an id; copy all of it, like 8c1f0f5e-….")
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
