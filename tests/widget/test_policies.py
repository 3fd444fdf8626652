"""Pages that allow little: a strict content security policy, Trusted Types, privacy signals, opt-out regions."""

import pytest

from tests.widget.conftest import OpenPage
from tests.widget.helpers import ACCEPT, CARD, PREFERENCES, granted, ran, wait_for_decisions
from tests.widget.stage import PURPOSES, SITE, Stage

pytestmark = pytest.mark.browser

NONCE = "bm9uY2U"
TAG = f'<script nonce="{NONCE}" src="/w/{SITE}.js"></script>'
MARKED = (
    f'<script nonce="{NONCE}" type="text/plain" data-consent="maps" data-src="/run/file"></script>'
    f'<script nonce="{NONCE}" type="text/plain" data-consent="maps">(window.ran ??= []).push("inline")</script>'
    '<iframe title="m" data-consent="maps" data-src="/framed" width="300" height="150"></iframe>'
)
WATCH = """window.violations = [];
  document.addEventListener("securitypolicyviolation", (e) => window.violations.push(e.violatedDirective + " " + e.blockedURI));"""
STRICT = (
    f"default-src 'none'; script-src 'nonce-{NONCE}'; style-src 'none'; connect-src 'self'; frame-src 'self'; "
    "base-uri 'none'; require-trusted-types-for 'script'"
)


@pytest.mark.parametrize("types", ["", "; trusted-types consent-server"])
def test_everything_works_under_a_strict_policy_with_trusted_types(
    stage: Stage, open_page: OpenPage, types: str
) -> None:
    stage.headers = {"Content-Security-Policy": STRICT + types}
    page = open_page(stage.page(MARKED, tag=TAG), init=WATCH)
    assert page.locator(CARD).evaluate("node => getComputedStyle(node).position") == "fixed"

    page.click(PREFERENCES)
    page.click("#csv-preferences-accept-all")

    assert ran(page, 2) == ["file", "inline"]
    assert page.evaluate("violations.filter((one) => !one.includes('favicon'))") == []


def test_a_page_that_lists_other_type_policies_only_keeps_files_shut_and_goes_on(
    stage: Stage, open_page: OpenPage
) -> None:
    stage.headers = {"Content-Security-Policy": STRICT + "; trusted-types 'none'"}
    page = open_page(stage.page(MARKED, tag=TAG))

    page.click(ACCEPT)

    assert ran(page, 1) == ["inline"]


@pytest.mark.parametrize(
    ("signal", "action"),
    [("globalPrivacyControl: true", "gpc"), ("doNotTrack: '1'", "dnt")],
)
def test_a_signal_is_honoured(stage: Stage, open_page: OpenPage, signal: str, action: str) -> None:
    init = f"for (const [key, value] of Object.entries({{ {signal} }})) Object.defineProperty(navigator, key, {{ get: () => value }})"

    asked = open_page(stage.page(path="/in"), init=init)
    assert asked.get_by_text("opt-out signal").is_visible()
    assert granted(asked) == []

    stage.changes = {"region": "opt_out"}
    answered = open_page(stage.page(path="/out"), init=init)
    decision = wait_for_decisions(answered, stage, 1)[0]
    assert (decision["action"], decision["choices"]) == (action, dict.fromkeys(PURPOSES, "denied"))
    assert answered.locator(CARD).count() == 0
    assert granted(answered) == []


def test_an_opt_out_region_is_on_until_the_visitor_says_no(stage: Stage, open_page: OpenPage) -> None:
    stage.changes = {"region": "opt_out"}
    page = open_page(stage.page())
    assert granted(page) == PURPOSES

    page.click("#csv-reject-all")

    assert granted(page) == []
