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
from flask import current_app, has_app_context, request
from limits.storage import storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter

from consent_server.config import Settings
from consent_server.problems import TooManyRequests

View = TypeVar("View", bound=Callable[..., Any])
MEMORY = "memory://"
MOST_ADDRESSES = 100_000  # then those that are due again are forgotten, which costs them nothing


class RateLimiter:
    """Counts calls by view and address. `enabled` is for tests that call one view very often."""

    def __init__(self) -> None:
        self.enabled = True
        self._lock = threading.Lock()

    def limit(self, rate: str | Callable[[], str]) -> Callable[[View], View]:
        """Limit a view to a rate such as `60 per minute`; a whole minute's calls may come at once.

        Raises (in the view):
            TooManyRequests: with `Retry-After` in seconds.
        """

        def wrap(view: View) -> View:
            @wraps(view)
            def limited(*args: Any, **kwargs: Any) -> Any:
                settings: Settings = current_app.extensions["settings"]
                if self.enabled and settings.rate_limits:
                    item = parse(rate if isinstance(rate, str) else rate())
                    wait = self._wait(item, f"{view.__module__}.{view.__qualname__}", settings)
                    if wait > 0:
                        headers = {"Retry-After": str(int(wait) + 1)}
                        raise TooManyRequests("Wait a little, then try again.", headers=headers)
                return view(*args, **kwargs)

            return limited  # type: ignore[return-value]  # the same signature

        return wrap

    def reset(self) -> None:
        """Forget all calls of the current application, if there is one."""
        if has_app_context():
            with self._lock:
                _due().clear()

    def _wait(self, item: limits.RateLimitItem, view: str, settings: Settings) -> float:
        """Count a call and return the seconds until it would be allowed; 0 when it is."""
        address = request.remote_addr or "unknown"
        if settings.rate_limit_storage != MEMORY:
            shared = _shared(settings.rate_limit_storage)
            return 0.0 if shared.hit(item, view, address) else float(item.get_expiry())
        window = float(item.get_expiry())
        each = window / item.amount
        instant = time.monotonic()
        with self._lock:
            kept = _due()
            if len(kept) >= MOST_ADDRESSES:
                for key in [key for key, due in kept.items() if due <= instant]:
                    del kept[key]
            due = max(kept.get((view, address), instant), instant)
            if due + each - instant > window:
                return due + each - instant - window
            kept[view, address] = due + each
        return 0.0


def _due() -> dict[tuple[str, str], float]:
    """Return, by view and address, when what was called will have been used up; each application has its own."""
    due: dict[tuple[str, str], float] = current_app.extensions.setdefault("rate_limits", {})
    return due


@cache
def parse(rate: str) -> limits.RateLimitItem:
    """Return a rate such as `600 per minute`; raises `ValueError` when it is not one."""
    return limits.parse(rate)


@cache
def _shared(storage: str) -> SlidingWindowCounterRateLimiter:
    return SlidingWindowCounterRateLimiter(storage_from_string(storage))


limiter = RateLimiter()
