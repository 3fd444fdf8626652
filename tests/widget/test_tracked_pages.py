"""Before a choice and after a refusal nothing non-essential is requested, stored or run, however a page inserts it."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, Route

from consent_server.banner import elements
from tests.widget.conftest import OpenPage
from tests.widget.helpers import ACCEPT, OPEN, REJECT
from tests.widget.stage import SITE, Stage
from tests.widget.test_guard import rules
from tests.widget.tracked_pages import NOTE, PAGES, Tracked

pytestmark = pytest.mark.browser

ASYNC = f'<script async src="/w/{SITE}.js"></script>'
# Twice a task and twice a frame: what a page inserts late has been seen by then, and asked for if it were.
SETTLED = """async () => {
  for (let turn = 0; turn < 2; turn++) await new Promise((go) => requestAnimationFrame(() => setTimeout(go)));
  const own = (name) => !/^consent_/.test(name);
  return {
    ran: (window.ran ?? []).filter((one) => one !== "own"),
    cookies: document.cookie.split("; ").filter((one) => one && own(one)),
    storage: [...Object.keys(localStorage), ...Object.keys(sessionStorage)].filter(own),
    databases: (await indexedDB.databases()).map(({ name }) => name),
    own: (window.ran ?? []).includes("own"),
  };
}"""
NOTHING = {"ran": [], "cookies": [], "storage": [], "databases": [], "own": True}


def put(stage: Stage, index: int, tracked: Tracked, tag: str | None) -> str:
    """The page at an address of its own; a script that nobody has to hold notes that the page works."""
    late = f"<script>addEventListener('DOMContentLoaded', () => {{ {tracked.late} }}); {NOTE}</script>"
    head = (
        elements.NO_LOOKING_AHEAD
        + (f"<script>{{ {tracked.early} }}</script>" if tracked.early else "")
        + tracked.head
    )
    return stage.page(f"<h1>A page</h1>{tracked.body}{late}", path=f"/{index}", head=head, tag=tag)


@pytest.fixture
def called() -> list[str]:
    """Addresses of other hosts that were asked for."""
    return []


@pytest.fixture
def page(stage: Stage, open_page: OpenPage, called: list[str]) -> Page:
    """A page on the site, without a choice; all other hosts are answered here."""
    stage.changes |= {"trackers": rules()}
    page = open_page(stage.page(path="/blank", tag=""))

    def answer(route: Route) -> None:
        called.append(route.request.url)
        script = route.request.resource_type == "script"
        body = (
            f"(window.ran ??= []).push({route.request.url!r}); document.cookie = 'third=1'" if script else ""
        )
        route.fulfill(content_type="text/javascript" if script else "text/html", body=body)

    page.route(re.compile("^https:"), answer)
    return page


def visited(page: Page, stage: Stage, called: list[str], tag: str | None = None) -> dict[str, Any]:
    """By name what each page did that it should not have done."""
    wrong: dict[str, Any] = {}
    for index, tracked in enumerate(PAGES):
        if tag and not tracked.marked:
            continue
        called.clear()
        page.goto(put(stage, index, tracked, tag))
        page.wait_for_selector("#csv-consent", state="attached")
        found = page.evaluate(SETTLED)
        if found != NOTHING or called:
            wrong[tracked.name] = (found, list(called))
    return wrong


def test_thirty_pages_ask_for_nothing_and_store_nothing_until_they_may(
    stage: Stage, page: Page, called: list[str]
) -> None:
    assert len(PAGES) == 31

    before = visited(page, stage, called)
    asynchronous = visited(page, stage, called, ASYNC)
    assert page.context.cookies() == []
    page.click(REJECT)
    page.wait_for_selector(OPEN)
    after = visited(page, stage, called)

    assert before == {}
    assert asynchronous == {}
    assert after == {}
    assert {one["name"] for one in page.context.cookies()} == {f"consent_{SITE}"}


def test_the_same_pages_do_ask_once_they_may(stage: Stage, page: Page, called: list[str]) -> None:
    """The pages above are quiet because they are held, not because they are empty."""
    page.goto(put(stage, 0, PAGES[0], None))
    page.click(ACCEPT)
    page.wait_for_selector(OPEN)
    silent = []
    for index, tracked in enumerate(PAGES):
        page.context.clear_cookies(name=re.compile("^(?!consent_)"))
        page.evaluate(
            "for (const one of Object.keys(localStorage)) if (!/^consent_/.test(one)) localStorage.removeItem(one)"
        )
        called.clear()
        page.goto(put(stage, index, tracked, None))
        for _ in range(200):
            stored = page.evaluate(SETTLED)
            if called or stored["cookies"] or stored["storage"] or "noscript" in tracked.body:
                break
        else:
            silent.append(tracked.name)

    assert silent == []
