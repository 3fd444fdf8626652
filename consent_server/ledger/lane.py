"""Group commit: one committer thread per process takes whatever has queued and stores it in one transaction a site.

While one batch is being committed the next one queues: batches grow with the load and no timer is needed. What is
stored is drawn as late as it can be, so that whatever came in until then shares the commit. A caller waits until its
own batch is durable. What a failed batch held is tried again one by one, so that one bad item never fails its
neighbours; an error of the database fails them all, and nothing of it is acknowledged.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from itertools import islice
from queue import Empty, SimpleQueue
from typing import Any, Generic, NamedTuple, TypeVar

import structlog
from flask import Flask

from consent_server.db import db, unreachable
from consent_server.ledger.patience import Patience
from consent_server.ledger.waking import Waker
from consent_server.problems import Unavailable

log = structlog.get_logger(__name__)

LONGEST_BATCH = 512
WAITING_ROOM = 4_096  # items queued at most; more would only wait longer than their callers do
PATIENCE = 30.0  # seconds that a caller waits for its batch
LOOK = 0.001  # seconds between looks for those who shared the last batch
LOOKS = 4

Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item")
Result = TypeVar("Result")


class Busy(Unavailable):
    slug = "busy"
    title = "More decisions are waiting than this server can store just now"


class Failed(NamedTuple):
    """In the place of a result: why `work` could not store an item."""

    error: Exception


class _Ticket(Generic[Key, Item, Result]):
    """Items of one caller with a place for what became of them.

    `done` is called then. `error` is what failed all of them.
    """

    __slots__ = ("done", "error", "items", "key", "results")

    def __init__(self, key: Key, items: Sequence[Item], done: Callable[[], None]) -> None:
        self.key, self.items, self.done = key, items, done
        self.results: list[Result | Failed] = []
        self.error: Exception | None = None

    def outcome(self) -> list[Result | Failed]:
        if self.error is not None:
            raise self.error
        return self.results


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
        self._held = 0  # items queued or waiting
        self._counting = threading.Lock()
        self._last = 0  # tickets in the newest batch
        self._waker: Waker
        self._patience: Patience | None = None
        self._ending = False
        self._thread = threading.Thread(target=self._run, name="committer", daemon=True)
        self._thread.start()

    def submit(self, key: Key, item: Item) -> Result:
        """Hand an item over and wait until it is stored.

        Raises:
            Busy: the waiting room is full, or the batch took too long; the item may or may not be stored.
            Exception: whatever `work` raised for this item.
        """
        [result] = self.submit_all(key, [item])
        if isinstance(result, Failed):
            raise result.error
        return result

    def submit_all(self, key: Key, items: Sequence[Item]) -> list[Result | Failed]:
        """Hand items over and wait until all are stored; one that failed alone is a `Failed`.

        Raises:
            Busy: as above.
            Exception: what failed all of them.
        """
        done = threading.Lock()  # the cheapest event
        done.acquire()
        ticket = self._take_in(key, items, done.release)
        if not done.acquire(timeout=PATIENCE):
            raise _too_long()
        return ticket.outcome()

    async def all_stored(self, key: Key, items: Sequence[Item]) -> list[Result | Failed]:
        """Do the same for a caller on an event loop, which goes on meanwhile."""
        loop = asyncio.get_running_loop()
        if self._patience is None or self._patience.loop is not loop:
            self._waker, self._patience = Waker(loop), Patience(loop, PATIENCE)
        done: asyncio.Future[None] = loop.create_future()
        ticket = self._take_in(key, items, partial(self._waker.wake, done))
        wait = self._patience.wait(partial(_give_up, done))
        try:
            await done
        finally:
            wait.over = True
        return ticket.outcome()

    def stop(self) -> None:
        """Store what has queued, then end the thread."""
        self._queue.put(None)
        self._thread.join(timeout=PATIENCE)

    def _take_in(
        self, key: Key, items: Sequence[Item], done: Callable[[], None]
    ) -> _Ticket[Key, Item, Result]:
        with self._counting:
            if self._held + len(items) > WAITING_ROOM:
                raise Busy("Nothing was stored. Send it again.", headers={"Retry-After": "2"})
            self._held += len(items)
        ticket = _Ticket[Key, Item, Result](key, items, done)
        self._queue.put(ticket)
        return ticket

    def _run(self) -> None:
        with self._app.app_context():
            while True:
                if not self._waiting and not self._ending:
                    self._take(self._queue.get())
                if not self._waiting:
                    return
                self._gather()
                self._store_next()

    def _gather(self) -> None:
        """Wait a moment for as many callers as shared the last batch: they have just been answered and call again.

        One commit for all of them costs far less than two; a caller who is alone never waits for others.
        """
        for _ in range(LOOKS):
            if len(self._waiting) + self._queue.qsize() >= self._last or self._ending:
                break
            time.sleep(LOOK)

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
            return [item for ticket in tickets for item in ticket.items]

        try:
            results = self._work(key, draw)
        except Exception as error:
            db.session.remove()
            self._failed(key, tickets or self._draw(key), error)
        else:
            _succeed(tickets, results)
        self._last = len(tickets)

    def _draw(self, key: Key) -> list[_Ticket[Key, Item, Result]]:
        """Take all that have queued for a site, up to the longest batch; the others keep their order."""
        while True:
            try:
                self._take(self._queue.get_nowait())
            except Empty:
                break
        drawn: list[_Ticket[Key, Item, Result]] = []
        others: deque[_Ticket[Key, Item, Result]] = deque()
        items = 0
        for ticket in self._waiting:
            fits = not drawn or items + len(ticket.items) <= LONGEST_BATCH
            if ticket.key == key and fits:
                drawn.append(ticket)
                items += len(ticket.items)
            else:
                others.append(ticket)
        self._waiting = others
        with self._counting:
            self._held -= items
        return drawn

    def _failed(self, key: Key, tickets: list[_Ticket[Key, Item, Result]], error: Exception) -> None:
        items = sum(len(ticket.items) for ticket in tickets)
        if items == 1 or _is_about_the_database(error):
            _fail(tickets, error)
            return
        log.warning("batch repeated one by one", items=items, error=type(error).__name__)
        for ticket in tickets:
            ticket.results = [self._alone(key, item) for item in ticket.items]
            ticket.done()

    def _alone(self, key: Key, item: Item) -> Result | Failed:
        try:
            [result] = self._work(key, lambda: [item])
        except Exception as own:
            db.session.remove()
            return Failed(own)
        return result


def _too_long() -> Busy:
    return Busy("Send it again under the same receipt id.", headers={"Retry-After": "5"})


def _give_up(done: "asyncio.Future[None]") -> None:
    if not done.done():
        done.set_exception(_too_long())


def _is_about_the_database(error: Exception) -> bool:
    """Tell whether the database was away, so that trying each item again would only take longer."""
    return isinstance(error, Unavailable) or unreachable(error)


def _succeed(tickets: Sequence[_Ticket[Any, Any, Result]], results: Sequence[Result]) -> None:
    left = iter(results)
    for ticket in tickets:
        ticket.results = list(islice(left, len(ticket.items)))
        ticket.done()


def _fail(tickets: Sequence[_Ticket[Any, Any, Any]], error: Exception) -> None:
    for ticket in tickets:
        ticket.error = error
        ticket.done()
