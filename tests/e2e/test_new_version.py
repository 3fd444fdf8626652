"""A new policy version on the demo shop: a major one asks for the delta, a minor one asks nobody."""

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Store, Visit
from tests.e2e.helpers import (
    ACCEPT,
    CARD,
    PREFERENCES,
    REJECT,
    all_in,
    cookies,
    expect_nothing_asked,
    expect_states,
    press,
)

pytestmark = pytest.mark.browser

WORDING = [
    {"type": "wording", "purposes": None, "summary": {"en": "Said more clearly.", "zh-CN": "表述更清楚。"}}
]


def test_a_draft_changes_nothing_for_visitors(store: Store, visit: Visit) -> None:
    page = visit(store.address)

    expect(page.locator(CARD)).not_to_contain_text("推荐")
    expect(page.locator("#version")).to_contain_text("1.0")


def test_a_major_version_asks_about_the_delta_only_and_keeps_the_old_scope_meanwhile(
    store: Store, visit: Visit
) -> None:
    page = visit(store.address)
    press(page, ACCEPT)
    store.receipts(1)
    assert store.publish() == "2.0"

    page.reload()

    card = page.locator(CARD)
    expect(card).to_contain_text("统计分析")
    expect(card).to_contain_text("推荐")
    expect(card).to_contain_text("Tidewater Research")
    expect(card).not_to_contain_text("营销")
    expect(card).not_to_contain_text("就地图")
    expect_states(page, **all_in("running"), recommendations="blocked")
    store.receipts(1)


def test_accepting_the_delta_switches_the_new_purpose_on_and_settles_it(store: Store, visit: Visit) -> None:
    page = visit(store.address)
    press(page, ACCEPT)
    store.receipts(1)
    store.publish()
    page.reload()

    press(page, ACCEPT)

    expect_states(page, **all_in("running"), recommendations="running")
    expect(page.locator("#picked")).to_be_visible()
    claims = store.receipts(2)[1]
    assert claims["layer"] == "delta"
    assert claims["asked"] == ["analytics", "recommendations"]
    assert set(claims["choices"].values()) == {"granted"}
    page.reload()
    expect_nothing_asked(page)
    expect_states(page, **all_in("running"), recommendations="running")


def test_rejecting_the_delta_ends_what_was_asked_and_keeps_the_rest(store: Store, visit: Visit) -> None:
    page = visit(store.address)
    press(page, ACCEPT)
    store.receipts(1)
    store.publish()
    page.reload()
    expect(page.locator(CARD)).to_contain_text("推荐")

    press(page, REJECT)

    expect_states(page, maps="running", marketing="running", recommendations="blocked")
    expect(page.locator("#cookies")).to_have_text("pp_ref")
    assert store.receipts(2)[1]["choices"] == {
        "analytics": "denied",
        "maps": "granted",
        "marketing": "granted",
        "recommendations": "denied",
    }
    page.reload()
    expect_nothing_asked(page)
    expect_states(page, analytics="blocked", maps="running")
    assert cookies(page) == {"pp_ref"}


def test_who_refused_is_asked_about_the_new_purpose_only(store: Store, visit: Visit) -> None:
    page = visit(store.address)
    press(page, REJECT)
    store.receipts(1)
    store.publish()

    page.reload()

    press(page, ACCEPT)
    expect_states(page, **all_in("blocked"), recommendations="running")
    assert store.receipts(2)[1]["asked"] == ["recommendations"]


def test_who_comes_for_the_first_time_is_asked_about_the_new_version(store: Store, visit: Visit) -> None:
    store.publish()

    page = visit(store.address)

    expect(page.locator(CARD)).to_contain_text("推荐")
    press(page, ACCEPT)
    (claims,) = store.receipts(1)
    assert (claims["policy_version"], claims["layer"]) == ("2.0", "banner")


def test_a_minor_version_asks_nobody(store: Store, visit: Visit) -> None:
    page = visit(store.address)
    store.publish()
    page.reload()
    press(page, ACCEPT)
    store.receipts(1)
    assert store.publish("v2.1", WORDING) == "2.1"

    page.reload()

    expect_nothing_asked(page)
    expect(page.locator("#version")).to_have_text("2.1")
    expect_states(page, **all_in("running"), recommendations="running")
    store.receipts(1)


def test_the_delta_can_be_answered_in_detail(store: Store, visit: Visit) -> None:
    page = visit(store.address)
    press(page, ACCEPT)
    store.receipts(1)
    store.publish()
    page.reload()
    expect(page.locator(CARD)).to_contain_text("推荐")

    press(page, PREFERENCES)
    expect(page.locator("#csv-purpose-analytics")).not_to_be_checked()
    expect(page.locator("#csv-purpose-marketing")).to_be_checked()
    page.locator("#csv-purpose-recommendations").check()
    press(page, "#csv-preferences-save")

    expect_states(page, maps="running", marketing="running", recommendations="running")
    assert store.receipts(2)[1]["choices"]["analytics"] == "denied"
