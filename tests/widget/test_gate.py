"""What is shut before a choice, and how it opens."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Route

from tests.widget.conftest import OpenPage
from tests.widget.helpers import ACCEPT, DIALOG, OPEN, PREFERENCES, REJECT, granted, inline, ran, script
from tests.widget.stage import Stage

pytestmark = pytest.mark.browser

BLOCK = "<style>iframe { display: block }</style>"
FRAME = '<iframe title="A map" data-consent="maps" data-src="/framed" width="400" height="200" class="wide"></iframe>'


def test_nothing_marked_is_requested_before_a_choice(stage: Stage, open_page: OpenPage) -> None:
    image = '<img alt="" data-consent="analytics" data-src="/run/image">'

    page = open_page(stage.page(script("analytics", "a") + inline("maps", "b") + FRAME + image))
    page.wait_for_selector(ACCEPT)
    page.wait_for_timeout(200)

    assert ran(page) == []
    ours = ("/favicon", "/w/frames-", "/v1/sites/s_test/banner")  # the placeholder of the frame
    assert {path for path in stage.requests if not path.startswith(ours)} == {"/", "/w/s_test.js"}
    assert page.evaluate("document.cookie + Object.keys(localStorage)") == ""


def test_scripts_run_once_and_in_document_order(stage: Stage, open_page: OpenPage) -> None:
    body = (
        script("analytics", "1")
        + inline("analytics", "2")
        + script("maps", "3")
        + script("maps", "4")
        + inline("video", "5")
    )
    page = open_page(stage.page(body))

    page.click(ACCEPT)
    ran(page, 5)
    page.evaluate("document.body.append(document.createElement('p'))")
    page.wait_for_timeout(100)

    assert ran(page) == ["1", "2", "3", "4", "5"]


def test_a_script_that_fails_does_not_stop_those_after_it(stage: Stage, open_page: OpenPage) -> None:
    missing = '<script type="text/plain" data-consent="maps" data-src="/not-there.js"></script>'
    page = open_page(stage.page(missing + inline("maps", "after")))

    page.click(ACCEPT)

    assert ran(page, 1) == ["after"]


def test_attributes_listeners_and_modules_are_kept(stage: Stage, open_page: OpenPage) -> None:
    body = (
        script("maps", "deferred", 'id="kept" defer crossorigin="anonymous" data-key="7"')
        + inline("maps", "module", 'data-type="module"')
        + script("maps", "loose", "async")
    )
    page = open_page(stage.page(body))

    page.click(ACCEPT)

    assert set(ran(page, 3)) == {"deferred", "module", "loose"}
    assert page.evaluate("[kept.defer, kept.crossOrigin, kept.dataset.key, kept.type]") == [
        True,
        "anonymous",
        "7",
        "text/javascript",
    ]


def test_only_what_was_granted_opens(stage: Stage, open_page: OpenPage) -> None:
    body = (
        script("analytics", "a")
        + script("maps", "m")
        + script("analytics maps", "both")
        + script("unheard-of", "u")
    )
    page = open_page(stage.page(body))

    page.click(PREFERENCES)
    page.locator("input[value=maps]").check()
    page.click("#csv-preferences-save")
    ran(page, 1)
    page.wait_for_timeout(100)

    assert ran(page) == ["m"]
    assert granted(page) == ["maps"]


def test_basic_purposes_are_open_without_a_choice(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.page(script("essential", "e")))

    assert ran(page, 1) == ["e"]


def test_elements_that_come_later_are_gated_too(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.page())
    page.click(ACCEPT)
    page.wait_for_selector(OPEN)

    page.evaluate(
        """() => {
          const late = document.createElement("script");
          late.type = "text/plain";
          late.dataset.consent = "maps";
          late.dataset.src = "/run/late";
          document.body.append(late);
        }"""
    )

    assert ran(page, 1) == ["late"]


def test_a_remembered_choice_opens_on_the_next_page(stage: Stage, open_page: OpenPage) -> None:
    address = stage.page(script("maps", "m") + FRAME)
    page = open_page(address)
    page.click(ACCEPT)
    ran(page, 1)

    page.goto(address)

    assert ran(page, 1) == ["m"]
    assert page.locator(ACCEPT).count() == 0


def test_a_refusal_is_remembered(stage: Stage, open_page: OpenPage) -> None:
    address = stage.page(script("maps", "m"))
    page = open_page(address)
    page.click(REJECT)

    page.goto(address)
    page.wait_for_selector(OPEN)

    assert page.locator(ACCEPT).count() == 0
    assert ran(page) == []


@pytest.mark.parametrize(("lang", "label"), [("en", "Always allow maps"), ("zh-CN", "始终允许地图")])
def test_a_frame_has_its_own_button(stage: Stage, open_page: OpenPage, lang: str, label: str) -> None:
    page = open_page(stage.page(FRAME, lang=lang, head=BLOCK))
    cover = page.locator(".csv-frame")
    cover.wait_for()
    assert page.locator("iframe").is_hidden()
    box = cover.bounding_box()

    cover.get_by_role("button", name=label).click()
    page.wait_for_function("document.querySelector('iframe').src.endsWith('/framed')")

    assert box is not None
    assert (box["width"], box["height"]) == (400, 200)
    assert page.locator("iframe").is_visible()
    assert cover.count() == 0
    assert page.evaluate("document.activeElement.tagName") == "IFRAME"
    assert granted(page) == ["maps"]


def test_a_frame_closes_again_when_its_purpose_is_withdrawn(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.page(FRAME))
    page.click(ACCEPT)
    page.wait_for_function("document.querySelector('iframe').src.endsWith('/framed')")

    page.evaluate("Consent.withdraw('maps')")
    page.wait_for_selector(".csv-frame")

    assert page.locator("iframe").is_hidden()
    assert page.evaluate("document.querySelector('iframe').src") == "about:blank"


def test_withdrawal_erases_what_was_declared_and_says_that_scripts_still_run(
    stage: Stage, open_page: OpenPage
) -> None:
    page = open_page(stage.page(script("analytics", "a"), path="/shop/page"))
    page.click(ACCEPT)
    ran(page, 1)
    page.evaluate(
        """() => {
          document.cookie = "_ga=1;path=/";
          document.cookie = "_ga_XY=1;path=/shop";
          document.cookie = "basket=3;path=/";
          localStorage.stats = "1";
          localStorage.other = "1";
          Consent.on("change", (change) => { window.change = change; });
        }"""
    )

    page.click(OPEN)
    page.click("#csv-preferences-withdraw-all")
    page.wait_for_selector("#csv-reload")

    assert "_ga" not in page.evaluate("document.cookie")
    assert "basket=3" in page.evaluate("document.cookie")
    assert page.evaluate("[localStorage.stats, localStorage.other]") == [None, "1"]
    assert page.evaluate("[change.reload, change.purposes.analytics]") == [True, False]
    assert page.locator(DIALOG).count() == 0
    assert stage.decisions[-1]["action"] == "withdraw"


def test_withdrawal_reaches_cookies_of_parent_domains_and_folders(stage: Stage, open_page: OpenPage) -> None:
    stage.page(path="/shop/shoes/page")
    page = open_page(stage.page(path="/blank", tag=""))
    stage.address = ""  # from here on the page's own host answers for the server

    def answer(route: Route) -> None:
        url = urlsplit(route.request.url)
        if route.request.method == "POST":
            status, data = stage.answer_post(url.path, (route.request.post_data or "").encode())
            return route.fulfill(status=status, json=data)
        kind, body = stage.answer_get(url.path, url.query) or ("text/plain", b"")
        return route.fulfill(content_type=kind, body=body)

    page.route("http://www.shop.example/**", answer)
    page.goto("http://www.shop.example/shop/shoes/page")
    page.click(ACCEPT)
    page.wait_for_selector(OPEN)
    page.evaluate(
        """() => {
          const places = ["path=/", "path=/shop", "path=/shop/shoes", "path=/;domain=shop.example", "path=/shop;domain=www.shop.example"];
          places.forEach((place, index) => { document.cookie = `_ga_${index}=1;${place}`; });
          document.cookie = "gallery=1;path=/;domain=shop.example";
        }"""
    )
    before = {one["name"] for one in page.context.cookies()}

    page.evaluate("Consent.withdraw('analytics')")
    page.wait_for_function("!document.cookie.includes('_ga')")

    after = {one["name"] for one in page.context.cookies()}
    assert before - after == {"_ga_0", "_ga_1", "_ga_2", "_ga_3", "_ga_4"}
    assert "gallery" in after


def test_style_sheets_and_styles_wait_like_everything_else(stage: Stage, open_page: OpenPage) -> None:
    stage.pages["/look.css"] = "p { color: rgb(1, 2, 3) }"
    head = (
        '<link rel="stylesheet" data-consent="marketing" data-href="/look.css">'
        '<style type="text/plain" data-consent="marketing">h1 { color: rgb(4, 5, 6) }</style>'
    )
    address = stage.page("<h1>A page</h1><p>text</p>", head=head)
    page = open_page(address)
    page.wait_for_selector(ACCEPT)
    colours = (
        "['p', 'h1'].map((name) => getComputedStyle(document.querySelector('body > ' + name)).color).join()"
    )

    assert page.evaluate(colours) == "rgb(0, 0, 0),rgb(0, 0, 0)"
    assert "/look.css" not in stage.requests
    page.click(ACCEPT)
    page.wait_for_function(f"{colours} === 'rgb(1, 2, 3),rgb(4, 5, 6)'")
    page.evaluate("document.body.append(document.createElement('i'))")
    page.evaluate("new Promise((go) => requestAnimationFrame(() => setTimeout(go)))")

    assert stage.requests.count("/look.css") == 1


def test_without_scripts_the_page_works_and_nothing_marked_is_asked_for(
    stage: Stage, open_page: OpenPage
) -> None:
    body = "<h1>A page</h1>" + script("analytics", "a") + FRAME
    body += '<img alt="" data-consent="analytics" data-src="/run/image">'
    page = open_page(stage.page(body), java_script_enabled=False)

    assert page.get_by_role("heading", name="A page").is_visible()
    assert {path for path in stage.requests if not path.startswith("/favicon")} == {"/"}
