"""The only wall clock.

Entry points (a view, a page, a job, a command) call `now()` once and pass the instant on, so that one use
case sees one time and a test can choose it.
"""

from datetime import UTC, datetime
from functools import lru_cache


def now() -> datetime:
    """Return this instant: aware, UTC, whole milliseconds (what both databases and JavaScript keep)."""
    instant = datetime.now(UTC)  # noqa: TID251 - this is the one place
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


@lru_cache(maxsize=1_024)  # of the instants in a batch of decisions most are the same
def to_ms(instant: datetime) -> int:
    """Return milliseconds since 1970-01-01 UTC, the unit of the browser's `Date.now()`."""
    return round(instant.timestamp() * 1000)


def from_ms(ms: int) -> datetime:
    """Return the aware UTC instant of `ms` milliseconds since 1970-01-01."""
    return datetime.fromtimestamp(ms / 1000, UTC).replace(microsecond=ms % 1000 * 1000)


@lru_cache(maxsize=1_024)
def iso(instant: datetime) -> str:
    """Return RFC 3339 text in UTC with milliseconds, for example `2026-01-31T08:00:00.000Z`."""
    # Not strftime: it writes years before 1000 with fewer than four digits.
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
