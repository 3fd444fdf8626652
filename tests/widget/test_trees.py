"""What a screen reader is told and what a keyboard reaches, in both languages: compared with trees that people have read.

`WIDGET_TREES=write` writes the trees anew after a change that is meant; read the difference before it is committed.
"""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.widget.conftest import OpenPage
from tests.widget.helpers import ACCEPT, CARD, DIALOG, OPEN, PREFERENCES, granted, wait_for_decisions
from tests.widget.stage import Stage, version
from tests.widget.test_reconsent import SHARED

pytestmark = pytest.mark.browser

TREES = Path(__file__).parent / "trees"
WRITE = os.environ.get("WIDGET_TREES") == "write"
BODY = (
    "<main><h1>A page</h1><a href='#x'>Link of the page</a>"
    "<iframe title='Map' data-consent='maps' data-src='/framed' width='400' height='200'></iframe></main>"
)
FOCUSED = """() => {
  const node = document.activeElement;
  return node === document.body ? "the page" : node.getAttribute("aria-label") || node.labels?.[0]?.textContent || node.textContent;
}"""
WORDS = {
    "en": {
        "first": ["Accept all", "Reject all", "Preferences", "Privacy policy", "Link of the page", "Show once", "Always allow Maps"],
        "preferences": [
            "Close", "Statistics", "Services and cookies (1)", "Maps", "Videos", "Marketing", "Privacy policy",
            "Accept all", "Reject all", "Save choices",
        ],
        "delta": ["Accept", "Reject", "Preferences", "Privacy policy"],
    },
    "zh-CN": {
        "first": ["全部接受", "全部拒绝", "偏好设置", "隐私政策", "Link of the page", "仅显示这一次", "始终允许地图"],
        "preferences": [
            "关闭", "统计分析", "服务与 Cookie（1）", "地图", "视频", "营销推广", "隐私政策",
            "全部接受", "全部拒绝", "保存选择",
        ],
        "delta": ["接受", "拒绝", "偏好设置", "隐私政策"],
    },
}  # fmt: skip


def tree(page: Page, selector: str, name: str) -> tuple[str, str]:
    """The tree of an element now, and the one that was read."""
    found = re.sub(r"http://127\.0\.0\.1:\d+", "", page.locator(selector).aria_snapshot()) + "\n"
    file = TREES / f"{name}.yml"
    if WRITE:
        file.write_text(found, encoding="utf-8")
    return found, file.read_text(encoding="utf-8")


def tabs(page: Page, count: int) -> list[str]:
    """What one Tab after the other reaches; a group that only scrolls is left out."""
    reached = []
    while len(reached) < count:
        page.keyboard.press("Tab")
        if not page.evaluate("document.activeElement.matches('[role=group], body')"):
            reached.append(page.evaluate(FOCUSED).strip())
    return reached


@pytest.mark.parametrize("lang", list(WORDS))
def test_trees_and_tabs_are_the_same_as_when_they_were_read(
    stage: Stage, open_page: OpenPage, lang: str
) -> None:
    wanted = WORDS[lang]
    address = stage.page(BODY, lang=lang)
    page = open_page(address, reduced_motion="reduce")
    page.wait_for_selector(".csv-frame")

    shown = tree(page, "#csv-consent", f"first.{lang}")
    assert shown[0] == shown[1]
    placeholder = tree(page, ".csv-frame", f"placeholder.{lang}")
    assert placeholder[0] == placeholder[1]
    assert tabs(page, 7) == wanted["first"]

    page.locator(PREFERENCES).press("Enter")
    page.wait_for_selector(DIALOG)
    page.locator("summary").press("Enter")
    preferences = tree(page, DIALOG, f"preferences.{lang}")
    assert preferences[0] == preferences[1]
    page.locator("#csv-dialog-title").focus()
    reached = tabs(page, len(wanted["preferences"]) + 1)
    provider = reached.pop(3)  # the link inside the opened list of services
    assert provider in ("Provider’s privacy policy", "提供方的隐私政策")
    assert reached == wanted["preferences"]
    page.keyboard.press("Escape")
    page.wait_for_selector(DIALOG, state="detached")
    assert page.evaluate(FOCUSED) == page.locator(PREFERENCES).inner_text()

    page.locator(ACCEPT).press("Enter")
    wait_for_decisions(page, stage, 1)
    assert page.evaluate("document.activeElement.id") == "csv-open"
    stage.versions = [*stage.versions, version("2.0", SHARED)]
    page.goto(address)
    page.wait_for_selector(CARD)
    delta = tree(page, "#csv-consent", f"delta.{lang}")
    assert delta[0] == delta[1]
    assert tabs(page, 4) == wanted["delta"]
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector(CARD, state="detached")
    assert page.evaluate("document.activeElement.id") == OPEN.removeprefix("#")
    assert granted(page) == ["maps", "video", "marketing"]
