"""Group commit: one committer thread per process takes whatever has queued and stores it in one transaction a site.

While one batch is being committed the next one queues: batches grow with the load and no timer is needed. What is
stored is drawn only when the site's log is locked, so that whatever came in while another process held the lock shares
the commit. A caller waits until its own batch is durable. What a failed batch held is tried again one by one, so that
one bad item never fails its neighbours; an error of the database fails them all, and nothing of it is acknowledged.
"""

import threading
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

import structlog
from flask import Flask

from consent_server.db import db, unreachable
from consent_server.problems import Unavailable

log = structlog.get_logger(__name__)

LONGEST_BATCH = 512
WAITING_ROOM = 4_096  # items queued at most; more would only wait longer than their callers do
PATIENCE = 30.0  # seconds that a caller waits for its batch

Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item")
Result = TypeVar("Result")


class Busy(Unavailable):
    slug = "busy"
    title = "More decisions are waiting than this server can store just now"


class _Ticket(Generic[Key, Item, Result]):
    """An item with a place for what became of it. `done` is a lock that is released then: the cheapest event."""

    __slots__ = ("done", "error", "item", "key", "result")

    def __init__(self, key: Key, item: Item) -> None:
        self.key, self.item = key, item
        self.result: Result | None = None
        self.error: BaseException | None = None
        self.done = threading.Lock()
        self.done.acquire()


class Lane(Generic[Key, Item, Result]):
    """The lane of one process.

    `work(key, draw)` stores items of one site in a transaction of its own. It calls `draw` once, as late as it can,
    for the items, and returns one result for each, after the commit.
    """

    def __init__(
        self, app: Flask, work: Callable[[Key, Callable[[], Sequence[Item]]], Sequence[Result]]
    ) -> None:
        self._app, self._work = app, work
        self._queue: SimpleQueue[_Ticket[Key, Item, Result] | None] = SimpleQueue()
        self._waiting: deque[_Ticket[Key, Item, Result]] = deque()  # taken from the queue, not yet stored
        self._ending = False
        self._thread = threading.Thread(target=self._run, name="committer", daemon=True)
        self._thread.start()

    def submit(self, key: Key, item: Item) -> Result:
        """Hand an item over and wait until it is stored.

        Raises:
            Busy: the waiting room is full, or the batch took too long; the item may or may not be stored.
            Exception: whatever `work` raised for this item.
        """
        if self._queue.qsize() + len(self._waiting) >= WAITING_ROOM:
            raise Busy("Nothing was stored. Send it again.", headers={"Retry-After": "2"})
        ticket = _Ticket[Key, Item, Result](key, item)
        self._queue.put(ticket)
        if not ticket.done.acquire(timeout=PATIENCE):
            raise Busy("Send it again under the same receipt id.", headers={"Retry-After": "5"})
        if ticket.error is not None:
            raise ticket.error
        return ticket.result  # type: ignore[return-value]  # set before `done`, unless there is an error

    def stop(self) -> None:
        """Store what has queued, then end the thread."""
        self._queue.put(None)
        self._thread.join(timeout=PATIENCE)

    def _run(self) -> None:
        with self._app.app_context():
            while True:
                if not self._waiting and not self._ending:
                    self._take(self._queue.get())
                if not self._waiting:
                    return
                self._store_next()

    def _take(self, ticket: _Ticket[Key, Item, Result] | None) -> None:
        if ticket is None:
            self._ending = True
        else:
            self._waiting.append(ticket)

    def _store_next(self) -> None:
        """Store what waits for the site that has waited longest."""
        key = self._waiting[0].key
        tickets: list[_Ticket[Key, Item, Result]] = []

        def draw() -> list[Item]:
            tickets.extend(self._draw(key))
            return [ticket.item for ticket in tickets]

        try:
            results = self._work(key, draw)
        except Exception as error:
            db.session.remove()
            self._failed(key, tickets or self._draw(key), error)
            return
        _succeed(tickets, results)

    def _draw(self, key: Key) -> list[_Ticket[Key, Item, Result]]:
        """Take all that have queued for a site, up to the longest batch; the others keep their order."""
        while True:
            try:
                self._take(self._queue.get_nowait())
            except Empty:
                break
        drawn: list[_Ticket[Key, Item, Result]] = []
        others: deque[_Ticket[Key, Item, Result]] = deque()
        for ticket in self._waiting:
            (drawn if ticket.key == key and len(drawn) < LONGEST_BATCH else others).append(ticket)
        self._waiting = others
        return drawn

    def _failed(self, key: Key, tickets: list[_Ticket[Key, Item, Result]], error: Exception) -> None:
        if len(tickets) == 1 or _is_about_the_database(error):
            _fail(tickets, error)
            return
        log.warning("batch repeated one by one", items=len(tickets), error=type(error).__name__)
        for ticket in tickets:
            try:
                results = self._work(key, lambda ticket=ticket: [ticket.item])  # type: ignore[misc]  # bound now
            except Exception as own:
                db.session.remove()
                _fail([ticket], own)
            else:
                _succeed([ticket], results)


def _is_about_the_database(error: Exception) -> bool:
    """Tell whether the database was away, so that trying each item again would only take longer."""
    return isinstance(error, Unavailable) or unreachable(error)


def _succeed(tickets: Sequence[_Ticket[Any, Any, Result]], results: Sequence[Result]) -> None:
    for ticket, result in zip(tickets, results, strict=True):
        ticket.result = result
        ticket.done.release()


def _fail(tickets: Sequence[_Ticket[Any, Any, Any]], error: BaseException) -> None:
    for ticket in tickets:
        ticket.error = error
        ticket.done.release()
