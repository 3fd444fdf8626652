"""Known users on the demo shop: a choice follows its subject; nobody else's token counts."""

import pytest
from playwright.sync_api import Page, expect

from consent_server import clock
from consent_server.demo.identity import identity_token
from tests.e2e.conftest import OpenStore, Store, Visit
from tests.e2e.helpers import (
    ACCEPT,
    CARD,
    REJECT,
    all_in,
    expect_nothing_asked,
    expect_states,
    has_decided,
    press,
)

pytestmark = pytest.mark.browser


def sign_in(page: Page) -> None:
    page.click("#sign-in")
    expect(page.locator("#reader")).to_have_text("已登录：reader-1")


def identify(page: Page, token: str) -> bool:
    known: bool = page.evaluate("token => Consent.identify(token)", token)
    return known


def test_a_second_browser_of_the_same_reader_adopts_the_choice(store: Store, visit: Visit) -> None:
    first = visit(store.address)
    press(first, ACCEPT)
    store.receipts(1)
    sign_in(first)

    second = visit(store.address)
    expect_states(second, **all_in("blocked"))
    sign_in(second)

    expect_states(second, **all_in("running"))
    expect(second.locator(CARD)).to_have_count(0)
    second.reload()
    expect_nothing_asked(second)
    expect_states(second, **all_in("running"))
    store.receipts(1)


def test_a_refusal_follows_too(store: Store, visit: Visit) -> None:
    first = visit(store.address)
    press(first, REJECT)
    store.receipts(1)
    sign_in(first)

    second = visit(store.address)
    sign_in(second)

    expect(second.locator(CARD)).to_have_count(0)
    assert has_decided(second)
    expect_states(second, **all_in("blocked"))


def test_a_withdrawal_in_one_browser_reaches_the_other(store: Store, visit: Visit) -> None:
    first = visit(store.address)
    press(first, ACCEPT)
    store.receipts(1)
    sign_in(first)
    second = visit(store.address)
    sign_in(second)
    expect_states(second, **all_in("running"))

    second.evaluate("() => Consent.withdraw()")
    store.receipts(2)
    first.reload()

    expect_states(first, analytics="stopping", maps="blocked", marketing="stopping")
    first.reload()
    expect_states(first, **all_in("blocked"))


def test_who_signs_in_first_and_chooses_then_is_known_elsewhere_at_once(store: Store, visit: Visit) -> None:
    first = visit(store.address)
    sign_in(first)
    press(first, ACCEPT)
    store.receipts(1)
    expect_states(first, **all_in("running"))
    first.wait_for_timeout(500)

    second = visit(store.address)
    sign_in(second)

    expect_states(second, **all_in("running"))


def test_signing_out_leaves_the_browser_to_the_next_person(store: Store, visit: Visit) -> None:
    page = visit(store.address)
    press(page, ACCEPT)
    store.receipts(1)
    sign_in(page)

    page.click("#sign-out")

    expect(page.locator("#reader")).to_have_text("未登录")
    page.reload()
    expect(page.locator(CARD)).to_be_visible()
    expect_states(page, **all_in("blocked"))


def test_a_forged_token_is_refused_and_changes_nothing(store: Store, visit: Visit) -> None:
    first = visit(store.address)
    press(first, ACCEPT)
    store.receipts(1)
    sign_in(first)

    page = visit(store.address)

    assert identify(page, store.token(secret="a guess")) is False
    assert identify(page, "no.token.atall") is False
    assert not has_decided(page)
    expect_states(page, **all_in("blocked"))


def test_an_expired_token_and_another_sites_token_are_refused(open_store: OpenStore, visit: Visit) -> None:
    store, other = open_store(), open_store()
    page = visit(store.address)
    hours_ago = int(clock.now().timestamp()) - 7_200
    expired = identity_token("reader-1", site_key=store.key, secret=store.shop.identity_secret, now=hours_ago)

    assert identify(page, expired) is False
    assert identify(page, other.token()) is False
    assert identify(page, store.token(site_key=other.key)) is False
    assert not has_decided(page)


def test_two_readers_of_one_browser_do_not_share_a_choice(store: Store, visit: Visit) -> None:
    page = visit(store.address)
    press(page, ACCEPT)
    store.receipts(1)
    assert identify(page, store.token("reader-1"))

    assert identify(page, store.token("reader-2"))

    assert not has_decided(page)
    expect_states(page, maps="blocked")
