"""The evidence desk and the dashboard on a full database: asked of the server over HTTP as a person asks them."""

import random
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from http.client import HTTPConnection
from statistics import median, quantiles
from typing import Any

from flask import Flask

from consent_server import clock
from consent_server.accounts import members
from consent_server.accounts import service as accounts
from consent_server.app import build
from consent_server.bench.cases import PRODUCT
from consent_server.bench.errors import BenchProblem
from consent_server.bench.questions import BATCH, DAYS, Question, Story, dashboard, desk, times
from consent_server.bench.servers import HOST
from consent_server.bench.site import ACTOR, publish_next
from consent_server.bench.stage import Stage
from consent_server.consents import subjects
from consent_server.consents.answers import Acknowledgement
from consent_server.consents.payload import Decision
from consent_server.consents.recording import record_all
from consent_server.consents.service import Submission
from consent_server.db import db, transaction
from consent_server.evidence.tasks import catch_up
from consent_server.policies.published import site_view
from consent_server.sites.service import site_by_key

BROWSERS = 4  # of the known user
SHARE_OF_FIRST_VERSION = 0.6
ACTIONS = (("accept_all", 0.55), ("reject_all", 0.35), ("custom", 0.09), ("withdraw", 0.01))
ALL_QUESTIONS, ALL_OF_DASHBOARD = "all questions", "all of the dashboard"


@dataclass(frozen=True)
class EvidenceRow:
    """One question's answers: milliseconds, and how many receipts, charts or lines one of them showed at most.

    `all questions` are those to the desk together, `all of the dashboard` those to the dashboard. `fill_us` and `read_us` are what storing a receipt and reading it
    into facets and counts took.
    """

    engine: str
    receipts: int
    question: str
    asked: int
    p50_ms: float
    p95_ms: float
    worst_ms: float
    shown: int
    fill_us: float
    read_us: float


def measure_evidence(stage: Stage, count: int, progress: Callable[[str], None]) -> list[EvidenceRow]:
    """Store decisions of many kinds, have them read, and ask.

    Raises:
        BenchProblem: a decision was refused, or an answer was not a page.
    """
    app, dice = build(stage.settings), random.Random(1)  # noqa: S311 - the same story each time
    with app.app_context():
        begun = time.monotonic()
        story = _fill(app, stage, count, dice, progress)
        filled = time.monotonic()
        catch_up()
        fill_us = (filled - begun) * 1e6 / count
        read_us = (time.monotonic() - filled) * 1e6 / count
        db.session.remove()
        db.engine.dispose()
    progress(
        f"{stage.engine} evidence: {count:,} stored at {fill_us:.0f} us each, read at {read_us:.0f} us each"
    )
    answers, often = [], times(count)
    asked = ((ALL_QUESTIONS, desk(story, dice, often)), (ALL_OF_DASHBOARD, dashboard(dice, often)))
    for together, questions in asked:
        found = [(each.name, *_ask(stage, story, each)) for each in questions]
        every = [ms for _, took, _ in found for ms in took]
        answers += [*found, (together, every, max(shown for *_, shown in found))]
    return [
        EvidenceRow(
            stage.engine,
            count,
            name,
            len(took),
            median(took),
            quantiles(took, n=20)[-1],
            max(took),
            shown,
            fill_us,
            read_us,
        )
        for name, took, shown in answers
    ]


def _fill(
    app: Flask, stage: Stage, count: int, dice: random.Random, progress: Callable[[str], None]
) -> Story:
    key, build_hash = stage.site.key, stage.site.banner["banner_build"]
    begin = clock.now() - timedelta(days=DAYS)
    visitors = [_uuid(dice) for _ in range(max(count // 2, BROWSERS))]
    receipts: list[uuid.UUID] = []
    number = stage.site.banner["policy_version"]
    turn = int(count * SHARE_OF_FIRST_VERSION)
    for first in range(0, count, BATCH):
        if first >= turn and number == stage.site.banner["policy_version"]:
            number = _next_version(key)
        part = [
            Submission(
                _decision(dice, build_hash, number, visitors), begin + timedelta(days=DAYS) * n / count
            )
            for n in range(first, min(first + BATCH, count))
        ]
        for outcome in record_all(key, part):
            if not isinstance(outcome, Acknowledgement):
                raise BenchProblem(f"filling: {outcome.title}: {outcome.detail}")
        receipts.append(part[0].decision.receipt_id)
        if first % (BATCH * 100) == 0:
            progress(f"{stage.engine} evidence: {first:,} of {count:,} receipts")
    with transaction():
        for visitor in visitors[:BROWSERS]:
            subjects.identify(site_view(key), "user-1", visitor, now=clock.now())
        person = accounts.create_account(
            email="bench@example.org", name="Bench", password=None, now=clock.now(), actor=ACTOR
        )
        members.grant(person, role="auditor", site_id=None, now=clock.now(), actor=ACTOR)
        cookie = accounts.start_session(person, now=clock.now())
    return Story(begin, visitors, receipts, "user-1", cookie)


def _next_version(key: str) -> str:
    with transaction():
        publish_next(site_by_key(key))
    current = site_view(key).current
    if current is None:
        raise BenchProblem("the site has lost its version")
    return current.number


def _decision(dice: random.Random, build_hash: str, number: str, visitors: Sequence[uuid.UUID]) -> Decision:
    action: Any = dice.choices([name for name, _ in ACTIONS], [share for _, share in ACTIONS])[0]
    keys = ("analytics", "maps", "marketing")
    choices: dict[str, Any] = dict.fromkeys(keys, "granted" if action == "accept_all" else "denied")
    if action == "custom":
        choices = {key: dice.choice(("granted", "denied")) for key in keys}
    return Decision(
        receipt_id=_uuid(dice),
        visitor_id=dice.choice(visitors),
        policy_version=number,
        language=dice.choices(("en", "zh-CN"), (0.7, 0.3))[0],
        action=action,
        layer="banner",
        choices=choices,
        asked=sorted(keys),
        banner_build=build_hash,
        decided_at=None,
        signals={},
    )


def _ask(stage: Stage, story: Story, question: Question) -> tuple[list[float], int]:
    """Return how long each answer took, in milliseconds, and the most that one of them shows."""
    connection = HTTPConnection(HOST, stage.ports[PRODUCT], timeout=120)
    took, most = [], 0
    try:
        for asked in question.asked:
            begun = time.perf_counter()
            path = f"/console/sites/{stage.site.key}/{asked}"
            connection.request("GET", path, headers={"Cookie": f"console_session={story.cookie}"})
            response = connection.getresponse()
            body = response.read().decode()
            took.append((time.perf_counter() - begun) * 1000)
            if response.status != 200:
                raise BenchProblem(f"{path}: {response.status}")
            most = max(most, len(set(question.shows.findall(body))))
    finally:
        connection.close()
    return took, most


def _uuid(dice: random.Random) -> uuid.UUID:
    return uuid.UUID(int=dice.getrandbits(128), version=4)
