"""A visitor's first choice on the demo shop: accept, reject, choose in detail, come back, change one's mind."""

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Store, Visit
from tests.e2e.helpers import (
    ACCEPT,
    CARD,
    DIALOG,
    OPEN,
    PREFERENCES,
    REJECT,
    all_in,
    cookies,
    expect_nothing_asked,
    expect_states,
    has_decided,
    press,
    row,
)

pytestmark = pytest.mark.browser


def test_nothing_runs_and_nothing_is_stored_before_a_choice(store: Store, visit: Visit) -> None:
    page = visit(store.address)

    page.wait_for_selector(CARD)
    page.wait_for_timeout(500)

    expect_states(page, **all_in("blocked"))
    assert page.context.cookies() == []
    assert page.evaluate("() => Object.keys(localStorage)") == []
    assert store.receipts() == []


def test_accept_in_chinese_starts_everything_and_leaves_a_receipt(store: Store, visit: Visit) -> None:
    page = visit(store.address)
    expect(page.locator(ACCEPT)).to_have_text("全部接受")
    expect(page.locator(REJECT)).to_have_text("全部拒绝")

    press(page, ACCEPT)

    expect_states(page, **all_in("running"))
    assert cookies(page) == {"lm_visitor", "lm_page", "pp_ref"}
    (claims,) = store.receipts(1)
    assert (claims["action"], claims["language"], claims["policy_version"]) == ("accept_all", "zh-CN", "1.0")
    assert claims["choices"] == {"analytics": "granted", "maps": "granted", "marketing": "granted"}


def test_reject_is_the_same_effort_keeps_all_shut_and_leaves_a_receipt(store: Store, visit: Visit) -> None:
    page = visit(f"{store.address}/en", locale="en-GB")
    assert page.locator(ACCEPT).get_attribute("class") == page.locator(REJECT).get_attribute("class")

    press(page, REJECT)

    expect(page.locator(CARD)).to_have_count(0)
    expect_states(page, **all_in("blocked"))
    assert cookies(page) == set()
    (claims,) = store.receipts(1)
    assert (claims["action"], claims["language"]) == ("reject_all", "en")
    assert set(claims["choices"].values()) == {"denied"}


@pytest.mark.parametrize("button", [ACCEPT, REJECT])
def test_who_has_chosen_is_not_asked_again(store: Store, visit: Visit, button: str) -> None:
    page = visit(store.address)
    press(page, button)
    store.receipts(1)

    page.reload()

    expect_nothing_asked(page)
    expect_states(page, **all_in("running" if button == ACCEPT else "blocked"))
    store.receipts(1)


def test_a_choice_in_detail_opens_only_what_was_switched_on(store: Store, visit: Visit) -> None:
    page = visit(store.address)
    press(page, PREFERENCES)
    page.locator(f"{DIALOG} #csv-purpose-maps").check()

    press(page, "#csv-preferences-save")

    expect_states(page, analytics="blocked", maps="running", marketing="blocked")
    (claims,) = store.receipts(1)
    assert claims["action"] == "custom"
    assert claims["layer"] == "preferences"
    assert claims["choices"] == {"analytics": "denied", "maps": "granted", "marketing": "denied"}


def test_the_banner_speaks_the_language_of_the_page(store: Store, visit: Visit) -> None:
    page = visit(store.address, locale="en-GB")
    expect(page.locator(ACCEPT)).to_have_text("全部接受")

    page.click("#switch")

    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator(ACCEPT)).to_have_text("Accept all")
    expect(page.locator(CARD)).to_contain_text("Analytics")


def test_the_choice_holds_in_the_other_language(store: Store, visit: Visit) -> None:
    page = visit(store.address)
    press(page, ACCEPT)
    store.receipts(1)

    page.click("#switch")

    expect_nothing_asked(page)
    expect_states(page, **all_in("running"))
    expect(page.locator(OPEN)).to_have_text("Privacy choices")


@pytest.mark.parametrize("way", [OPEN, "footer [data-consent-open]", "#status [data-consent-open]"])
def test_the_preferences_open_again_from_the_page(store: Store, visit: Visit, way: str) -> None:
    page = visit(store.address)
    press(page, ACCEPT)
    expect(page.locator(CARD)).to_have_count(0)

    press(page, way)

    expect(page.locator(f"{DIALOG} #csv-purpose-analytics")).to_be_checked()


def test_withdrawing_erases_the_cookies_of_the_purpose_and_no_others(store: Store, visit: Visit) -> None:
    page = visit(store.address)
    press(page, ACCEPT)
    expect_states(page, **all_in("running"))
    press(page, "footer [data-consent-open]")
    page.locator(f"{DIALOG} #csv-purpose-analytics").uncheck()

    press(page, "#csv-preferences-save")

    expect_states(page, analytics="stopping", marketing="running")
    expect(page.locator("#cookies")).to_have_text("pp_ref")
    assert cookies(page) == {"pp_ref"}
    press(page, "#csv-reload")
    expect_states(page, analytics="blocked", maps="running", marketing="running")
    assert cookies(page) == {"pp_ref"}
    assert store.receipts(2)[1]["choices"]["analytics"] == "denied"


def test_withdrawing_everything_takes_two_presses(store: Store, visit: Visit) -> None:
    page = visit(store.address)
    press(page, ACCEPT)
    expect_states(page, **all_in("running"))

    press(page, OPEN)
    press(page, "#csv-preferences-withdraw-all")

    expect(page.locator("#cookies")).to_have_text("无")
    expect_states(page, maps="blocked")
    assert cookies(page) == set()
    assert store.receipts(2)[1]["action"] == "withdraw"
    page.reload()
    expect_states(page, **all_in("blocked"))
    expect_nothing_asked(page)


def test_the_map_has_a_placeholder_with_a_button_of_its_own(store: Store, visit: Visit) -> None:
    page = visit(store.address)
    cover = page.locator(".csv-frame")
    expect(cover).to_contain_text("地图")
    assert not any("/map/" in frame.url for frame in page.frames)

    cover.get_by_role("button").last.click()

    expect_states(page, analytics="blocked", maps="running", marketing="blocked")
    expect(page.frame_locator("iframe.map").get_by_role("img")).to_be_visible()
    (claims,) = store.receipts(1)
    assert claims["layer"] == "frame"
    assert claims["choices"]["maps"] == "granted"


def test_the_receipt_can_be_seen_and_the_server_verifies_it(store: Store, visit: Visit) -> None:
    page = visit(f"{store.address}/en", locale="en-GB")
    press(page, ACCEPT)
    store.receipts(1)

    page.click("#show-receipt")
    page.click("#verify-receipt")

    expect(page.locator("#receipt-text")).to_contain_text('"action": "accept_all"')
    expect(page.locator("#verdict")).to_contain_text("✓ It names the text that was published in en.")
    expect(page.locator("#verdict")).not_to_contain_text("✗")


def test_an_unknown_purpose_stays_shut(store: Store, visit: Visit) -> None:
    page = visit(store.address)
    press(page, ACCEPT)
    expect_states(page, **all_in("running"))

    assert has_decided(page)
    assert row(page, "recommendations").get_attribute("data-state") == "blocked"
    expect(page.locator("#picked")).to_be_hidden()
