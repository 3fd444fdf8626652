"""The first layer and the preferences: equal, accessible, in the visitor's language."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.widget.conftest import OpenPage
from tests.widget.helpers import (
    ACCEPT,
    CARD,
    DIALOG,
    OPEN,
    PREFERENCES,
    REJECT,
    granted,
    stored,
    wait_for_decisions,
)
from tests.widget.stage import BUILD, PURPOSES, Stage

pytestmark = pytest.mark.browser

HOSTILE = """<style>
  button { background: none; border: 0; color: #999; font-size: 9px; padding: 0; text-transform: uppercase }
  div, section, p, h2, input { position: static; display: inline; margin: 40px; letter-spacing: 4px; float: right }
  #page button { opacity: .2 }
</style>"""
# Where an element stands and what it is called may differ; nothing else that a visitor sees may.
LOOK = """(id) => {
  const node = document.getElementById(id), style = getComputedStyle(node), { width, height } = node.getBoundingClientRect();
  const placed = /^(width|inline-size|inset|top|left|right|bottom|transform-origin|perspective-origin)/;
  return { tag: node.tagName, class: node.className, width: Math.round(width), height: Math.round(height),
    ...Object.fromEntries([...style].filter((name) => !placed.test(name)).map((name) => [name, style.getPropertyValue(name)])) };
}"""


def look(page: Page, id_: str) -> dict[str, Any]:
    page.mouse.move(1, 1)
    return page.evaluate(LOOK, id_)


def violations(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {[node['html'] for node in one['nodes']]}" for one in found]


@pytest.mark.parametrize("head", ["", HOSTILE])
@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("lang", ["en", "zh-CN"])
def test_accept_and_reject_are_equal_on_both_layers(
    stage: Stage, open_page: OpenPage, head: str, width: int, lang: str
) -> None:
    page = open_page(
        stage.page(head=head, lang=lang), viewport={"width": width, "height": 700}, reduced_motion="reduce"
    )

    first = look(page, "csv-accept-all"), look(page, "csv-reject-all")
    page.click(PREFERENCES)
    page.wait_for_selector(DIALOG)
    second = look(page, "csv-preferences-accept-all"), look(page, "csv-preferences-reject-all")

    assert first[0] == first[1]
    assert second[0] == second[1]
    assert first[0]["background-color"] == second[0]["background-color"]


def test_the_page_s_own_rules_do_not_reach_the_banner(stage: Stage, open_page: OpenPage) -> None:
    plain = open_page(stage.page(path="/plain"))
    hostile = open_page(stage.page(path="/hostile", head=HOSTILE))

    assert look(hostile, "csv-accept-all") == look(plain, "csv-accept-all")
    assert hostile.locator(CARD).bounding_box() == plain.locator(CARD).bounding_box()


@pytest.mark.parametrize(
    ("page_language", "preferred", "expected"),
    [
        ("zh-CN", "en-GB", "全部接受"),
        ("zh", "en-GB", "全部接受"),
        ("zh-Hans-CN", "en-GB", "全部接受"),
        ("en-AU", "zh-CN", "Accept all"),
        ("fr", "zh-CN", "全部接受"),
        ("", "zh-TW", "全部接受"),
        ("fr", "de-DE", "Accept all"),
    ],
)
def test_the_language_is_the_page_s_then_the_browser_s_then_the_site_s(
    stage: Stage, open_page: OpenPage, page_language: str, preferred: str, expected: str
) -> None:
    page = open_page(stage.page(lang=page_language), locale=preferred)

    assert page.locator(ACCEPT).inner_text() == expected


def test_the_banner_follows_a_page_that_changes_its_language(stage: Stage, open_page: OpenPage) -> None:
    frame = '<iframe title="x" data-consent="maps" data-src="/framed"></iframe>'
    page = open_page(stage.page(frame))

    page.evaluate("document.documentElement.lang = 'zh-CN'")
    page.get_by_role("button", name="全部接受").wait_for()

    assert page.locator("#csv-consent").get_attribute("lang") == "zh-CN"
    expect(page.locator(".csv-frame button").last).to_have_text("始终允许地图")
    assert page.locator(".csv-frame").count() == 1


def test_the_banner_is_a_region_that_takes_no_focus_and_ignores_escape(
    stage: Stage, open_page: OpenPage
) -> None:
    page = open_page(stage.page("<a href='#x' id='link'>A link</a>"))
    page.wait_for_selector(ACCEPT)

    page.keyboard.press("Escape")

    assert page.get_by_role("region", name="Your privacy, your choice").is_visible()
    assert page.evaluate("document.activeElement === document.body")
    assert stored(page) is None


def test_the_keyboard_alone_is_enough(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.page("<a href='#x' id='link'>A link</a>"))
    page.wait_for_selector(ACCEPT)

    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "csv-reject-all"
    page.keyboard.press("Enter")
    page.wait_for_selector(CARD, state="detached")
    assert page.evaluate("document.activeElement.id") == "csv-open"

    page.keyboard.press("Enter")
    page.wait_for_selector(DIALOG)
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.value") == "maps":
            break
    page.keyboard.press("Space")
    page.locator("#csv-preferences-save").press("Enter")
    page.wait_for_selector(DIALOG, state="detached")

    assert page.evaluate("document.activeElement.id") == "csv-open"
    assert granted(page) == ["maps"]


def test_escape_closes_the_preferences_and_decides_nothing(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.page())
    page.locator(PREFERENCES).press("Enter")
    page.wait_for_selector(DIALOG)
    page.locator("input[value=maps]").check()

    page.keyboard.press("Escape")
    page.wait_for_selector(DIALOG, state="detached")

    assert page.evaluate("document.activeElement.id") == "csv-preferences"
    assert page.locator(ACCEPT).is_visible()
    assert stored(page) is None
    assert stage.decisions == []


def test_the_focus_in_the_preferences_is_not_on_a_choice(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.page())

    page.click(PREFERENCES)
    page.wait_for_selector(DIALOG)

    assert page.evaluate("document.activeElement.id") == "csv-dialog-title"


def test_switches_are_off_until_granted_and_show_the_state(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.page())
    switches = page.get_by_role("switch")

    page.click(PREFERENCES)
    page.wait_for_selector(DIALOG)
    before = [switch.is_checked() for switch in switches.all()]
    page.click("#csv-preferences-accept-all")
    page.click(OPEN)
    page.wait_for_selector(DIALOG)
    after = [switch.is_checked() for switch in switches.all()]

    assert before == [False] * 4
    assert after == [True] * 4
    assert page.get_by_text("You last chose on").is_visible()
    assert page.get_by_text("Always on").count() == 1


def test_services_and_cookies_are_listed_in_words(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.page(lang="zh-CN"))

    page.click(PREFERENCES)
    page.click("summary")

    service = page.locator(".csv-service").inner_text()
    assert "提供方：Example Metrics Ltd" in service
    assert "_ga* Cookie · 1年 · 由本网站设置" in service


def test_a_decision_names_what_was_shown(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.page(lang="zh-CN"))

    page.click(REJECT)
    decision = wait_for_decisions(page, stage, 1)[0]

    assert decision["choices"] == dict.fromkeys(PURPOSES, "denied")
    assert decision["asked"] == PURPOSES
    assert {key: decision[key] for key in ("policy_version", "language", "action", "layer", "signals")} == {
        "policy_version": "1.0",
        "language": "zh-CN",
        "action": "reject_all",
        "layer": "banner",
        "signals": {"gpc": False, "dnt": False},
    }
    assert decision["banner_build"] == BUILD


def test_any_element_of_the_page_can_open_the_preferences(stage: Stage, open_page: OpenPage) -> None:
    stage.changes = {"theme": {"reopen": "none"}}
    page = open_page(stage.page("<a href='/elsewhere' data-consent-open><b>Cookies</b></a>"))
    page.click(REJECT)

    page.click("text=Cookies")
    page.wait_for_selector(DIALOG)

    assert page.locator(OPEN).count() == 0
    assert page.url == stage.address + "/"


def test_a_theme_sets_custom_properties(stage: Stage, open_page: OpenPage) -> None:
    stage.changes = {"theme": {"accent": "rgb(10, 90, 60)", "reopen": "end"}}
    page = open_page(stage.page())

    assert look(page, "csv-accept-all")["background-color"] == "rgb(10, 90, 60)"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("lang", ["en", "zh-CN"])
@pytest.mark.parametrize("width", [320, 1280])
def test_axe_finds_nothing(stage: Stage, open_page: OpenPage, scheme: str, lang: str, width: int) -> None:
    body = "<main><h1>A page</h1><iframe title='m' data-consent='maps' data-src='/framed'></iframe></main>"
    ground = "<style>body{background:#fff}@media(prefers-color-scheme:dark){body{background:#111;color:#eee}}</style>"
    page = open_page(
        stage.page(body, head=ground, lang=lang),
        color_scheme=scheme,
        viewport={"width": width, "height": 640},
        reduced_motion="reduce",
    )
    page.wait_for_selector(ACCEPT)
    assert violations(page) == []

    page.click(PREFERENCES)
    page.click("summary")
    assert violations(page) == []

    page.click("#csv-preferences-reject-all")
    page.wait_for_selector(OPEN)
    assert violations(page) == []


@pytest.mark.parametrize("lang", ["en", "zh-CN"])
@pytest.mark.parametrize("size", [(320, 568), (360, 640), (390, 844)])
def test_a_phone_keeps_most_of_its_page(
    stage: Stage, open_page: OpenPage, lang: str, size: tuple[int, int]
) -> None:
    width, height = size
    page = open_page(stage.page("<p>text</p>" * 90, lang=lang), viewport={"width": width, "height": height})
    box = page.locator(CARD).bounding_box()

    assert box is not None
    assert box["width"] * box["height"] / (width * height) <= 0.35
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for button in page.locator("#csv-consent :is(button, a):visible").all():
        target = button.bounding_box()
        assert target is not None
        assert target["height"] >= 24
        assert target["width"] >= 24


def test_right_to_left_mirrors_the_card(stage: Stage, open_page: OpenPage) -> None:
    stage.changes = {"languages": {"ar": {**stage.config["languages"]["en"], "dir": "rtl"}}, "language": "ar"}
    page = open_page(stage.page(lang="ar"))
    accept, reject = page.locator(ACCEPT).bounding_box(), page.locator(REJECT).bounding_box()

    assert accept is not None
    assert reject is not None
    assert accept["x"] > reject["x"]


def test_forced_colours_keep_the_buttons_apart_from_the_text(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.page(), forced_colors="active")

    accept = look(page, "csv-accept-all")

    assert accept["border-top-style"] == "solid"
    assert accept["border-top-color"] != page.locator(f"{CARD} h2").evaluate(
        "node => getComputedStyle(node).backgroundColor"
    )
