"""The way of a version is one table; whatever is tried on it, nothing goes out that nobody approved."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_server.policies.stages import (
    ALONE,
    TRANSITIONS,
    Move,
    Stage,
    after,
    earliest,
    instant_of,
    may_approve,
)

MOVES = st.lists(st.sampled_from(Move), max_size=30)


def walk(moves: list[Move], *, four_eyes: bool) -> list[tuple[Stage, Move, Stage]]:
    """The steps of those moves that there is a way for."""
    at, steps = Stage.DRAFT, []
    for move in moves:
        to = after(at, move, four_eyes=four_eyes)
        if to is not None:
            steps.append((at, move, to))
            at = to
    return steps


@given(MOVES)
def test_under_four_eyes_nothing_goes_out_but_what_was_approved_and_not_changed_since(
    moves: list[Move],
) -> None:
    approved = False
    for _at, move, to in walk(moves, four_eyes=True):
        if move is Move.APPROVE:
            approved = True
        if move in (Move.CHANGE, Move.SEND_BACK):
            approved = False
        if to in (Stage.APPROVED, Stage.SCHEDULED, Stage.PUBLISHED):
            assert approved


@given(MOVES, st.booleans())
def test_what_is_published_is_never_changed_and_published_once(moves: list[Move], four_eyes: bool) -> None:
    steps = walk(moves, four_eyes=four_eyes)

    assert [to for _, _, to in steps].count(Stage.PUBLISHED) <= 1
    assert all(to is Stage.SUPERSEDED for at, _, to in steps if at in (Stage.PUBLISHED, Stage.SUPERSEDED))


@given(MOVES, st.booleans())
def test_a_scheduled_draft_is_not_changed_before_it_is_withdrawn(moves: list[Move], four_eyes: bool) -> None:
    for at, move, _to in walk(moves, four_eyes=four_eyes):
        if at is Stage.SCHEDULED:
            assert move in (Move.WITHDRAW, Move.PUBLISH)


def test_every_stage_can_be_reached_and_one_person_gets_no_way_back_from_a_publication() -> None:
    assert set(TRANSITIONS.values()) == set(Stage)
    assert all(at in (Stage.DRAFT, Stage.IN_REVIEW) for at, _move in ALONE)
    assert not ALONE.keys() & TRANSITIONS.keys()


@given(st.sampled_from("abc"), st.sets(st.sampled_from("abc")))
def test_who_wrote_a_part_does_not_approve_it(person: str, authors: set[str]) -> None:
    assert may_approve(person, authors, four_eyes=True) == (person not in authors)
    assert may_approve(person, authors, four_eyes=False)


def test_an_hour_is_that_of_the_named_zone() -> None:
    assert instant_of("2026-07-01", "09:00", "Asia/Shanghai") == datetime(2026, 7, 1, 1, tzinfo=UTC)
    assert instant_of("2026-07-01", "09:00", "Europe/Berlin") == datetime(2026, 7, 1, 7, tzinfo=UTC)
    # The clocks go back at 03:00: of the two, the first.
    assert instant_of("2026-10-25", "02:30", "Europe/Berlin") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("date", "time", "zone", "why"),
    [
        ("2026-03-29", "02:30", "Europe/Berlin", "skipped"),
        ("2026-07-01", "09:00", "Mars/Olympus", "zone"),
        ("2026-07-01", "09:00", "../etc/passwd", "zone"),
        ("2026-07-01", "09:00+02:00", "UTC", "time"),
        ("9999-12-31", "23:00", "America/New_York", "calendar"),
        ("0001-01-01", "01:00", "Asia/Shanghai", "calendar"),
    ],
)
def test_an_hour_that_there_is_not_is_refused(date: str, time: str, zone: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        instant_of(date, time, zone)


@given(st.integers(0, 365))
def test_the_notice_period_is_kept(days: int) -> None:
    now = datetime(2026, 3, 2, tzinfo=UTC)

    assert earliest(now, days) - now == timedelta(days=days)
