"""Versions that were published elsewhere, each with its own date, as one chain."""

import orjson
import pytest
from flask import Flask

from consent_server.policies import history
from consent_server.policies.changes import ChangeType
from consent_server.policies.published import published_versions
from tests import make


def test_versions_follow_each_other_with_their_dates(app: Flask) -> None:
    site = make.site()

    versions = [make.imported_version(site, published_at=make.later(-days)) for days in (300, 200, 100)]

    assert [version.number for version in versions] == ["1.0", "2.0", "3.0"]
    assert [version.published_at for version in versions] == [make.later(-days) for days in (300, 200, 100)]
    assert all(version.elsewhere for version in versions)
    chain = [orjson.loads(version.snapshot or "")["predecessor"] for version in versions]
    assert chain == [None, *[(version.sha256 or b"").hex() for version in versions[:-1]]]


def test_a_difference_that_nobody_classified_counts_as_major_and_touches_all(app: Flask) -> None:
    site = make.site()
    make.imported_version(site, published_at=make.later(-20))

    version = make.imported_version(site, published_at=make.later(-10))

    assert orjson.loads(version.snapshot or "")["changes"] == [
        {"type": "unclassified", "class": "major_consent", "purposes": None}
    ]


def test_a_person_may_say_what_kind_of_change_it_was(app: Flask) -> None:
    site = make.site()
    make.imported_version(site, published_at=make.later(-20))

    assert make.imported_version(site, published_at=make.later(-10), change=ChangeType.TYPO).number == "1.1"


def test_a_number_may_be_given(app: Flask) -> None:
    site = make.site()
    make.imported_version(site, published_at=make.later(-20), number="3.2")

    assert make.imported_version(site, published_at=make.later(-10)).number == "4.0"


@pytest.mark.parametrize("number", ["3.2", "3.1", "1.0"])
def test_a_number_that_is_not_greater_is_taken(app: Flask, number: str) -> None:
    site = make.site()
    make.imported_version(site, published_at=make.later(-20), number="3.2")

    with pytest.raises(history.VersionTaken):
        make.imported_version(site, published_at=make.later(-10), number=number)
    assert len(published_versions(site.policy_id or 0)) == 1


@pytest.mark.parametrize("number", ["", "2", "2.x", "two", "2.0.1", "-1.0", "02.0", "0.1", "99999999999.0"])
def test_a_number_of_another_form_is_refused(app: Flask, number: str) -> None:
    from consent_server.problems import Problem

    site = make.site()

    with pytest.raises(Problem):
        make.imported_version(site, published_at=make.later(-10), number=number)


@pytest.mark.parametrize("days", [-30, 1])
def test_dates_go_forward_and_not_into_the_future(app: Flask, days: int) -> None:
    site = make.site()
    make.imported_version(site, published_at=make.later(-20))

    with pytest.raises(history.HistoryOutOfOrder):
        make.imported_version(site, published_at=make.later(days))


def test_two_versions_may_be_of_one_day(app: Flask) -> None:
    site = make.site()

    numbers = [make.imported_version(site, published_at=make.later(-20)).number for _ in range(2)]

    assert numbers == ["1.0", "2.0"]


def test_a_draft_stands_in_the_way(app: Flask) -> None:
    site = make.site()
    make.draft(site)

    with pytest.raises(history.HistoryOutOfOrder):
        make.imported_version(site, published_at=make.later(-20))


def test_what_comes_after_is_published_as_usual(app: Flask) -> None:
    site = make.site()
    make.imported_version(site, published_at=make.later(-20))
    make.purposes(site, "analytics")

    version = make.published_version(site, change="wording")

    assert version.number == "2.0"
    assert not version.elsewhere


def test_visitors_who_agreed_before_are_flagged_by_an_imported_version(client, set_clock) -> None:  # type: ignore[no-untyped-def]
    site = make.ready_site(now=make.later(-30))
    set_clock(make.later(-20))
    make.decide(client, site)
    set_clock(make.NOW)

    make.imported_version(site, published_at=make.later(-10))
    make.run_jobs()

    from consent_server.reconsent.service import counts

    assert counts(site.id).ask == {"visitor": 1}
