"""10,000 visitors and 20 scripted changes on a database: whom the sweep flags is whom the oracle names."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask

from consent_server import clock
from consent_server.db import db, transaction
from consent_server.jobs import service as jobs
from consent_server.reconsent import service, tasks
from tests import make

from .population import NOW, START, VERSIONS, population
from .story import Story, between, body

pytestmark = pytest.mark.timeout(900)  # a minute and a half on an idle machine, more on a busy one
VISITORS = {"postgresql": 10_000, "sqlite": 1_000}  # the rules are the same; the statements are what differs
WATCHED = 400  # these are checked after every change, the whole population after every tenth and the last
BY_HTTP = 300  # these decide through the API


def test_the_sweep_flags_exactly_whom_the_oracle_names(live_app: Flask, engine: str, set_clock: Any) -> None:
    client = live_app.test_client()
    visitors = list(population(count=VISITORS[engine]))
    watched = {visitor["visitor_id"] for visitor in visitors[:WATCHED]}
    by_http = {visitor["visitor_id"] for visitor in visitors[:BY_HTTP]}
    story = Story.begin(live_app)

    for place, version in enumerate(VERSIONS):
        instant = clock.from_ms(version["published_at"] + 1)
        set_clock(instant)
        story.publish()
        make.run_jobs()
        flagged = story.flagged()
        whole = place % 10 == 9 or place == len(VERSIONS) - 1
        looked_at = [v for v in story.decided if whole or v in watched]
        assert {v: flagged[v] for v in looked_at if v in flagged} == story.expected(instant, looked_at)
        assert flagged.keys() <= story.decided.keys()

        end = VERSIONS[place + 1]["published_at"] if place + 1 < len(VERSIONS) else NOW
        arriving = between(visitors, version["published_at"] if place else START, end)
        for visitor, decision in sorted((d for d in arriving if d[0] in by_http), key=lambda d: d[1]["at"]):
            set_clock(clock.from_ms(decision["at"]))
            response = make.post(client, story.site, body(visitor, decision, story.build))
            assert response.status_code == 201, response.text
            story.note([(visitor, decision)])
        story.decide([d for d in arriving if d[0] not in by_http])
        set_clock(clock.from_ms(end))
        make.run_jobs()

    assert len(story.decided) > 0.9 * VISITORS[engine]
    _the_rule_on_read_says_the_same(story, client, sorted(watched & by_http)[:30], set_clock)


def _the_rule_on_read_says_the_same(story: Story, client: Any, visitors: list[str], set_clock: Any) -> None:
    instant = clock.from_ms(NOW)
    set_clock(instant)
    key = make.api_key(story.site)
    for visitor in visitors:
        if visitor not in story.decided:
            continue
        token = make.subject_token(story.site, visitor)
        assert make.identify(client, story.site, token, visitor).status_code == 200
        answer = client.get(
            f"/v1/sites/{story.site.key}/subjects/{visitor}/reconsent",
            headers={"Authorization": f"Bearer {key}"},
        ).get_json()
        assert answer["delta"] == story.judged(visitor, instant), visitor
        assert answer["needed"] is bool(answer["delta"] and answer["delta"]["ask"])


@pytest.fixture
def told(live_app: Flask, set_clock: Any, monkeypatch: Any) -> tuple[Story, datetime]:
    """Some 200 visitors who decided on the first 20 versions; the last but one is swept, the next is not published."""
    monkeypatch.setattr(service, "flag_batch", partial(service.flag_batch, size=40))  # a handful of batches
    visitors = list(population(seed=7, count=220))
    story = Story.begin(live_app)
    for place in range(20):
        story.publish()
        start = VERSIONS[place]["published_at"] if place else START
        story.decide(between(visitors, start, VERSIONS[place + 1]["published_at"]))
    instant = clock.from_ms(VERSIONS[20]["published_at"])
    set_clock(instant)
    make.run_jobs()
    assert story.flagged() == story.expected(instant)
    return story, instant + timedelta(milliseconds=1)


def test_a_sweep_that_died_in_the_middle_is_finished_by_another_worker(
    live_app: Flask, told: tuple[Story, datetime], set_clock: Any
) -> None:
    story, instant = told
    lease = live_app.extensions["settings"].lease_seconds
    set_clock(instant)
    story.publish()
    with transaction():
        job = jobs.claim_next(now=instant, lease=lease)
        assert job is not None
        job_id, claim, arguments = job.id, job.claim, dict(job.arguments)
    batches = tasks.sweep(**arguments, cursor=None, done=0)
    progress = next(batches)  # this worker does two batches of three, stores one, and is killed
    with transaction():
        assert jobs.advance(
            job_id, claim=claim, now=instant, lease=lease, cursor=progress.cursor, done=progress.done, total=1
        )
    next(batches)
    batches.close()
    assert story.flagged() != story.expected(instant)
    make.run_jobs()
    assert story.flagged() != story.expected(instant), "the dead worker's lease still holds"

    late = instant + lease + timedelta(seconds=1)
    set_clock(late)
    make.run_jobs()

    assert story.flagged() == story.expected(late)
    with transaction():
        assert not jobs.advance(job_id, claim=claim, now=late, lease=lease, cursor=None, done=0, total=1)
    db.session.rollback()


def test_decisions_that_arrive_during_the_sweep_are_neither_lost_nor_asked_again(
    told: tuple[Story, datetime], set_clock: Any
) -> None:
    story, instant = told
    set_clock(instant)
    site_id = story.site.id
    story.publish()
    everybody = sorted(story.decided)
    batches = tasks.sweep(site_id, 0, cursor=None, done=0)
    next(batches)

    seen, unseen, stale = everybody[:20], everybody[-20:], everybody[20:40] + everybody[-40:-20]
    current, before = VERSIONS[20], VERSIONS[19]
    ms = clock.to_ms(instant)
    story.decide(
        [(visitor, _yes(current, ms, place)) for place, visitor in enumerate(seen + unseen)]
        + [(visitor, _yes(before, ms + 1, 100 + place)) for place, visitor in enumerate(stale)]
    )
    for _ in batches:
        pass
    make.run_jobs()

    late = instant + timedelta(minutes=5)
    set_clock(late)
    make.run_jobs()
    flagged = story.flagged()
    assert flagged == story.expected(late)
    assert not set(seen + unseen) & flagged.keys()


def _yes(version: dict[str, Any], at: int, number: int) -> dict[str, Any]:
    return {
        "receipt_id": f"00000000-0000-4000-8000-{number:012d}",
        "version": version["number"],
        "language": "en",
        "action": "accept_all",
        "layer": "banner",
        "choices": dict.fromkeys(version["purposes"], "granted"),
        "asked": list(version["purposes"]),
        "at": at,
        "until": at + 180 * 86_400_000,
    }
