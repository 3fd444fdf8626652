"""The time machine: what each purpose's state was, and which receipt decided it."""

import uuid
from typing import Any

import pytest
from flask.testing import FlaskClient

from consent_server import clock
from consent_server.consents.facts import DecisionFacts
from consent_server.consents.timeline import Decided, Timeline, purposes_at, timeline
from consent_server.db import transaction
from consent_server.policies.facts import VersionFacts
from consent_server.retention.service import erase_visitor
from tests import make
from tests.conftest import SetClock
from tests.consents.exported import get
from tests.contract.problems import problem
from tests.retention import people

YEAR = 365 * 86_400_000
FIRST = VersionFacts("1.0", (), ("analytics", "maps"))
RENAMED = VersionFacts.from_json(
    {
        "number": "1.1",
        "changes": [
            {"type": "purpose_renamed", "class": "minor", "purposes": ["stats"], "renamed_from": "analytics"}
        ],
        "purposes": ["stats", "maps", "video"],
    }
)


def decided(idx: int, action: str, version: str = "1.0", asked: Any = None, **choices: str) -> Decided:
    facts = DecisionFacts.from_json(
        {
            "version": version,
            "action": action,
            "choices": choices,
            "asked": asked,
            "at": idx * 1000,
            "until": idx * 1000 + YEAR,
        }
    )
    return Decided(uuid.UUID(int=idx), 1, idx, facts)


def test_each_purpose_names_the_receipt_that_decided_it() -> None:
    history = timeline(
        [
            decided(1, "accept_all", analytics="granted", maps="granted"),
            decided(2, "withdraw", asked=["maps"], analytics="granted", maps="denied"),
        ],
        [FIRST],
    )

    found = {each.purpose: each for each in purposes_at(history, [FIRST], 3000, "opt_in")}

    assert (found["analytics"].on, found["analytics"].by and found["analytics"].by.idx) == (True, 1)
    assert (found["maps"].on, found["maps"].by and found["maps"].by.idx) == (False, 2)
    assert [moment.changed for moment in history.moments] == [("analytics", "maps"), ("maps",)]


def test_a_renamed_purpose_still_names_its_receipt_and_a_new_one_none() -> None:
    history = timeline([decided(1, "accept_all", analytics="granted", maps="denied")], [FIRST, RENAMED])

    found = {each.purpose: each for each in purposes_at(history, [FIRST, RENAMED], 2000, "opt_in")}

    assert found["stats"].by is not None
    assert found["stats"].on
    assert found["video"].entry is None
    assert not found["video"].on


@pytest.mark.parametrize(("profile", "on"), [("opt_in", False), ("opt_out", True)])
def test_before_any_decision_the_region_decides(profile: Any, on: bool) -> None:
    found = purposes_at(Timeline(), [FIRST], 0, profile)

    assert [(each.on, each.entry, each.by) for each in found] == [(on, None, None)] * 2
    assert purposes_at(Timeline(), [], 0, profile) == []


def test_an_expired_consent_is_off_and_still_says_who_gave_it() -> None:
    history = timeline([decided(1, "accept_all", analytics="granted", maps="granted")], [FIRST])

    found = purposes_at(history, [FIRST], 1000 + YEAR, "opt_in")

    assert [each.on for each in found] == [False, False]
    assert all(each.by for each in found)


def test_the_past_of_a_browser(client: FlaskClient, set_clock: SetClock) -> None:
    set_clock(make.NOW)
    site = make.ready_site()
    visitor = people.decide(client, site)
    first = make.later(0)
    set_clock(make.later(10))
    people.decide(client, site, visitor, **make.refusal(site))
    set_clock(make.later(20))
    path = f"visitors/{visitor}/consent"

    before = get(client, site, path, at=clock.iso(make.later(-1))).get_json()
    then = get(client, site, path, at=clock.iso(make.later(5))).get_json()
    now = get(client, site, path).get_json()

    assert (before["state"], before["purposes"], before["moments"]) == (None, [], [])
    assert then["effective"] == ["analytics", "maps"]
    start = make.first_index(site)
    assert then["purposes"][0]["decided_by"]["log_index"] == start
    assert then["purposes"][0]["decided_at"] == clock.iso(first)
    assert now["effective"] == []
    assert [each["decided_by"]["log_index"] for each in now["purposes"]] == [start + 1, start + 1]
    assert [each["action"] for each in now["moments"]] == ["accept_all", "reject_all"]
    assert now["visitor_id"] == str(visitor)


def test_the_past_of_a_subject_counts_all_browsers(client: FlaskClient, set_clock: SetClock) -> None:
    set_clock(make.NOW)
    site = make.ready_site()
    people.known(client, site, "user-1")
    set_clock(make.later(1))
    people.known(client, site, "user-1", **make.refusal(site))

    now = get(client, site, "subjects/user-1/timeline").get_json()
    then = get(client, site, "subjects/user-1/timeline", at=clock.iso(make.NOW)).get_json()

    assert (now["effective"], then["effective"]) == ([], ["analytics", "maps"])
    assert len(now["moments"]) == 2
    assert now["subject"] == "user-1"


def test_who_is_unknown_erased_or_asked_about_the_future(client: FlaskClient, set_clock: SetClock) -> None:
    set_clock(make.NOW)
    site = make.ready_site()
    visitor = people.decide(client, site)
    future = clock.iso(make.later(1))

    problem(get(client, site, f"visitors/{uuid.uuid4()}/consent"), 404, "unknown-visitor")
    problem(get(client, site, f"visitors/{visitor}/consent", at=future), 422, "invalid-input")
    problem(get(client, site, "subjects/nobody/timeline"), 404, "unknown-subject")
    with transaction():
        erase_visitor(site, visitor, ring=people.ring(), now=make.NOW, actor="command")
    problem(get(client, site, f"visitors/{visitor}/consent"), 404, "unknown-visitor")
    assert client.get(f"/v1/sites/{site.key}/visitors/{visitor}/consent").status_code == 401
