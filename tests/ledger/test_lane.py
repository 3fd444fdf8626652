"""Group commit: what waits together is stored together, one bad item harms nobody, and a full room says so."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.exc import IntegrityError, OperationalError

from consent_server.ledger import lane as lanes
from consent_server.ledger.lane import Busy, Failed, Lane
from tests.front.asking import finished


class Store:
    """What a lane writes to: remembers its batches, and fails where it is told to."""

    def __init__(self) -> None:
        self.batches: list[tuple[str, list[Any]]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.draws_late = False  # as if another process held the lock meanwhile

    def __call__(self, key: str, draw: Callable[[], Sequence[Any]]) -> list[str]:
        if self.draws_late:
            self.entered.set()
            assert self.gate.wait(10)
        items = draw()
        if not self.draws_late:
            self.entered.set()
            assert self.gate.wait(10)
        if "poison" in items:
            raise IntegrityError("insert", None, Exception("bad row"))
        if "away" in items:
            raise OperationalError("insert", None, Exception("connection refused"))
        self.batches.append((key, list(items)))
        return [f"{item} stored" for item in items]


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def lane(app: Flask, store: Store) -> Iterator[Lane[str, Any, str]]:
    made: Lane[str, Any, str] = Lane(app, store)
    yield made
    store.gate.set()
    made.stop()


def together(lane: Lane[str, Any, str], store: Store, items: Sequence[tuple[str, Any]]) -> dict[Any, Any]:
    """Submit items while a first batch is held up, so that they queue; return each one's result or error."""
    answers: dict[Any, Any] = {}

    def submit(key: str, item: Any) -> None:
        try:
            answers[item] = lane.submit(key, item)
        except Exception as error:
            answers[item] = error

    store.gate.clear()
    first = threading.Thread(target=submit, args=("a", "first"))
    first.start()
    assert store.entered.wait(10)
    threads = [threading.Thread(target=submit, args=each) for each in items]
    for thread in threads:
        thread.start()
    while lane._queue.qsize() < len(items):  # the only way to know that all have queued
        pass
    store.gate.set()
    for thread in [first, *threads]:
        thread.join(20)
    return answers


def test_what_queues_during_a_commit_is_stored_in_one_batch_a_site(
    lane: Lane[str, Any, str], store: Store
) -> None:
    answers = together(lane, store, [("a", 1), ("a", 2), ("b", 3), ("a", 4)])

    assert answers == {"first": "first stored", **{n: f"{n} stored" for n in (1, 2, 3, 4)}}
    assert [(key, sorted(map(str, items))) for key, items in store.batches[1:]] in (
        [("a", ["1", "2", "4"]), ("b", ["3"])],
        [("b", ["3"]), ("a", ["1", "2", "4"])],
    )


def test_what_comes_in_while_the_lock_is_waited_for_shares_the_commit(
    lane: Lane[str, Any, str], store: Store
) -> None:
    store.draws_late = True

    together(lane, store, [("a", 1), ("b", 2), ("a", 3)])

    assert [(key, sorted(map(str, items))) for key, items in store.batches] == [
        ("a", ["1", "3", "first"]),
        ("b", ["2"]),
    ]


def test_one_bad_item_does_not_fail_its_neighbours(lane: Lane[str, Any, str], store: Store) -> None:
    answers = together(lane, store, [("a", 1), ("a", "poison"), ("a", 2)])

    assert answers[1] == "1 stored"
    assert answers[2] == "2 stored"
    assert isinstance(answers["poison"], IntegrityError)


def test_items_handed_over_together_have_a_result_each(lane: Lane[str, Any, str], store: Store) -> None:
    assert lane.submit_all("a", [1, 2, 3]) == ["1 stored", "2 stored", "3 stored"]

    first, bad, last = lane.submit_all("a", [4, "poison", 5])

    assert (first, last) == ("4 stored", "5 stored")
    assert isinstance(bad, Failed)
    assert isinstance(bad.error, IntegrityError)
    with pytest.raises(OperationalError):
        lane.submit_all("a", [6, "away"])


def test_a_batch_takes_no_more_than_its_longest_and_splits_nobodys_items(
    lane: Lane[str, Any, str], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "LONGEST_BATCH", 5)
    answers: list[Any] = []
    store.gate.clear()
    threads = [threading.Thread(target=lane.submit, args=("a", 0))]
    threads[0].start()
    assert store.entered.wait(10)
    for items in ([1, 2, 3], [4, 5, 6], [7, 8, 9, 10, 11, 12]):
        threads.append(threading.Thread(target=lambda i=items: answers.extend(lane.submit_all("a", i))))
        threads[-1].start()
        while lane._queue.qsize() < len(threads) - 1:  # the only way to know that it has queued
            pass
    store.gate.set()
    for thread in threads:
        thread.join(20)

    assert [items for _, items in store.batches] == [[0], [1, 2, 3], [4, 5, 6], [7, 8, 9, 10, 11, 12]]
    assert sorted(answers) == sorted(f"{n} stored" for n in range(1, 13))


def test_who_is_alone_does_not_wait_for_others_and_a_group_is_waited_for_once(
    lane: Lane[str, Any, str], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(lanes.time, "sleep", waits.append)

    lane.submit("a", 1)
    lane.submit("a", 2)
    assert waits == []
    store.entered.clear()
    together(lane, store, [("a", 3), ("a", 4)])
    lane.submit("a", 5)
    lane.submit("a", 6)

    assert waits == [lanes.LOOK] * lanes.LOOKS


def test_a_database_that_is_away_fails_the_batch_and_the_next_one_works(
    lane: Lane[str, Any, str], store: Store
) -> None:
    answers = together(lane, store, [("a", 1), ("a", "away")])

    assert isinstance(answers[1], OperationalError)
    assert isinstance(answers["away"], OperationalError)
    assert lane.submit("a", 5) == "5 stored"


def test_a_full_waiting_room_answers_at_once_that_nothing_was_stored(
    app: Flask, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "WAITING_ROOM", 2)
    lane: Lane[str, Any, str] = Lane(app, store)
    answers = together(lane, store, [("a", 1), ("a", 2)])
    store.gate.clear()
    store.entered.clear()
    waiting = [threading.Thread(target=lane.submit, args=("a", "held"))]
    waiting[0].start()
    assert store.entered.wait(10)
    waiting += [threading.Thread(target=lane.submit, args=("a", n)) for n in (3, 4)]
    for thread in waiting[1:]:
        thread.start()
    while lane._queue.qsize() < 2:
        pass

    with pytest.raises(Busy) as refused:
        lane.submit("a", 5)

    store.gate.set()
    for thread in waiting:
        thread.join(20)
    lane.stop()
    assert refused.value.headers == {"Retry-After": "2"}
    assert len(answers) == 3


def test_stopping_stores_what_has_queued(app: Flask, store: Store) -> None:
    lane: Lane[str, Any, str] = Lane(app, store)

    answers = together(lane, store, [("a", 1), ("a", 2)])
    lane.stop()

    assert set(answers) == {"first", 1, 2}


async def at_once(lane: Lane[str, Any, str], items: Sequence[Any]) -> list[Any]:
    async with asyncio.timeout(30):
        waiting = (lane.all_stored("a", [item]) for item in items)
        return await asyncio.gather(*waiting, return_exceptions=True)


def test_callers_on_an_event_loop_share_batches_and_get_results_of_their_own(
    lane: Lane[str, Any, str], store: Store
) -> None:
    for _ in range(2):  # another loop each time
        assert finished(at_once(lane, range(40))) == [[f"{number} stored"] for number in range(40)]

    assert len(store.batches) < 40
    [good, poisoned] = finished(at_once(lane, ["good", "poison"]))
    assert good == ["good stored"]
    assert isinstance(poisoned[0].error, IntegrityError)
    assert all(isinstance(each, OperationalError) for each in finished(at_once(lane, ["away"])))


def test_a_caller_on_an_event_loop_that_waits_too_long_is_told_to_send_it_again(
    lane: Lane[str, Any, str], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, "PATIENCE", 0.05)
    store.gate.clear()

    [answer] = finished(at_once(lane, ["held"]))
    store.gate.set()

    assert isinstance(answer, Busy)
    assert answer.headers == {"Retry-After": "5"}
    monkeypatch.undo()
    assert lane.submit("a", 5) == "5 stored"  # whose loop has ended is not waited for
