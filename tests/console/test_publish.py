"""Publishing in the console: changes, obstacles, waivers, a second person, and whom it touches."""

import re

import pytest
from sqlalchemy import select

from consent_server.db import db
from consent_server.jobs.models import Job
from consent_server.policies import drafting
from consent_server.policies.published import published_versions
from consent_server.reconsent import service as reconsent
from consent_server.sites.models import Site
from tests import make
from tests.console.conftest import Console, audited, text_of


def path(shop: Site, rest: str = "") -> str:
    return f"/console/sites/{shop.key}/policies/privacy/draft/publish{rest}"


ROW = {
    "changes.0.type": "recipients",
    "changes.0.class": "",
    "changes.0.purposes.analytics": "on",
    "changes.0.summary.en": "A new recipient.",
    "changes.0.summary.zh-CN": "新增接收方。",
    "changes.0.reason": "",
    "do": "save",
}


def classified(console: Console, shop: Site, **changes: str):
    revision = console.value(path(shop), "revision")
    return console.send(path(shop, "/changes"), {**ROW, "revision": revision} | changes, page=path(shop))


def publish(console: Console, shop: Site):
    return console.send(path(shop), {"seen": console.value(path(shop), "seen")})


def numbers(shop: Site) -> list[str]:
    return [each.number for each in published_versions(drafting.policy_by_key(shop, "privacy").id)]


@pytest.fixture(autouse=True)
def draft(shop: Site) -> None:
    make.draft(shop)


def test_an_untyped_change_stands_in_the_way(console: Console, shop: Site) -> None:
    page = console.get(path(shop)).text

    assert 'data-obstacle="untyped-change"' in page
    assert "Publish version 2.0" in page
    assert "What we collect" in page
    assert publish(console, shop).status_code == 422
    assert numbers(shop) == ["1.0"]


def test_a_typed_change_is_saved_and_published(console: Console, shop: Site) -> None:
    saved = classified(console, shop)
    page = console.get(path(shop)).text
    done = publish(console, shop)

    assert saved.status_code == 303
    assert "Nothing stands in the way." in page
    assert "A new recipient." in page
    assert done.location == f"/console/sites/{shop.key}/reconsent"
    assert numbers(shop) == ["1.0", "2.0"]
    assert "Version 2.0 is published." in console.get(done.location).text
    assert (
        db.session.scalars(select(Job.name).where(Job.site_id == shop.id)).all().count("reconsent.sweep") == 2
    )
    assert audited("policies.publish") == 2
    assert audited("policies.classify") == 1


def test_rows_come_and_go_without_losing_what_was_written(console: Console, shop: Site) -> None:
    more = classified(console, shop, do="add")
    less = classified(console, shop, do="remove:0")

    assert 'name="changes.1.type"' in more.text
    assert "A new recipient." in more.text
    assert "A new recipient." not in less.text


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"changes.0.type": ""}, "type"),
        ({"changes.0.type": "nonsense"}, "type"),
        ({"changes.0.purposes.analytics": None}, "purposes"),
        ({"changes.0.type": "purpose_renamed"}, "renamed_from"),
        ({"changes.0.class": "minor"}, "reason"),
    ],
)
def test_a_row_that_is_wrong_says_where_and_keeps_the_rest(
    console: Console, shop: Site, wrong, field: str
) -> None:
    revision = console.value(path(shop), "revision")
    data = {
        name: value for name, value in {**ROW, "revision": revision, **wrong}.items() if value is not None
    }

    answer = console.send(path(shop, "/changes"), data, page=path(shop))

    assert answer.status_code == 422
    assert f'id="f-changes.0.{field}-error"' in answer.text
    assert "新增接收方。" in answer.text


def test_nobody_publishes_what_they_have_not_seen(console: Console, second: Console, shop: Site) -> None:
    classified(console, shop)
    seen = console.value(path(shop), "seen")
    classified(second, shop, **{"changes.0.summary.en": "Something else."})

    late = console.send(path(shop), {"seen": seen})

    assert late.status_code == 409
    assert "Something else." in late.text
    assert numbers(shop) == ["1.0"]


def test_a_purpose_that_changed_after_the_look_stops_publishing_too(console: Console, shop: Site) -> None:
    classified(console, shop)
    seen = console.value(path(shop), "seen")
    make.purposes(shop, "analytics", "maps", "video")

    assert console.send(path(shop), {"seen": seen}).status_code == 409
    page = text_of(console.get(path(shop)))
    assert "Found in purposes and services, not yet typed" in page
    assert "Purpose added" in page


def test_detected_changes_are_taken_into_the_list(console: Console, shop: Site) -> None:
    make.purposes(shop, "analytics", "maps", "video")

    answer = classified(console, shop, do="adopt")

    assert '<option value="purpose_added" data-reason' in answer.text
    assert re.search(r'name="changes\.1\.purposes\.video" checked', answer.text)


def test_a_lower_class_needs_a_reason_and_a_second_person(
    console: Console, second: Console, shop: Site
) -> None:
    lower = {"changes.0.class": "minor", "changes.0.reason": "The recipient was named before."}
    classified(console, shop, **lower)
    mine = console.get(path(shop)).text
    assert "another person must approve" in mine
    assert publish(console, shop).status_code == 422

    approve = re.search(r'action="([^"]+/approve/\d+)"', second.get(path(shop)).text)
    assert approve
    assert console.send(approve[1], page=path(shop)).status_code == 422
    assert second.send(approve[1], page=path(shop)).status_code == 303

    assert "Approved by mei@example.org" in console.get(path(shop)).text
    assert publish(console, shop).status_code == 303
    assert numbers(shop) == ["1.0", "1.1"]
    assert audited("policies.approve_downgrade") == 1


def test_a_language_out_of_step_is_waived_by_name_with_a_reason(console: Console, shop: Site) -> None:
    make.draft(shop, texts={"zh-CN": "# 隐私政策\n\n## 我们收集什么\n\n只有一节。\n"})
    classified(console, shop)
    assert 'data-obstacle="out-of-step"' in console.get(path(shop)).text
    found = make.findings(drafting.draft_of(drafting.policy_by_key(shop, "privacy")))  # type: ignore[arg-type]  # it is there
    db.session.rollback()
    waiver = {"fingerprint": found[0].fingerprint}

    bare = console.send(path(shop, "/waive"), waiver | {"reason": " "}, page=path(shop))
    given = console.send(path(shop, "/waive"), waiver | {"reason": "Court order, today."}, page=path(shop))
    odd = console.send(
        path(shop, "/waive"), waiver | {"reason": "x"}, page=path(shop)
    )  # it is waived already

    assert (bare.status_code, given.status_code, odd.status_code) == (422, 303, 409)
    for finding in found[1:]:
        assert publish(console, shop).status_code == 422
        more = {"fingerprint": finding.fingerprint, "reason": "Also today.", "back": "editor"}
        assert console.send(path(shop, "/waive"), more, page=path(shop)).location.endswith("/draft")
    assert "Court order, today." in console.get(path(shop)).text
    assert publish(console, shop).status_code == 303
    assert (
        "Court order, today." in console.get(f"/console/sites/{shop.key}/policies/privacy/versions/2.0").text
    )


def test_the_first_version_needs_no_classification(console: Console, app) -> None:
    shop = make.site()
    make.draft(shop)
    make.purposes(shop, "analytics")

    page = console.get(path(shop)).text

    assert "Publish version 1.0" in page
    assert "What kind of changes" not in page
    assert publish(console, shop).status_code == 303


def test_the_preview_counts_whom_publishing_then_flags(console: Console, shop: Site) -> None:
    for changes in (
        {},
        {},
        make.refusal(shop),
        {"action": "custom", "choices": {"analytics": "denied", "maps": "granted"}},
    ):
        make.decide(console.client, shop, **changes)
    classified(console, shop)
    page = text_of(console.get(path(shop)))
    assert "Visitors asked again 2" in page
    assert "Counted over all 4 records" in page

    publish(console, shop)
    make.run_jobs()

    assert reconsent.counts(shop.id).ask == {"visitor": 2}
    listed = console.get(f"/console/sites/{shop.key}/reconsent").text
    assert listed.count("?visitor=") == 2
    assert "4</span>" in listed


def test_progress_is_told_to_the_page_that_waits(console: Console, shop: Site) -> None:
    job = db.session.scalars(select(Job).where(Job.site_id == shop.id, Job.name == "reconsent.sweep")).one()

    answer = console.get(f"/console/sites/{shop.key}/reconsent/jobs/{job.id}")

    assert answer.get_json()["state"] in ("queued", "done")
    assert console.get(f"/console/sites/{shop.key}/reconsent/jobs/999").status_code == 404
