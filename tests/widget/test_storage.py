"""What the browser keeps, what it survives, and how decisions reach the server."""

import pytest

from tests.widget.conftest import OpenPage
from tests.widget.helpers import (
    ACCEPT,
    CARD,
    OPEN,
    REJECT,
    granted,
    inline,
    queued,
    ran,
    script,
    stored,
    wait_for_decisions,
)
from tests.widget.stage import SITE, Stage

pytestmark = pytest.mark.browser

BLOCKED = """
  for (const name of ["localStorage", "sessionStorage"])
    Object.defineProperty(window, name, { get() { throw new DOMException("denied", "SecurityError"); } });
  Object.defineProperty(document, "cookie", { get() { throw new DOMException("denied", "SecurityError"); }, set() { throw new DOMException("denied"); } });
"""
NOTING_COOKIES = """
  window.reads = 0;
  const { get, set } = Object.getOwnPropertyDescriptor(Document.prototype, "cookie");
  Object.defineProperty(document, "cookie", { set(text) { set.call(document, text); }, get() { reads++; return get.call(document); } });
"""
NO_CRYPTO_UUID = "delete Crypto.prototype.randomUUID"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "null",
        "7",
        "[]",
        '"text"',
        '{"id":"x"}',
        '{"id":"00000000-0000-4000-8000-000000000000","state":{"version":"one","purposes":{}}}',
        '{"id":"00000000-0000-4000-8000-000000000000","state":{"version":"1.0","purposes":7}}',
        '{"id":"00000000-0000-4000-8000-000000000000","state":{"version":"1.0","purposes":{"maps":{"choice":"yes"},"video":null}}}',
        '{"id":"00000000-0000-4000-8000-000000000000","state":{"version":"1.0","purposes":{"maps":{"choice":"granted","version":"1.0","at":"x","until":"never"}}}}',
    ],
)
def test_content_that_is_not_ours_asks_again_and_opens_nothing(
    stage: Stage, open_page: OpenPage, content: str
) -> None:
    seed = f"localStorage.setItem('consent_{SITE}', {content!r}); localStorage.setItem('consent_{SITE}_queue', {content!r})"
    page = open_page(stage.page(script("maps", "m")), init=seed)
    page.wait_for_selector(CARD)
    assert ran(page) == []

    page.click(ACCEPT)

    assert ran(page, 1) == ["m"]
    wait_for_decisions(page, stage, 1)


def test_blocked_storage_still_decides_for_this_page(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.page(script("maps", "m")), init=BLOCKED)

    page.click(ACCEPT)

    assert ran(page, 1) == ["m"]
    wait_for_decisions(page, stage, 1)


def test_the_cookie_alone_is_enough(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.page(script("maps", "m")))
    page.click(ACCEPT)
    ran(page, 1)
    before = stored(page)
    page.evaluate("localStorage.clear()")

    page.reload()

    assert ran(page, 1) == ["m"]
    assert page.locator(CARD).count() == 0
    cookie = next(one for one in page.context.cookies() if one["name"] == f"consent_{SITE}")
    assert before is not None
    assert before["id"] in cookie["value"]
    assert len(cookie["value"]) < 800
    assert not set('",; ') & set(cookie["value"])


def test_cookies_are_read_only_where_localstorage_has_no_sound_record(
    stage: Stage, open_page: OpenPage
) -> None:
    page = open_page(stage.page(), init=NOTING_COOKIES)
    page.click(REJECT)
    page.locator(OPEN).wait_for()

    def reads_after(change: str) -> int:
        page.evaluate(change)
        page.reload()
        page.locator(OPEN).wait_for()
        assert page.locator(CARD).count() == 0
        return int(page.evaluate("reads"))

    assert reads_after("0") == 0
    assert reads_after(f"localStorage.setItem('consent_{SITE}', '{{broken')") > 0
    assert reads_after("localStorage.clear()") > 0


def test_there_is_no_identifier_before_the_first_decision(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.page())
    page.wait_for_selector(CARD)
    page.click("#csv-preferences")
    page.wait_for_selector("dialog")

    assert stored(page) is None
    assert page.context.cookies() == []


def test_identifiers_are_uuids_on_a_page_without_a_secure_context(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.page(), init=NO_CRYPTO_UUID)

    page.click(REJECT)
    decision = wait_for_decisions(page, stage, 1)[0]

    for name in ("receipt_id", "visitor_id"):
        assert __import__("uuid").UUID(decision[name]).version == 4


def test_a_decision_that_did_not_arrive_is_sent_by_the_next_page(stage: Stage, open_page: OpenPage) -> None:
    address = stage.page()
    page = open_page(address)
    page.route("**/decisions", lambda route: route.abort())
    page.click(ACCEPT)
    page.wait_for_timeout(100)
    receipt_id = queued(page)[0]["receipt_id"]
    page.unroute("**/decisions")

    page.goto(address)
    decisions = wait_for_decisions(page, stage, 1)
    page.wait_for_timeout(100)

    assert decisions[0]["receipt_id"] == receipt_id
    assert queued(page) == []
    assert page.evaluate("Consent.receipt().receipt_id") == receipt_id


def test_decisions_go_out_in_order_once_the_server_is_back(stage: Stage, open_page: OpenPage) -> None:
    address = stage.page()
    stage.status = 503
    page = open_page(address)
    page.click(ACCEPT)
    page.evaluate("Consent.withdraw('maps')")
    page.wait_for_timeout(200)
    assert len(queued(page)) == 2
    stage.status = 201

    page.goto(address)

    assert [one["action"] for one in wait_for_decisions(page, stage, 2)] == ["accept_all", "withdraw"]


@pytest.mark.parametrize("status", [403, 404, 409, 422])
def test_a_refused_decision_is_not_sent_for_ever(stage: Stage, open_page: OpenPage, status: int) -> None:
    stage.status = status
    page = open_page(stage.page())

    page.click(ACCEPT)
    page.wait_for_function(f"localStorage.getItem('consent_{SITE}_queue') === '[]'")

    assert granted(page) == ["analytics", "maps", "video", "marketing"]


def test_two_tags_on_a_page_run_once(stage: Stage, open_page: OpenPage) -> None:
    tag = f'<script src="/w/{SITE}.js"></script>' * 2
    page = open_page(stage.page(inline("maps", "m"), tag=tag))

    assert page.locator(CARD).count() == 1
    page.click(ACCEPT)
    ran(page, 1)
    wait_for_decisions(page, stage, 1)
    assert ran(page) == ["m"]


def test_a_tag_that_comes_late_works_too(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.page(script("maps", "m"), tag=f'<script async src="/w/{SITE}.js"></script>'))

    page.click(ACCEPT)

    assert ran(page, 1) == ["m"]


def test_another_tab_follows(stage: Stage, open_page: OpenPage) -> None:
    address = stage.page(script("maps", "m"))
    page = open_page(address)
    other = page.context.new_page()
    other.goto(address)
    other.wait_for_selector(CARD)

    page.click(ACCEPT)

    assert ran(other, 1) == ["m"]
    assert other.locator(CARD).count() == 0


def test_a_page_that_replaces_its_body_keeps_the_banner(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.page())
    page.wait_for_selector(CARD)

    page.evaluate("document.body.replaceWith(document.createElement('body'))")

    page.click(REJECT)
    page.wait_for_selector(OPEN)


def test_without_the_second_module_the_first_layer_serves(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.page())
    page.route("**/preferences-*", lambda route: route.abort())
    page.click(ACCEPT)
    page.wait_for_selector(OPEN)

    page.click(OPEN)
    page.click(REJECT)

    assert granted(page) == []


def test_a_configuration_that_makes_no_sense_leaves_the_page_alone(stage: Stage, open_page: OpenPage) -> None:
    stage.changes = {"languages": None}
    page = open_page(stage.page(script("maps", "m") + "<p id=text>text</p>"))

    assert page.locator("#text").is_visible()
    assert ran(page) == []


def test_a_page_out_of_the_browser_s_memory_hears_what_was_decided_meanwhile(
    stage: Stage, open_page: OpenPage
) -> None:
    page = open_page(stage.page(script("maps", "m")))
    page.click(ACCEPT)
    ran(page, 1)
    decided = page.evaluate(f"localStorage.getItem('consent_{SITE}')")
    page.evaluate("localStorage.clear()")
    page.context.clear_cookies()
    page.reload()
    page.wait_for_selector(CARD)
    page.evaluate("window.heard = 0; Consent.on('change', () => { window.heard++ }); 0")
    shown = "dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))"
    page.evaluate(shown)  # nothing has changed: nothing is said

    page.evaluate(f"(record) => {{ localStorage.setItem('consent_{SITE}', record); {shown} }}", decided)

    assert ran(page, 1) == ["m"]
    assert page.locator(CARD).count() == 0
    assert page.evaluate("window.heard") == 1


def test_a_search_engine_is_not_asked_and_opens_nothing(stage: Stage, open_page: OpenPage) -> None:
    agent = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
    page = open_page(stage.page(script("maps", "m")), user_agent=agent)
    page.wait_for_selector(OPEN)

    assert page.locator(CARD).count() == 0
    assert page.evaluate("Consent.get().decided") is False
    assert ran(page) == []
    page.click(OPEN)
    page.click("#csv-preferences-reject-all")
    assert wait_for_decisions(page, stage, 1)[0]["action"] == "reject_all"
