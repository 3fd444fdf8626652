"""Known trackers that nobody has marked wait too, once the owner has switched that on, and nothing else does."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route

from consent_server.banner import elements, trackers
from tests.widget.conftest import OpenPage
from tests.widget.helpers import ACCEPT, OPEN, REJECT, granted
from tests.widget.stage import PURPOSES, Stage

pytestmark = pytest.mark.browser

DECLARED = {"name": "shop_stats", "pattern": False, "store": "cookie", "party": "first"}
DESCRIBED = [
    {
        "key": key,
        "function": "additional",
        "services": [{"cookies": [DECLARED]}] if key == "analytics" else [],
    }
    for key in PURPOSES
]
# Every way in which pages call trackers from a script; WHEN tells early from late.
CALLS = """
  const own = (address) => fetch(address).catch(() => {});
  const created = document.createElement("script");
  created.async = true; created.src = "https://static.hotjar.com/created?WHEN"; created.type = "text/javascript";
  created.onload = () => (window.loaded ??= []).push("WHEN");
  document.head.append(created);
  const named = document.createElement("script");
  named.setAttribute("src", "https://snap.licdn.com/named?WHEN");
  document.head.append(named);
  const frame = document.createElement("iframe");
  frame.title = "v"; frame.src = "https://player.vimeo.com/video/WHEN";
  document.documentElement.append(frame);
  new Image().src = "https://px.ads.linkedin.com/pixel?WHEN";
  window.failed ??= [];
  fetch("https://region1.google-analytics.com/g/collect?WHEN", { mode: "no-cors" }).catch((error) => failed.push(error.name));
  const request = new XMLHttpRequest();
  request.open("POST", "https://stats.g.doubleclick.net/j/collect?WHEN");
  request.onerror = () => failed.push("xhr");
  request.send("");
  failed.push(navigator.sendBeacon("https://bat.bing.com/action?WHEN"));
  document.cookie = "_gaWHEN=1;path=/"; document.cookie = "shop_stats=1;path=/"; document.cookie = "basketWHEN=1;path=/";
  localStorage.setItem("_hjWHEN", "1"); localStorage.setItem("ownWHEN", "1");
  own("https://api.partner.example/WHEN"); own("/run/own-WHEN");
  const holder = document.createElement("div");
  holder.innerHTML = "<b>WHEN</b><img alt='' src='https://www.facebook.com/tr?id=1&amp;inner-WHEN'>";
  holder.insertAdjacentHTML("beforeend", `<iframe title=v class=x src=https://player.vimeo.com/video/inner-WHEN></iframe>`);
  document.documentElement.append(holder);
"""
HEAD = "<script>{" + CALLS.replace("WHEN", "early") + "}</script>"
BODY = (
    '<script src="https://www.google-analytics.com/analytics.js?parsed"></script>'
    '<script src="https://cdn.partner.example/lib.js"></script>'
    "<script>document.write('<script src=\"https://mc.yandex.ru/metrika/written.js\"><' + '/script><p id=written>text</p>')</script>"
    '<iframe title="m" src="https://www.google.com/maps/embed?parsed" width="400" height="200"></iframe>'
)


def rules(theme: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    return trackers.rules({"trackers": {}} | (theme or {}), DESCRIBED)


@pytest.fixture
def visit(stage: Stage, open_page: OpenPage) -> Callable[..., tuple[Page, list[str]]]:
    """Opens a page whose calls to other hosts are answered here, and lists them."""

    def opened(body: str = BODY, head: str = HEAD) -> tuple[Page, list[str]]:
        stage.changes |= {"trackers": rules()}
        page = open_page(stage.page(path="/blank", tag=""))
        called: list[str] = []

        def answer(route: Route) -> None:
            address = route.request.url
            if address.startswith(stage.address):
                return route.continue_()
            called.append(address.removeprefix("https://"))
            kind = "text/javascript" if route.request.resource_type == "script" else "text/html"
            name = address.split("/")[2]
            return route.fulfill(
                status=200,
                content_type=kind,
                headers={"access-control-allow-origin": "*"},
                body=f"(window.ran ??= []).push({name!r})" if kind == "text/javascript" else "",
            )

        page.route("**/*", answer)
        page.goto(stage.page(body, head=elements.NO_LOOKING_AHEAD + head))
        page.wait_for_selector(ACCEPT)
        return page, called

    return opened


def test_nothing_on_the_list_gets_out_before_a_choice_or_after_a_refusal(
    stage: Stage, visit: Callable[..., tuple[Page, list[str]]]
) -> None:
    page, called = visit()
    page.wait_for_selector(ACCEPT)
    page.evaluate("() => {" + CALLS.replace("WHEN", "late") + "}")
    page.wait_for_timeout(200)
    page.click(REJECT)
    page.wait_for_selector(OPEN)
    page.evaluate("() => {" + CALLS.replace("WHEN", "after") + "}")
    page.wait_for_timeout(300)

    # A frame in the source is asked for as soon as the parser has made it; what it loads is stopped, and never shown.
    frame = "www.google.com/maps/embed?parsed"
    assert [one for one in called if ".partner.example/" not in one and one != frame] == []
    assert page.evaluate("window.ran") == ["cdn.partner.example"]
    assert {"api.partner.example/early", "api.partner.example/late", "api.partner.example/after"} <= set(
        called
    )
    assert {"/run/own-early", "/run/own-late", "/run/own-after"} <= set(stage.requests)
    assert page.evaluate("failed.filter((one) => one === 'TypeError').length") == 3
    assert page.evaluate("failed.filter((one) => one === 'xhr').length") == 3
    assert page.evaluate("failed.filter((one) => one === false).length") == 3
    names = {one["name"] for one in page.context.cookies()} | set(page.evaluate("Object.keys(localStorage)"))
    assert {name for name in names if not name.startswith("consent_")} == {
        *(f"{name}{when}" for name in ("basket", "own") for when in ("early", "late", "after"))
    }
    # Frames that nobody marked have placeholders, late ones too.
    page.wait_for_function("document.querySelectorAll('.csv-frame').length === 7")
    assert page.locator("#written").is_visible()

    # A key that is written as a property is there as long as the page.
    page.evaluate(
        "localStorage._hjProperty = '1'; sessionStorage['_hjProperty'] = '1'; localStorage.ownProperty = '1'"
    )
    page.goto(stage.address + "/blank")
    kept = page.evaluate("[...Object.keys(localStorage), ...Object.keys(sessionStorage)]")
    assert [key for key in kept if "Property" in key] == ["ownProperty"]


def test_all_of_it_runs_once_when_it_is_granted(visit: Callable[..., tuple[Page, list[str]]]) -> None:
    page, called = visit()
    page.click(ACCEPT)
    page.wait_for_function("window.ran?.length === 5 && window.loaded")
    page.evaluate("() => {" + CALLS.replace("WHEN", "late") + "}")
    page.wait_for_timeout(300)

    ran = page.evaluate("window.ran")
    assert sorted(ran[:5]) == [
        "cdn.partner.example",
        "mc.yandex.ru",
        "snap.licdn.com",
        "static.hotjar.com",
        "www.google-analytics.com",
    ]
    assert page.evaluate("window.loaded") == ["early", "late"]
    for name in ("created", "named", "pixel"):
        for when in ("early", "late"):
            assert [one.endswith(f"/{name}?{when}") for one in called].count(True) == 1
    assert {"player.vimeo.com/video/early", "bat.bing.com/action?late"} <= set(called)
    assert "_galate" in {one["name"] for one in page.context.cookies()}
    assert page.locator(".csv-frame").count() == 0


def test_an_embed_that_nobody_marked_can_be_shown_once(visit: Callable[..., tuple[Page, list[str]]]) -> None:
    page, called = visit(body=BODY, head="")
    cover = page.locator(".csv-frame")
    cover.wait_for()
    called.clear()

    cover.get_by_role("button", name="Show once").click()
    page.wait_for_function("document.querySelector('iframe').src.includes('google.com/maps')")
    page.wait_for_timeout(200)

    assert called == ["www.google.com/maps/embed?parsed"]
    assert granted(page) == []


def test_the_list_becomes_what_a_site_needs() -> None:
    by_purpose = {rule["purpose"]: rule for rule in rules()}

    assert list(by_purpose) == PURPOSES
    assert "shop_stats" in by_purpose["analytics"]["cookies"]
    assert trackers.CONTAINER in by_purpose["analytics"]["hosts"]
    assert trackers.rules({}, DESCRIBED) == []
    everything = [host for kind in trackers.known().values() for host in kind["hosts"]]
    assert len(everything) == len(set(everything))


def test_consent_mode_keeps_the_container_free_and_advanced_mode_the_tags() -> None:
    basic = rules({"signals": {"google": {}}})[0]["hosts"]
    advanced = rules({"signals": {"google": {"advanced": True}}})[0]["hosts"]

    assert trackers.CONTAINER not in basic
    assert set(basic) >= trackers.ADVANCED
    assert not trackers.ADVANCED & set(advanced)
    assert "hotjar.com" in advanced


def test_owners_choose_purposes_add_hosts_and_leave_some_out() -> None:
    chosen = {
        "purposes": {"social": "video"},
        "also": {"maps": ["maps.partner.example"]},
        "except": ["hotjar.com"],
    }

    by_purpose = {rule["purpose"]: rule["hosts"] for rule in trackers.rules({"trackers": chosen}, DESCRIBED)}

    assert "instagram.com/embed" in by_purpose["video"]
    assert "maps.partner.example" in by_purpose["maps"]
    assert "hotjar.com" not in by_purpose["analytics"]
