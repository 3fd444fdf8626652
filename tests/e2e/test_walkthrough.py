"""What the demo prints, done by hand: accept in Chinese, publish in the console, be asked for the delta, come back elsewhere."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from consent_server import assets
from tests.demo.process import Running, running_demo
from tests.e2e.conftest import Visit
from tests.e2e.helpers import ACCEPT, CARD, all_in, expect_nothing_asked, expect_states, press

pytestmark = pytest.mark.browser


@pytest.fixture
def demo(widget_bundles: assets.Manifest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_demo(tmp_path_factory.mktemp("demo")) as running:
        yield running


def sign_in_to_the_console(visit: Visit, addresses: dict[str, Any]) -> Page:
    console = visit(addresses["console_url"], locale="en-GB")
    console.get_by_role("button", name="Sign in").click()
    expect(console.get_by_role("link", name="Lantern Books")).to_be_visible()
    return console


def publish_in_the_console(console: Page) -> None:
    console.get_by_role("link", name="Lantern Books").first.click()
    console.get_by_role("link", name="Policies").first.click()
    console.get_by_role("link", name="Privacy policy of Lantern Books").first.click()
    console.get_by_role("link", name="Review and publish").click()
    console.get_by_role("button", name="Publish version 2.0").click()
    expect(console.get_by_role("main")).to_contain_text("2.0")
    expect(console.get_by_role("link", name="Review and publish")).to_have_count(0)


def test_the_printed_steps_work(demo: Running, visit: Visit) -> None:
    visitor = visit(demo.addresses["site_url"])
    expect_states(visitor, **all_in("blocked"))
    press(visitor, ACCEPT)
    expect_states(visitor, **all_in("running"))
    visitor.click("#show-receipt")
    expect(visitor.locator("#receipt-text")).to_contain_text('"language": "zh-CN"')

    publish_in_the_console(sign_in_to_the_console(visit, demo.addresses))

    visitor.reload()
    card = visitor.locator(CARD)
    expect(card).to_contain_text("统计分析和推荐")
    expect(card).not_to_contain_text("营销")
    expect_states(visitor, **all_in("running"), recommendations="blocked")
    press(visitor, ACCEPT)
    expect_states(visitor, **all_in("running"), recommendations="running")

    visitor.click("#sign-in")
    expect(visitor.locator("#reader")).to_have_text("已登录：reader-1")
    elsewhere = visit(demo.addresses["site_url_en"], locale="en-GB")
    elsewhere.click("#sign-in")
    expect_states(elsewhere, **all_in("running"), recommendations="running")

    press(elsewhere, "footer [data-consent-open]")
    press(elsewhere, "#csv-preferences-withdraw-all")
    expect(elsewhere.locator("#cookies")).to_have_text("none")
    visitor.reload()
    expect_states(visitor, maps="blocked")

    expect_no_way_in_by_the_same_link(visit, demo.addresses)
    expect_a_newcomer_to_be_asked_about_the_new_version(visit, demo.addresses)


def expect_no_way_in_by_the_same_link(visit: Visit, addresses: dict[str, Any]) -> None:
    again = visit(addresses["console_url"], locale="en-GB")
    button = again.get_by_role("button", name="Sign in")
    if button.count():
        button.first.click()
    expect(again.get_by_role("link", name="Lantern Books")).to_have_count(0)


def expect_a_newcomer_to_be_asked_about_the_new_version(visit: Visit, addresses: dict[str, Any]) -> None:
    visitor = visit(addresses["site_url_en"], locale="en-GB")
    expect(visitor.locator(CARD)).to_contain_text("Recommendations")
    press(visitor, ACCEPT)
    visitor.wait_for_timeout(300)
    visitor.reload()
    expect_nothing_asked(visitor)
