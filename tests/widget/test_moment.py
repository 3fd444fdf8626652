"""When the banner is put into the page: with its next frame; one that nobody looks at has none."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route

from tests.widget.conftest import OpenPage
from tests.widget.helpers import ACCEPT, CARD, DIALOG, OPEN, PREFERENCES, REJECT, ran, script
from tests.widget.stage import SITE, Stage

pytestmark = pytest.mark.browser

HUNG = '<p id="read">An article</p><script src="/hung.js"></script>'
TAG = f'<script src="/w/{SITE}.js"></script>'
# The frames of a page, until somebody looks at it.
UNSEEN = f"<script>waiting = []; requestAnimationFrame = (frame) => waiting.push(frame)</script>{TAG}"
LOOK = "waiting.forEach((frame) => frame())"
ROOT = "#csv-consent"


class Hung:
    """A page whose reading waits for a script that does not arrive until the test lets it."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self._waiting = page, list[Route]()
        page.route("**/hung.js", lambda route: self._waiting.append(route))
        page.goto(address, wait_until="commit")
        page.locator("#read").wait_for()

    def go_on(self) -> None:
        """Let the script arrive, and the page be read to its end."""
        for route in self._waiting:
            route.fulfill(content_type="text/javascript", body="")
        self._waiting.clear()
        self.page.wait_for_function("document.readyState === 'complete'", polling=50)


@pytest.fixture
def hung(stage: Stage, open_page: OpenPage) -> Iterator[Hung]:
    page = open_page(stage.page(path="/before"))
    held = Hung(page, stage.page(script("maps", "m") + HUNG))
    yield held
    held.go_on()


def test_the_banner_comes_with_a_frame_of_a_page_that_is_still_being_read(hung: Hung) -> None:
    hung.page.locator(CARD).wait_for()
    reading = hung.page.evaluate("document.readyState")
    hung.page.locator(PREFERENCES).focus()
    hung.go_on()

    assert reading == "loading"
    assert hung.page.locator(CARD).count() == 1
    assert hung.page.evaluate("document.activeElement.id") == "csv-preferences"
    assert ran(hung.page) == []


def test_a_page_that_nobody_looks_at_has_it_once_somebody_does(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.page(tag=UNSEEN))
    page.wait_for_function("Consent.get() && performance.now() > 300", polling=50)
    early = page.locator(ROOT).count()
    page.evaluate(LOOK)

    page.locator(CARD).wait_for()
    assert early == 0


def test_a_tag_that_comes_late_shows_it_all_the_same(stage: Stage, open_page: OpenPage) -> None:
    load = f"<script>addEventListener('load', () => {{ const tag = document.createElement('script'); tag.src = '{stage.address}/w/s_test.js'; document.body.append(tag); }})</script>"

    open_page(stage.page(head=load, tag="")).locator(CARD).wait_for()


def test_the_preferences_open_on_a_page_that_is_still_being_read(hung: Hung) -> None:
    hung.page.evaluate("void Consent.open()")
    hung.page.locator(DIALOG).wait_for()
    hung.go_on()
    hung.page.locator("#csv-preferences-reject-all").click()
    hung.page.locator(OPEN).wait_for()

    assert ran(hung.page) == []


def test_what_a_page_asks_before_its_first_frame_stays(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.page())
    page.click(REJECT)
    page.locator(OPEN).wait_for()
    held = Hung(page, stage.page(script("maps", "m") + HUNG, tag=UNSEEN))

    page.evaluate("void Consent.ask('maps').then((answer) => { window.answer = answer; })")
    page.locator(CARD).wait_for()
    page.evaluate(LOOK)
    held.go_on()
    page.click(ACCEPT)
    page.wait_for_function("window.answer", polling=50)

    assert ran(page, 1) == ["m"]
