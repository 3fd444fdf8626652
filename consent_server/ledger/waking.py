"""Wake callers that wait on an event loop, from another thread: many at once for the price of one.

Every call into a loop from outside writes to a pipe that the loop reads, and has two threads change places. What a batch
has done is therefore collected, and the loop is told once.
"""

import asyncio
from collections import deque


class Waker:
    """Ends futures of one event loop. `wake` may be called from any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._awake: deque[asyncio.Future[None]] = deque()
        self._told = False

    def wake(self, future: "asyncio.Future[None]") -> None:
        """Have the future end soon; one that was given up stays as it is."""
        self._awake.append(future)
        if not self._told:
            self._told = True
            try:
                self.loop.call_soon_threadsafe(self._end)
            except RuntimeError:  # the loop has ended, and with it all who waited
                self._awake.clear()

    def _end(self) -> None:
        self._told = False  # first: what is added from here on either is taken below or tells the loop again
        while self._awake:
            future = self._awake.popleft()
            if not future.done():
                future.set_result(None)
