"""Google Consent Mode in the requests of a tag that works as Google's does: what each visitor's tag is told, in which order.

The stub reads the data layer as `gtag.js` does: a `default` holds until an `update`, for which events wait as long as the default says;
the most specific region's default counts; an event's request says with which state it was sent.
"""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, Route

from consent_server.banner.options import signals
from tests.widget.conftest import OpenPage
from tests.widget.helpers import ACCEPT, CARD, OPEN, REJECT, wait_for_decisions
from tests.widget.stage import PURPOSES, Stage, version
from tests.widget.test_signals import GPC

pytestmark = pytest.mark.browser

# `gcs` says G1, then ad_storage and analytics_storage as 1 or 0, as Google's own requests do.
STUB = """(() => {
  let waiting = [], wait = 0, settled = false;
  const settle = () => { settled = true; waiting.splice(0).forEach((send) => send()); };
  const region = document.documentElement.dataset.region, defaults = {}, state = {}, set = {};
  const now = (key) => state[key] ?? (defaults[region] ?? defaults[region?.split("-")[0]] ?? defaults[""] ?? {})[key];
  const bit = (key) => now(key) === "granted" ? 1 : 0;
  const read = ([command, one, two]) => {
    if (command === "set") set[one] = two;
    if (command === "consent" && one === "default") {
      for (const place of two.region ?? [""]) defaults[place] = two;
      wait ||= setTimeout(settle, two.wait_for_update);
    }
    if (command === "consent" && one === "update") Object.assign(state, two), settle();
    if (command !== "event" && command !== "config") return;
    const send = () => {
      new Image().src = `https://www.google-analytics.com/g/collect?${new URLSearchParams({
        en: one, gcs: `G1${bit("ad_storage")}${bit("analytics_storage")}`, personal: now("ad_personalization"), user: now("ad_user_data"),
        safe: now("security_storage"), redacted: set.ads_data_redaction ?? false, passed: set.url_passthrough ?? false })}`;
    };
    if (settled || !wait) send();
    else waiting.push(send);
  };
  dataLayer.forEach((one) => Array.isArray(one) || read(one));
  dataLayer.push = (...all) => all.forEach((one) => (Array.prototype.push.call(dataLayer, one), Array.isArray(one) || read(one)));
  gtag("event", "loaded");
})()"""
SNIPPET = "<script>window.dataLayer = window.dataLayer || []; function gtag(){dataLayer.push(arguments)} gtag('config', 'G-1');</script>"
LOADER = "https://www.googletagmanager.com/gtag/js?id=G-1"
KEYED = [{"key": key} for key in PURPOSES]
MARKED = f'<script type="text/plain" data-consent="analytics" data-src="{LOADER}"></script>'
UNMARKED = f'<script async src="{LOADER}"></script>'
ON, OFF = "G111", "G100"
WIDER = {
    "type": "recipients",
    "class": "major_consent",
    "purposes": ["marketing"],
    "summary": {"en": "More."},
}


class Tag:
    """A page with Google's tag, and what the tag has asked for."""

    def __init__(self, stage: Stage, open_page: OpenPage) -> None:
        self.stage, self.open_page = stage, open_page
        self.requests: list[dict[str, str]] = []
        self.loads = 0

    def answer(self, route: Route) -> None:
        url = route.request.url
        if url == LOADER:
            self.loads += 1
            return route.fulfill(content_type="text/javascript", body=STUB)
        self.requests.append(dict(pair.split("=") for pair in url.partition("?")[2].split("&")))
        return route.fulfill(content_type="image/gif", body="")

    def visit(
        self, tag: str, path: str, *, page: Page | None = None, init: str = "", region: str = ""
    ) -> Page:
        page = page or self.open_page(self.stage.page(path="/blank", tag=""), init=init)
        page.unroute_all()
        page.route(re.compile("^https://www.google"), self.answer)
        here = f"<script>document.documentElement.dataset.region = '{region}'</script>" if region else ""
        page.goto(self.stage.page(head=here + SNIPPET + tag, path=path))
        return page

    def sent(self, page: Page, count: int) -> list[tuple[str, str]]:
        """The events sent so far with the state that each was sent in; waits for `count`."""
        for _ in range(600):
            if len(self.requests) >= count:
                break
            page.wait_for_timeout(50)
        assert len(self.requests) == count
        return [(one["en"], one["gcs"]) for one in self.requests]


@pytest.fixture
def google(stage: Stage, open_page: OpenPage) -> Tag:
    stage.changes = {"signals": signals({"signals": {"google": {}}}, KEYED)}
    return Tag(stage, open_page)


def event(page: Page, name: str) -> None:
    page.evaluate("(name) => gtag('event', name)", name)


def test_in_basic_mode_nothing_is_asked_of_google_before_a_choice_and_all_of_it_with_the_choice(
    google: Tag,
) -> None:
    page = google.visit(MARKED, "/new")
    page.wait_for_selector(CARD)
    event(page, "early")
    page.wait_for_function("document.readyState === 'complete'")
    assert (google.loads, google.requests) == (0, [])

    page.click(ACCEPT)
    assert google.sent(page, 3) == [("G-1", ON), ("early", ON), ("loaded", ON)]
    assert {one["redacted"] for one in google.requests} == {"true"}
    assert {one["passed"] for one in google.requests} == {"false"}

    google.visit(MARKED, "/returning", page=page)
    assert google.sent(page, 5)[3:] == [("G-1", ON), ("loaded", ON)]

    page.evaluate("Consent.withdraw('marketing')")
    page.wait_for_selector(f"{CARD}, {OPEN}")
    page.evaluate("new Promise((go) => setTimeout(go))")
    event(page, "later")
    assert google.sent(page, 6)[5:] == [("later", "G101")]
    last = google.requests[-1]
    assert (last["personal"], last["user"], last["safe"]) == ("denied", "denied", "granted")

    google.visit(MARKED, "/withdrawn", page=page)
    assert google.sent(page, 8)[6:] == [("G-1", "G101"), ("loaded", "G101")]


def test_in_advanced_mode_a_tag_says_denied_until_a_choice_and_after_a_refusal(google: Tag) -> None:
    page = google.visit(UNMARKED, "/new")
    assert google.sent(page, 2) == [("G-1", OFF), ("loaded", OFF)]

    page.click(REJECT)
    page.wait_for_selector(OPEN)
    page.evaluate("new Promise((go) => setTimeout(go))")
    event(page, "refused")
    assert google.sent(page, 3)[2:] == [("refused", OFF)]

    google.visit(UNMARKED, "/returning", page=page)
    page.wait_for_selector(OPEN)
    assert google.sent(page, 5)[3:] == [("G-1", OFF), ("loaded", OFF)]


def test_a_visitor_with_a_signal_is_denied_in_a_region_that_asks_nothing(google: Tag, stage: Stage) -> None:
    stage.changes |= {"region": "opt_out"}

    page = google.visit(MARKED, "/free")
    assert {state for _, state in google.sent(page, 2)} == {ON}

    google.requests.clear()
    page = google.visit(MARKED, "/gpc", init=GPC)
    wait_for_decisions(page, stage, 1)
    assert google.requests == []
    assert page.evaluate("dataLayer.filter((one) => one[0] === 'consent').map((one) => one[1])") == [
        "default",
        "update",
    ]


def test_a_change_keeps_the_old_scope_until_it_is_answered(google: Tag, stage: Stage) -> None:
    page = google.visit(MARKED, "/before")
    page.click(ACCEPT)
    wait_for_decisions(page, stage, 1)
    google.sent(page, 2)
    stage.versions = [*stage.versions, version("2.0", WIDER)]

    google.visit(MARKED, "/delta", page=page)
    page.wait_for_selector(CARD)
    assert google.sent(page, 4)[2:] == [("G-1", ON), ("loaded", ON)]
    page.click(REJECT)
    wait_for_decisions(page, stage, 2)
    page.evaluate("new Promise((go) => setTimeout(go))")
    event(page, "answered")

    assert google.sent(page, 5)[4:] == [("answered", "G101")]


@pytest.mark.parametrize(("region", "state"), [("FR", OFF), ("US-NV", "G101"), ("US-CA", OFF)])
def test_the_most_specific_region_s_default_counts(
    google: Tag, stage: Stage, region: str, state: str
) -> None:
    chosen: dict[str, Any] = {
        "regions": [{"region": ["US"], "granted": ["analytics_storage"]}, {"region": ["US-CA"]}]
    }
    stage.changes = {"signals": signals({"signals": {"google": chosen}}, KEYED)}

    page = google.visit(UNMARKED, "/", region=region)

    assert google.sent(page, 2) == [("G-1", state), ("loaded", state)]
    first = page.evaluate("[...dataLayer].map((one) => [...one]).slice(0, 2)")
    assert [one[:2] for one in first] == [["consent", "default"]] * 2
    assert "region" not in first[0][2]
