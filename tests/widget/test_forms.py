"""The forms that a card may have, and what a visitor's own settings do to it."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.widget.conftest import OpenPage
from tests.widget.helpers import ACCEPT, CARD, DIALOG, OPEN, PREFERENCES, REJECT, stored, wait_for_decisions
from tests.widget.stage import Stage

pytestmark = pytest.mark.browser

BODY = "<main><h1>A page</h1><a href='#x' id=link>A link</a>" + "<p>Some text.</p>" * 60 + "</main>"
SHEET = ".csv-sheet"
FACTS = """() => {
  const box = document.querySelector(".csv-card").getBoundingClientRect();
  const focus = document.activeElement;
  return {
    middle: [Math.round(box.x + box.width / 2 - innerWidth / 2), Math.round(box.y + box.height / 2 - innerHeight / 2)],
    width: box.width, foot: Math.round(innerHeight - box.bottom), cover: box.width * box.height / innerWidth / innerHeight,
    focus: focus.id || focus.className || focus.localName,
    modal: !!document.querySelector(".csv-sheet:modal"), open: !!document.querySelector(".csv-sheet[open]"),
  };
}"""


def shown(stage: Stage, open_page: OpenPage, form: str, **options: Any) -> Page:
    stage.changes = {"theme": {"form": form}}
    page = open_page(stage.page(BODY), **options)
    page.wait_for_selector(SHEET if form in ("dialog", "modal") else CARD, state="attached")
    page.wait_for_selector(ACCEPT)
    return page


def violations(page: Page) -> list[str]:
    return [one["id"] for one in Axe().run(page).response["violations"]]


def test_a_bar_lies_along_the_foot_and_leaves_the_page_usable(stage: Stage, open_page: OpenPage) -> None:
    page = shown(stage, open_page, "bottom")

    facts = page.evaluate(FACTS)
    page.click("#link", timeout=30_000)

    assert (facts["width"], facts["foot"], facts["focus"]) == (1280, 0, "body")
    assert facts["cover"] < 0.25
    assert page.locator(ACCEPT).bounding_box()["width"] == page.locator(REJECT).bounding_box()["width"]
    assert violations(page) == []


def test_a_dialog_stands_in_the_middle_traps_nobody_and_takes_no_focus(
    stage: Stage, open_page: OpenPage
) -> None:
    page = shown(stage, open_page, "dialog")

    facts = page.evaluate(FACTS)
    page.keyboard.press("Escape")
    assert page.get_by_role("dialog", name="Your privacy, your choice").is_visible()
    assert (facts["middle"], facts["focus"], facts["modal"], facts["open"]) == ([0, 0], "body", False, True)
    assert violations(page) == []
    page.click("#link")
    page.focus(REJECT)
    page.keyboard.press("Enter")
    page.wait_for_selector(SHEET, state="detached")

    assert wait_for_decisions(page, stage, 1)[0]["action"] == "reject_all"
    assert page.locator(OPEN).is_visible()


def test_a_modal_dialog_holds_the_page_until_it_is_answered_or_escaped(
    stage: Stage, open_page: OpenPage
) -> None:
    page = shown(stage, open_page, "modal")
    page.wait_for_selector(f"{SHEET}:modal", state="attached")

    facts = page.evaluate(FACTS)
    assert (facts["middle"], facts["focus"], facts["modal"]) == ([0, 0], "csv-sheet", True)
    page.emulate_media(media="print")
    assert not page.locator(SHEET).is_visible()
    page.emulate_media(media="screen")
    assert page.evaluate("document.querySelector('#link').focus() ?? document.activeElement.id") != "link"
    assert violations(page) == []
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "csv-reject-all"

    page.keyboard.press("Escape")
    page.wait_for_selector(f"{SHEET}[open]:not(:modal)", state="attached")
    page.click("#link")
    assert page.locator(REJECT).is_visible()
    assert stored(page) is None

    page.click(PREFERENCES)
    page.wait_for_selector(DIALOG)
    page.click("#csv-preferences-reject-all")
    page.wait_for_selector(SHEET, state="detached")
    assert page.locator(OPEN).is_visible()


def test_a_phone_has_every_form_but_the_modal_at_its_foot(stage: Stage, open_page: OpenPage) -> None:
    for form in ("corner", "bottom", "dialog"):
        page = shown(stage, open_page, form, viewport={"width": 320, "height": 568})
        facts = page.evaluate(FACTS)

        assert facts["foot"] < 17, form
        assert facts["cover"] <= 0.35, form
        for button in page.locator(f"{CARD} :is(button, a)").all():
            box = button.bounding_box()
            assert box is not None
            assert box["y"] + box["height"] <= 568, form


def test_a_dialog_whose_module_does_not_come_is_a_region_in_the_same_place(
    stage: Stage, open_page: OpenPage
) -> None:
    stage.changes = {"theme": {"form": "modal"}}
    page = open_page(stage.page(path="/blank", tag=""))
    page.route("**/dialog-*", lambda route: route.abort())
    page.goto(stage.page(BODY))
    page.wait_for_selector(ACCEPT)

    assert page.evaluate(FACTS)["middle"] == [0, 0]
    page.click(REJECT)
    assert wait_for_decisions(page, stage, 1)[0]["action"] == "reject_all"


def test_what_a_visitor_has_set_in_the_system_is_respected(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.page(BODY))
    page.wait_for_selector(ACCEPT)
    colours = "node => [getComputedStyle(node).color, getComputedStyle(node.parentNode).borderTopColor]"
    text = page.locator(f"{CARD} p").first

    page.emulate_media(media="print")
    assert not page.locator(CARD).is_visible()
    page.emulate_media(media="screen", contrast="more")
    assert text.evaluate(colours) == ["rgb(27, 36, 48)", "rgb(27, 36, 48)"]
    page.emulate_media(contrast="no-preference", color_scheme="dark")
    assert page.locator(CARD).evaluate("node => getComputedStyle(node).backgroundColor") == "rgb(26, 33, 43)"
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.click(PREFERENCES)
    page.wait_for_selector(DIALOG)
    assert page.evaluate("document.getAnimations().length") == 0
    page.emulate_media(media="print")
    assert not page.locator(DIALOG).is_visible()
    page.emulate_media(media="screen")
    page.keyboard.press("Escape")
    page.emulate_media(reduced_motion="no-preference")
    page.evaluate(
        "document.addEventListener('animationstart', (event) => { window.began = event.animationName })"
    )
    page.click(PREFERENCES)
    page.wait_for_function("window.began === 'csv-rise'")
