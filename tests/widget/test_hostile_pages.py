"""On every hostile page the banner can be used, the gates are shut, and nothing of ours throws.

WIDGET_PICTURES=FOLDER writes a picture of each page into a folder.
"""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Frame, Page, Route

from tests.widget.conftest import PATIENCE
from tests.widget.helpers import ACCEPT
from tests.widget.hostile_pages import CONDITIONS, PAGES, PLACES, POLICIES, STYLES, Hostile
from tests.widget.stage import Stage

pytestmark = pytest.mark.browser

PICTURES = os.environ.get("WIDGET_PICTURES")
FACTS = """() => {
  const buttons = ["csv-accept-all", "csv-reject-all"].map((id) => {
    const all = document.querySelectorAll("#" + id), node = all[0], box = node.getBoundingClientRect();
    const style = getComputedStyle(node), hit = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    return {
      count: all.length, size: [Math.round(box.width), Math.round(box.height)],
      inView: box.x >= 0 && box.y >= 0 && box.right <= innerWidth && box.bottom <= innerHeight,
      onTop: node.contains(hit), seen: style.visibility === "visible" && style.opacity === "1",
      look: [style.color, style.backgroundColor, style.fontSize, style.fontWeight].join(), text: node.textContent,
    };
  });
  return { buttons, ran: window.ran ?? [], frames: [...document.querySelectorAll("[data-consent][src]")].length };
}"""


def faults(facts: dict[str, Any]) -> list[str]:
    """What keeps a visitor from choosing freely, or was let through."""
    accept, reject = facts["buttons"]
    found = [f"{what}: {facts[what]}" for what in ("ran", "frames") if facts[what]]
    for button in (accept, reject):
        found += [f"{button['text']}: not {what}" for what in ("inView", "onTop", "seen") if not button[what]]
        if button["count"] != 1 or min(button["size"]) < 24:
            found.append(f"{button['text']}: {button['count']} of size {button['size']}")
    if accept["look"] != reject["look"] or accept["size"] != reject["size"]:
        found.append(f"unequal: {accept} {reject}")
    return found


class Visits:
    """Pages of one context for each set of conditions, since nothing is ever chosen here."""

    def __init__(self, browser: Browser, stage: Stage) -> None:
        self.browser, self.stage = browser, stage
        self.pages: dict[str, Page] = {}
        self.errors: list[str] = []
        self.fails: dict[str, int] = {}

    def page(self, hostile: Hostile) -> Page:
        key = repr((hostile.options, hostile.init))
        if key not in self.pages:
            size = {"locale": "en-GB", "viewport": {"width": 1280, "height": 800}}
            page = self.browser.new_context(**(size | dict(hostile.options))).new_page()
            page.set_default_timeout(PATIENCE)
            page.on("pageerror", lambda error: self.errors.append(str(error)))
            page.route(re.compile(".*/(v1|w)/.*"), self.answer)
            if hostile.init:
                page.add_init_script(hostile.init)
            self.pages[key] = page
        return self.pages[key]

    def answer(self, route: Route) -> None:
        status = next((status for part, status in self.fails.items() if part in route.request.url), None)
        if status is None:
            route.continue_()
        elif status:
            route.fulfill(status=status, body="<h1>Error</h1>")

    def faults(self, hostile: Hostile) -> list[str]:
        """Visit a page and look at it as its visitor does."""
        self.errors.clear()
        self.stage.requests.clear()
        self.stage.headers, self.fails = dict(hostile.headers), dict(hostile.fails)
        page = self.page(hostile)
        address = self.stage.page(hostile.body, head=hostile.head, tag=hostile.tag, lang=hostile.lang)
        if hostile.html:
            self.stage.pages["/"] = hostile.html
        if hostile.framed:
            frame = (
                f"<!doctype html><body style='margin:0'><iframe title=f {hostile.framed} src='/'></iframe>"
            )
            self.stage.pages["/outer"] = frame
            address = f"{self.stage.address}/outer"
        page.goto(address)
        seen: Page | Frame = page.main_frame.child_frames[0] if hostile.framed else page
        if hostile.act:
            seen.evaluate(
                f"() => {{ {hostile.act} }}" if ".finished" not in hostile.act else f"() => {hostile.act}"
            )
        seen.wait_for_selector(ACCEPT, state="attached")
        # Two frames later styles and observers have had their turn.
        seen.evaluate("new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))")
        facts = seen.evaluate(FACTS)
        if PICTURES:
            Path(PICTURES).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=Path(PICTURES) / f"{PAGES.index(hostile):02} {hostile.name}.png")
        let_out = [path for path in self.stage.requests if path.startswith(("/run/", "/framed"))]
        return faults(facts) + [f"requested: {path}" for path in let_out] + self.errors


@pytest.mark.parametrize(
    "kind", [POLICIES, STYLES, PLACES, CONDITIONS], ids=["policies", "styles", "places", "conditions"]
)
def test_the_banner_can_be_used_the_gates_are_shut_and_nothing_throws(
    kind: list[Hostile], stage: Stage, browser: Browser
) -> None:
    assert len(PAGES) >= 60
    visits = Visits(browser, stage)

    found = {hostile.name: visits.faults(hostile) for hostile in kind}
    for page in visits.pages.values():
        page.context.close()

    assert {name: faults for name, faults in found.items() if faults} == {}
