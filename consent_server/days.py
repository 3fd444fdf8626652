"""Days and hours as an address carries them, read as UTC, with a message for each field that cannot be read.

Both ends of the calendar count: the last day there is ends with the last instant there is.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from flask_babel import gettext as _

LAST = datetime.max.replace(tzinfo=UTC)
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


def first(given: Mapping[str, str], name: str, errors: dict[str, str]) -> datetime | None:
    """Return the first instant of the day in a field, or of the minute where `<name>-time` has one; None for no day.

    Args:
        given: the fields as they were written.
        name: of the field.
        errors: gets the message of what cannot be read, by field.
    """
    day, time = given[name], given.get(f"{name}-time", "")
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


def after(given: Mapping[str, str], name: str, errors: dict[str, str]) -> datetime | None:
    """Return what `first` does, one day on, or one minute: the day or minute in the field counts in full."""
    begin = first(given, name, errors)
    if begin is None:
        return None
    length = timedelta(minutes=1) if given.get(f"{name}-time") else timedelta(days=1)
    return begin + length if begin <= LAST - length else LAST
