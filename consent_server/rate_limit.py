"""Limit how often one address may call a view.

In one process an instant for each address is enough (the generic cell rate algorithm, ITU-T I.371): it is the time at
which the address would have used up what it has called. Fleets count in a shared storage, through the `limits` library;
its own in-memory storage starts a thread for every expiry and looks at every address each time, which is why it is not
used here.
"""

import threading
import time
from collections.abc import Callable
from functools import cache, wraps
from typing import Any, TypeVar

import limits
from flask import Flask, current_app, has_app_context, request
from limits.storage import storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter

from consent_server.config import Settings
from consent_server.problems import TooManyRequests

View = TypeVar("View", bound=Callable[..., Any])
MEMORY = "memory://"
MOST_ADDRESSES = 100_000  # then those that are due again are forgotten, which costs them nothing


class RateLimiter:
    """Counts calls by name and address. `enabled` is for tests that call one view very often."""

    def __init__(self) -> None:
        self.enabled = True
        self._lock = threading.Lock()

    def limit(self, rate: str | Callable[[], str], *, name: str = "") -> Callable[[View], View]:
        """Limit a view to a rate such as `60 per minute`; a whole minute's calls may come at once.

        Args:
            rate: how often, or what gives it.
            name: what is counted; whatever has the same name shares the rate. By default the view alone.

        Raises (in the view):
            TooManyRequests: with `Retry-After` in seconds.
        """

        def wrap(view: View) -> View:
            @wraps(view)
            def limited(*args: Any, **kwargs: Any) -> Any:
                counted = name or f"{view.__module__}.{view.__qualname__}"
                allowed = rate if isinstance(rate, str) else rate()
                self.count(current_app, allowed, name=counted, address=request.remote_addr or "unknown")
                return view(*args, **kwargs)

            return limited  # type: ignore[return-value]  # the same signature

        return wrap

    def count(self, app: Flask, rate: str, *, name: str, address: str) -> None:
        """Count a call of what has this name by an address.

        Raises:
            TooManyRequests: with `Retry-After` in seconds.
        """
        settings: Settings = app.extensions["settings"]
        if not (self.enabled and settings.rate_limits):
            return
        item = parse(rate)
        if settings.rate_limit_storage == MEMORY:
            wait = self._wait(_due(app), item, name, address)
        else:
            allowed = _shared(settings.rate_limit_storage).hit(item, name, address)
            wait = 0.0 if allowed else float(item.get_expiry())
        if wait > 0:
            raise TooManyRequests(
                "Wait a little, then try again.", headers={"Retry-After": str(int(wait) + 1)}
            )

    def is_shared(self, app: Flask) -> bool:
        """Tell whether calls are counted in a storage elsewhere, which has to be waited for."""
        settings: Settings = app.extensions["settings"]
        return settings.rate_limits and settings.rate_limit_storage != MEMORY

    def reset(self) -> None:
        """Forget all calls of the current application, if there is one."""
        if has_app_context():
            with self._lock:
                _due(current_app).clear()

    def _wait(
        self, kept: dict[tuple[str, str], float], item: limits.RateLimitItem, name: str, address: str
    ) -> float:
        """Count a call and return the seconds until it would be allowed; 0 when it is."""
        window = float(item.get_expiry())
        each = window / item.amount
        instant = time.monotonic()
        with self._lock:
            if len(kept) >= MOST_ADDRESSES:
                for key in [key for key, due in kept.items() if due <= instant]:
                    del kept[key]
            due = max(kept.get((name, address), instant), instant)
            if due + each - instant > window:
                return due + each - instant - window
            kept[name, address] = due + each
        return 0.0


def _due(app: Flask) -> dict[tuple[str, str], float]:
    """Return, by name and address, when what was called will have been used up; each application has its own."""
    due: dict[tuple[str, str], float] = app.extensions.setdefault("rate_limits", {})
    return due


@cache
def parse(rate: str) -> limits.RateLimitItem:
    """Return a rate such as `600 per minute`; raises `ValueError` when it is not one."""
    return limits.parse(rate)


@cache
def _shared(storage: str) -> SlidingWindowCounterRateLimiter:
    return SlidingWindowCounterRateLimiter(storage_from_string(storage))


limiter = RateLimiter()
