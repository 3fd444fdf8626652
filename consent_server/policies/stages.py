"""The way of a version: from draft over review and approval to publication. Pure.

    draft → in review → approved → scheduled → published → superseded

Four eyes: what goes out has been approved by a person who wrote no part of it. Where a site has one person who may
approve, it is that person's own word that counts.
"""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


class Stage(StrEnum):
    """Where a version is on its way."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    PUBLISHED = "published"
    SUPERSEDED = "superseded"


class Move(StrEnum):
    """What takes a version from one stage to another."""

    SUBMIT = "submit"
    CHANGE = "change"
    SEND_BACK = "send_back"
    APPROVE = "approve"
    SCHEDULE = "schedule"
    WITHDRAW = "withdraw"
    PUBLISH = "publish"
    SUPERSEDE = "supersede"


_S = Stage
TRANSITIONS: Final = MappingProxyType(
    {
        (_S.DRAFT, Move.CHANGE): _S.DRAFT,
        (_S.DRAFT, Move.SUBMIT): _S.IN_REVIEW,
        (_S.IN_REVIEW, Move.CHANGE): _S.IN_REVIEW,
        (_S.IN_REVIEW, Move.SEND_BACK): _S.DRAFT,
        (_S.IN_REVIEW, Move.APPROVE): _S.APPROVED,
        (_S.APPROVED, Move.CHANGE): _S.IN_REVIEW,  # an approval is for what was approved, and falls with it
        (_S.APPROVED, Move.SEND_BACK): _S.DRAFT,
        (_S.APPROVED, Move.SCHEDULE): _S.SCHEDULED,
        (_S.APPROVED, Move.PUBLISH): _S.PUBLISHED,
        (_S.SCHEDULED, Move.WITHDRAW): _S.APPROVED,
        (_S.SCHEDULED, Move.PUBLISH): _S.PUBLISHED,
        (_S.PUBLISHED, Move.SUPERSEDE): _S.SUPERSEDED,
    }
)
# One person writes and publishes: the ways that lead past a review.
ALONE: Final = MappingProxyType(
    {
        (_S.DRAFT, Move.APPROVE): _S.APPROVED,
        (_S.DRAFT, Move.PUBLISH): _S.PUBLISHED,
        (_S.IN_REVIEW, Move.PUBLISH): _S.PUBLISHED,
    }
)


def after(stage: Stage, move: Move, *, four_eyes: bool) -> Stage | None:
    """Return the stage that a move leads to; None where there is no such way."""
    found = TRANSITIONS.get((stage, move))
    return found if found is not None or four_eyes else ALONE.get((stage, move))


def may_approve(person: str, authors: Collection[str], *, four_eyes: bool) -> bool:
    """Tell whether a person may approve what these authors wrote."""
    return not four_eyes or person not in authors


def instant_of(date: str, time: str, zone: str) -> datetime:
    """Return the instant of a local date and time, as in ("2026-03-29", "09:00", "Europe/Berlin").

    Where clocks are put back the hour comes twice, and the first one counts.

    Raises:
        ValueError: not a date and time of the calendar in UTC, no such zone, or an hour that the zone's clocks skip.
    """
    try:
        place = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("zone") from error
    local = datetime.fromisoformat(f"{date}T{time}")
    if local.tzinfo is not None:
        raise ValueError("time")
    try:
        instant = local.replace(tzinfo=place).astimezone(UTC)
        there = instant.astimezone(place).replace(tzinfo=None)
    except OverflowError as error:  # at either end of the calendar, where the zone's offset leads out of it
        raise ValueError("calendar") from error
    if there != local:
        raise ValueError("skipped")
    return instant


def earliest(now: datetime, notice_days: int) -> datetime:
    """Return the first instant at which a version may take effect that is announced now."""
    return now + timedelta(days=notice_days)
