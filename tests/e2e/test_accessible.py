"""The demo shop by axe and by keyboard alone, in both languages, on desk and phone, light and dark."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Store, Visit
from tests.e2e.helpers import ACCEPT, CARD, DIALOG, all_in, expect_states, press

pytestmark = pytest.mark.browser

SCREENS = [
    pytest.param(
        {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light", "reduced_motion": "reduce"},
        id="desk-light",
    ),
    pytest.param(
        {"viewport": {"width": 360, "height": 780}, "color_scheme": "dark", "reduced_motion": "reduce"},
        id="phone-dark",
    ),
]


def violations(page: Page) -> list[str]:
    """What axe finds on the page; the strict policy of the shop is kept, axe comes in from outside."""
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {node['html']}" for each in found for node in each["nodes"]]


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("path", ["/", "/en"])
def test_axe_finds_nothing(store: Store, visit: Visit, path: str, screen: dict[str, Any]) -> None:
    page = visit(store.address + path, **screen)
    page.wait_for_selector(CARD)
    assert violations(page) == []

    press(page, ACCEPT)
    expect_states(page, **all_in("running"))
    assert violations(page) == []

    press(page, "footer [data-consent-open]")
    page.wait_for_selector(DIALOG)
    assert violations(page) == []


@pytest.mark.parametrize("path", ["/", "/en"])
def test_nothing_is_wider_than_a_phone(store: Store, visit: Visit, path: str) -> None:
    page = visit(store.address + path, viewport={"width": 320, "height": 700})
    page.wait_for_selector(CARD)

    assert page.evaluate("() => document.documentElement.scrollWidth <= 320")


def test_the_keyboard_alone_is_enough(store: Store, visit: Visit) -> None:
    page = visit(f"{store.address}/en", locale="en-GB")
    page.wait_for_selector(CARD)

    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement?.id") == "csv-accept-all":
            break
    page.keyboard.press("Enter")

    expect_states(page, **all_in("running"))
    page.locator("footer [data-consent-open]").focus()
    page.keyboard.press("Enter")
    expect(page.locator(DIALOG)).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(DIALOG)).to_have_count(0)
    expect(page.locator("footer [data-consent-open]")).to_be_focused()
