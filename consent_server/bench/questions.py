"""What is asked of the evidence desk and of the dashboard on a full database, again and again with other values."""

import random
import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from consent_server.console.dashboard import SPANS

BATCH = 500  # receipts that are stored together
DAYS = 90  # over which they are spread
TIMES, RECEIPTS_A_TIME = 25, 100  # each question is asked so often, among few receipts once for each hundred
CHARTS = ("days", "purposes", "languages", "versions", "answers", "expiring", "errors")
RECEIPT = re.compile(r'/receipts/[0-9a-f-]{36}"')
CHART, LINE = re.compile(r"/dashboard/([a-z]+)\.csv"), re.compile(r"^.+$", re.MULTILINE)


@dataclass(frozen=True)
class Story:
    """What was stored, as far as questions need it."""

    begin: datetime
    visitors: Sequence[uuid.UUID]
    receipts: Sequence[uuid.UUID]
    subject: str
    cookie: str


@dataclass(frozen=True)
class Question:
    """A kind of question: the addresses below the site's that ask it, and what in an answer is counted."""

    name: str
    asked: Sequence[str]
    shows: re.Pattern[str]


def times(count: int) -> int:
    """Return how often each question is asked among so many receipts."""
    return max(2, min(TIMES, count // RECEIPTS_A_TIME))


def desk(story: Story, dice: random.Random, often: int) -> Iterator[Question]:
    """Yield what is asked of the evidence desk, each question `often` times with other values where it has some."""
    kinds: dict[str, Callable[[], dict[str, str]]] = {
        "newest": dict,
        "receipt": lambda: {"receipt": str(dice.choice(story.receipts))},
        "visitor": lambda: {"visitor": str(dice.choice(story.visitors))},
        "known user": lambda: {"subject": story.subject},
        "version": lambda: {"version": dice.choice(("1.0", "1.1"))},
        "language": lambda: {"language": dice.choice(("en", "zh-CN"))},
        "purpose and choice": lambda: {"purpose": "marketing", "choice": dice.choice(("granted", "denied"))},
        "withdrawals": lambda: {"action": "withdraw"},
        "a day": lambda: _day(story, dice),
        "five minutes": lambda: _minutes(story, dice),
        "old version, language, choice": lambda: {
            "version": "1.0",
            "language": "zh-CN",
            "purpose": "maps",
            "choice": "granted",
            "action": "custom",
        },
        "a day's withdrawals in Chinese": lambda: (
            _day(story, dice) | {"action": "withdraw", "language": "zh-CN"}
        ),
        "a visitor's refusals": lambda: {"visitor": str(dice.choice(story.visitors)), "choice": "denied"},
        "nothing fits": lambda: {"action": "withdraw", "choice": "granted"},
        "a page far back": lambda: {
            "language": "en",
            "choice": "granted",
            "cursor": f"1.{dice.randrange(1, len(story.receipts) * BATCH)}",
        },
    }
    for name, make in kinds.items():
        yield Question(name, [f"receipts?{urlencode(make())}" for _ in range(often)], RECEIPT)


def dashboard(dice: random.Random, often: int) -> Iterator[Question]:
    """Yield what is asked of the dashboard: the page over each span, and each chart as a file."""
    for days in SPANS:
        yield Question(f"the dashboard, {days} days", [f"dashboard?days={days}"] * often, CHART)
    for key in CHARTS:
        spans = dice.choices(SPANS, k=often)
        yield Question(f"CSV of {key}", [f"dashboard/{key}.csv?days={days}" for days in spans], LINE)


def _day(story: Story, dice: random.Random) -> dict[str, str]:
    day = f"{story.begin + timedelta(days=dice.uniform(1, DAYS - 1)):%Y-%m-%d}"
    return {"from": day, "to": day}


def _minutes(story: Story, dice: random.Random) -> dict[str, str]:
    hour = dice.randrange(24)
    return _day(story, dice) | {"from-time": f"{hour:02}:00", "to-time": f"{hour:02}:04"}
