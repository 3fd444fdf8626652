"""Sums of the daily counts, for charts. Days are UTC; what came in the last seconds may not be counted yet."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select

from consent_server.db import db
from consent_server.evidence.models import DayCount

DECIDED = ""  # the purpose of the rows that count decisions


def days_between(first: date, last: date) -> list[date]:
    """Return every day from one to another, both included."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def decisions_by_day(site_id: int, first: date, last: date) -> dict[tuple[date, str], int]:
    """Return how many decisions were made, by day and action."""
    return _sums(site_id, first, last, (DayCount.day, DayCount.choice), DayCount.purpose == DECIDED)


def choices_by_purpose(site_id: int, first: date, last: date) -> dict[tuple[str, str], int]:
    """Return how many who were asked chose what, by purpose and choice."""
    return _sums(site_id, first, last, (DayCount.purpose, DayCount.choice), DayCount.purpose != DECIDED)


def decisions_by_language(site_id: int, first: date, last: date) -> dict[tuple[str, str], int]:
    """Return how many decisions were made, by language and action."""
    return _sums(site_id, first, last, (DayCount.language, DayCount.choice), DayCount.purpose == DECIDED)


def decisions_by_version(site_id: int, first: date, last: date) -> dict[tuple[str, str], int]:
    """Return how many decisions were made, by policy version and action."""
    return _sums(site_id, first, last, (DayCount.version, DayCount.choice), DayCount.purpose == DECIDED)


def answers_by_day(
    site_id: int, first: date, last: date, *, version: str, purposes: Sequence[str] = ()
) -> dict[tuple[date, str], int]:
    """Return what those said who were asked again on a version, by day and choice; by default about any purpose."""
    conditions = [DayCount.version == version, DayCount.layer == "delta", DayCount.purpose != DECIDED]
    if purposes:
        conditions.append(DayCount.purpose.in_(purposes))
    return _sums(site_id, first, last, (DayCount.day, DayCount.choice), *conditions)


def _sums(
    site_id: int, first: date, last: date, names: tuple[Any, Any], *conditions: ColumnElement[bool]
) -> dict[tuple[Any, str], int]:
    rows = db.session.execute(
        select(*names, func.sum(DayCount.count))
        .where(DayCount.site_id == site_id, DayCount.day >= first, DayCount.day <= last, *conditions)
        .group_by(*names)
    )
    return {(one, other): int(total) for one, other, total in rows}
