"""Time-outs on an event loop that all have one length, and hardly ever end: looked at together once in a while.

A timer for each would cost a busy loop more than what it waits for.
"""

import asyncio
from collections import deque
from collections.abc import Callable

EVERY = 1.0  # seconds between looks, and so how much later than it should a wait may end


class Wait:
    """Something that is waited for. `over` is set by who waits; `give_up` is called where that takes too long."""

    __slots__ = ("ends_at", "give_up", "given_up", "over")

    def __init__(self, ends_at: float, give_up: Callable[[], object]) -> None:
        self.ends_at, self.give_up = ends_at, give_up
        self.over = self.given_up = False


class Patience:
    """The waits of one event loop, all of so many seconds."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self.loop, self._seconds = loop, seconds
        self._waits: deque[Wait] = deque()  # the first one ends first
        self._looks = False

    def wait(self, give_up: Callable[[], object]) -> Wait:
        """Begin to wait."""
        begun = Wait(self.loop.time() + self._seconds, give_up)
        self._waits.append(begun)
        if not self._looks:
            self._looks = True
            self.loop.call_later(min(EVERY, self._seconds), self._look)
        return begun

    def _look(self) -> None:
        now, waits = self.loop.time(), self._waits
        while waits and (waits[0].over or waits[0].ends_at <= now):
            first = waits.popleft()
            if not first.over:
                first.given_up = True
                first.give_up()
        self._looks = bool(waits)
        if waits:
            self.loop.call_later(min(EVERY, self._seconds), self._look)
