"""Group commit: one committer thread per process takes whatever has queued and stores it in one transaction a site.

While one batch is being committed the next one queues: batches grow with the load and no timer is needed. A caller
waits until its own batch is durable. What a failed batch held is tried again one by one, so that one bad item never
fails its neighbours; an error of the database fails them all, and nothing of it is acknowledged.
"""

import queue
import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import structlog
from flask import Flask
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from consent_server.db import db
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


@dataclass
class _Ticket(Generic[Key, Item, Result]):
    key: Key
    item: Item
    done: threading.Event = field(default_factory=threading.Event)
    result: Result | None = None
    error: BaseException | None = None


class Lane(Generic[Key, Item, Result]):
    """The lane of one process. `work(key, items)` stores a batch of one site in a transaction of its own.

    It returns one result for each item, after the commit.
    """

    def __init__(self, app: Flask, work: Callable[[Key, Sequence[Item]], Sequence[Result]]) -> None:
        self._app, self._work = app, work
        self._queue: queue.Queue[_Ticket[Key, Item, Result] | None] = queue.Queue(WAITING_ROOM)
        self._thread = threading.Thread(target=self._run, name="committer", daemon=True)
        self._thread.start()

    def submit(self, key: Key, item: Item) -> Result:
        """Hand an item over and wait until it is stored.

        Raises:
            Busy: the waiting room is full, or the batch took too long; the item may or may not be stored.
            Exception: whatever `work` raised for this item.
        """
        ticket = _Ticket[Key, Item, Result](key, item)
        try:
            self._queue.put_nowait(ticket)
        except queue.Full:
            raise Busy("Nothing was stored. Send it again.", headers={"Retry-After": "2"}) from None
        if not ticket.done.wait(PATIENCE):
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
                batch, ending = self._take()
                for key in dict.fromkeys(ticket.key for ticket in batch):
                    self._store(key, [ticket for ticket in batch if ticket.key == key])
                if ending:
                    return

    def _take(self) -> tuple[list[_Ticket[Key, Item, Result]], bool]:
        """Wait for the first ticket and take all that are there; True at the end says that the lane is closing."""
        batch: list[_Ticket[Key, Item, Result]] = []
        ticket = self._queue.get()
        while ticket is not None:
            batch.append(ticket)
            if len(batch) >= LONGEST_BATCH:
                return batch, False
            try:
                ticket = self._queue.get_nowait()
            except queue.Empty:
                return batch, False
        return batch, True

    def _store(self, key: Key, tickets: list[_Ticket[Key, Item, Result]]) -> None:
        try:
            results = self._work(key, [ticket.item for ticket in tickets])
        except Exception as error:
            db.session.remove()
            if len(tickets) == 1 or _is_about_the_database(error):
                _fail(tickets, error)
                return
            log.warning("batch repeated one by one", items=len(tickets), error=type(error).__name__)
            for ticket in tickets:
                self._store(key, [ticket])
            return
        for ticket, result in zip(tickets, results, strict=True):
            ticket.result = result
            ticket.done.set()


def _is_about_the_database(error: Exception) -> bool:
    """Tell whether the database was away, so that trying each item again would only take longer."""
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    return isinstance(error, (OperationalError, PoolTimeout, Unavailable)) or lost


def _fail(tickets: Sequence[_Ticket[Any, Any, Any]], error: BaseException) -> None:
    for ticket in tickets:
        ticket.error = error
        ticket.done.set()
