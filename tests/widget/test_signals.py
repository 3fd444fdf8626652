"""What vendors are told: values and order, as they document them."""

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.widget.conftest import OpenPage
from tests.widget.helpers import ACCEPT, CARD, OPEN, REJECT, inline, ran, script, wait_for_decisions
from tests.widget.stage import ADS, GOOGLE, Stage, version

pytestmark = pytest.mark.browser

# The first script of the page after the tag, as Google's own snippet begins.
SNIPPET = "<script>window.dataLayer = window.dataLayer || []; function gtag(){dataLayer.push(arguments)} gtag('js', 1);</script>"
KEYS = {*ADS, "analytics_storage", "functionality_storage", "personalization_storage", "security_storage"}
GPC = "Object.defineProperty(navigator, 'globalPrivacyControl', { get: () => true })"


def commands(page: Page) -> list[list[Any]]:
    """The data layer; an entry that is an array and not `arguments` is marked, for Google ignores it."""
    return page.evaluate("dataLayer.map((one) => Array.isArray(one) ? ['array', ...one] : [...one])")


def states(page: Page) -> list[tuple[str, set[str]]]:
    """Every consent command and the keys that it grants."""
    found = []
    for command in commands(page):
        if command[0] == "consent":
            values = {key: value for key, value in command[2].items() if key != "wait_for_update"}
            assert set(values) == KEYS
            assert set(values.values()) <= {"granted", "denied"}
            found.append((command[1], {key for key, value in values.items() if value == "granted"}))
    return found


DENIED = {"security_storage"}
ALL = {*ADS, "analytics_storage", "security_storage"}


def test_google_s_default_is_first_and_denies_and_every_decision_is_one_update(
    stage: Stage, open_page: OpenPage
) -> None:
    stage.changes = {"signals": {"google": GOOGLE}}
    seen = inline("analytics", "states", "").replace(
        '(window.ran ??= []).push("states")',
        "window.ran = [dataLayer.filter((c) => c[1] == 'update').length]",
    )
    address = stage.page(seen, head=SNIPPET)
    page = open_page(address)
    page.wait_for_selector(ACCEPT)

    first = commands(page)
    assert first[0] == [
        "consent",
        "default",
        {**dict.fromkeys(KEYS, "denied"), "security_storage": "granted", "wait_for_update": 500},
    ]
    assert first[1:] == [["set", "ads_data_redaction", True], ["js", 1]]

    page.click(ACCEPT)
    assert ran(page, 1) == [1]  # a tag that was released finds the update already there
    assert states(page) == [("default", DENIED), ("update", ALL)]

    page.evaluate("Consent.withdraw('marketing')")
    page.wait_for_selector("#csv-reload, #csv-open")
    assert states(page)[2:] == [("update", {"analytics_storage", "security_storage"})]

    page.goto(address)  # a returning visitor: the stored choice is replayed, once
    page.wait_for_selector(OPEN)
    page.wait_for_timeout(100)
    assert states(page) == [("default", DENIED), ("update", {"analytics_storage", "security_storage"})]


def test_google_hears_a_refusal_a_signal_and_an_answer_to_a_change(stage: Stage, open_page: OpenPage) -> None:
    stage.changes = {"signals": {"google": GOOGLE}}
    page = open_page(stage.page())
    page.click(REJECT)
    page.wait_for_selector(OPEN)
    assert states(page) == [("default", DENIED), ("update", DENIED)]

    stage.changes |= {"region": "opt_out"}
    signalled = open_page(stage.page(path="/gpc"), init=GPC)
    wait_for_decisions(signalled, stage, 2)
    assert states(signalled) == [("default", DENIED), ("update", DENIED)]

    stage.changes |= {"region": "opt_in"}
    delta = open_page(stage.page(path="/delta"))
    delta.click(ACCEPT)
    wait_for_decisions(delta, stage, 3)
    wider = {
        "type": "recipients",
        "class": "major_consent",
        "purposes": ["marketing"],
        "summary": {"en": "More."},
    }
    stage.versions = [*stage.versions, version("2.0", wider)]
    delta.reload()
    delta.wait_for_selector(CARD)
    delta.click(REJECT)
    wait_for_decisions(delta, stage, 4)
    assert states(delta) == [
        ("default", DENIED),
        ("update", ALL),  # the old scope is honoured until the visitor has answered
        ("update", {"analytics_storage", "security_storage"}),
    ]


def test_a_site_without_signals_leaves_no_data_layer(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.page(script("maps", "m")))
    page.click(ACCEPT)
    ran(page, 1)

    assert page.evaluate("window.dataLayer") is None


# By vendor: what the page's own snippet leaves behind, what it is told of, and how to read what it was told.
VENDORS = {
    "clarity": (
        {"ad_Storage": ["marketing"], "analytics_Storage": ["analytics"]},
        "clarity.q.map((call) => [...call])",
    ),
    "uet": ({"ad_storage": ["marketing"]}, "uetq"),
    "matomo": ({"consent": ["analytics"]}, "_paq"),
    "meta": ({"consent": ["marketing"]}, "fbq.calls"),
    "wordpress": ({"statistics": ["analytics"], "marketing": ["marketing"]}, "[wp_consent_type, ...wp]"),
}
PIXEL = "window.fbq = function () { (fbq.calls ??= []).push([...arguments]); };"
WORDPRESS = "window.wp = []; window.wp_set_consent = (...call) => wp.push(call); document.addEventListener('wp_consent_type_defined', () => wp.push('defined'));"


def told(page: Page, vendor: str) -> Any:
    return page.evaluate(VENDORS[vendor][1])


def test_other_vendors_hear_their_documented_calls_before_their_tags_run(
    stage: Stage, open_page: OpenPage
) -> None:
    stage.changes = {"signals": {vendor: {"signals": granting} for vendor, (granting, _) in VENDORS.items()}}
    tag = inline("analytics", "x").replace('push("x")', "push(clarity.q.length, _paq.length, uetq.length)")
    page = open_page(stage.page(tag, head=f"<script>{PIXEL}{WORDPRESS}</script>"))
    page.wait_for_function("window.clarity && window._paq?.length && window.uetq && window.wp.length > 3")
    denied = {"ad_Storage": "denied", "analytics_Storage": "denied"}
    granted = {"ad_Storage": "granted", "analytics_Storage": "granted"}
    default = ["consent", "default", {"ad_storage": "denied"}]
    assert told(page, "clarity") == [["consentv2", denied]]
    assert told(page, "matomo") == [["requireConsent"]]
    assert told(page, "uet") == default
    assert told(page, "wordpress") == [
        "optin",
        "defined",
        ["functional", "allow"],
        ["statistics", "deny"],
        ["marketing", "deny"],
    ]

    page.click(ACCEPT)
    assert ran(page, 1) == [2, 2, 6]  # the tag finds all of it in the queues
    page.evaluate("Consent.withdraw()")
    page.wait_for_function("_paq.length === 3")

    assert told(page, "clarity") == [["consentv2", denied], ["consentv2", granted], ["consentv2", denied]]
    assert told(page, "matomo") == [["requireConsent"], ["setConsentGiven"], ["forgetConsentGiven"]]
    update = ["consent", "update"]
    assert told(page, "uet") == [
        *default,
        *update,
        {"ad_storage": "granted"},
        *update,
        {"ad_storage": "denied"},
    ]
    assert told(page, "meta") == [["consent", "revoke"], ["consent", "grant"], ["consent", "revoke"]]
    assert told(page, "wordpress")[-2:] == [["statistics", "deny"], ["marketing", "deny"]]


def test_matomo_may_count_without_cookies_until_consent(stage: Stage, open_page: OpenPage) -> None:
    stage.changes = {"signals": {"matomo": {"signals": {"cookie_consent": ["analytics"]}}}}
    page = open_page(stage.page())
    page.click(ACCEPT)
    page.wait_for_function("window._paq?.length === 2")

    assert told(page, "matomo") == [["requireCookieConsent"], ["setCookieConsentGiven"]]


def test_a_vendor_s_module_that_does_not_come_holds_nothing_up(stage: Stage, open_page: OpenPage) -> None:
    stage.changes = {"signals": {"matomo": {"signals": {"consent": ["analytics"]}}}}
    page = open_page(stage.page(script("maps", "m")))
    page.route("**/matomo-*", lambda route: route.abort())
    page.click(ACCEPT)

    assert ran(page, 1) == ["m"]
