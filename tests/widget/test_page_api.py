"""What a page can do with the banner: ask, look, and what its scripts cannot do."""

import pytest

from tests.widget.conftest import OpenPage
from tests.widget.helpers import (
    ACCEPT,
    CARD,
    DIALOG,
    OPEN,
    PREFERENCES,
    REJECT,
    granted,
    inline,
    ran,
    script,
    stored,
    wait_for_decisions,
)
from tests.widget.stage import Stage

pytestmark = pytest.mark.browser

FRAME = '<iframe title="A map" data-consent="maps" data-src="/framed" width="400" height="200"></iframe>'


def test_scripts_may_refuse_for_the_visitor_and_never_accept(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.page(FRAME))
    page.wait_for_selector(".csv-frame button")

    page.evaluate("document.querySelectorAll('.csv-frame button').forEach((button) => button.click())")
    page.evaluate(f"document.querySelector('{ACCEPT}').click()")
    page.click(PREFERENCES)
    page.locator("input[value=maps]").check()
    page.evaluate(
        "['accept-all', 'save'].forEach((id) => document.getElementById(`csv-preferences-${id}`).click())"
    )
    page.wait_for_timeout(100)
    assert stored(page) is None
    assert page.locator(DIALOG).count() == 1
    page.keyboard.press("Escape")

    page.evaluate(f"document.querySelector('{REJECT}').click()")

    assert wait_for_decisions(page, stage, 1)[0]["action"] == "reject_all"


def test_a_frame_can_be_shown_once_without_a_decision(stage: Stage, open_page: OpenPage) -> None:
    address = stage.page(FRAME)
    page = open_page(address)

    page.get_by_role("button", name="Show once").click()
    page.wait_for_function("document.querySelector('iframe').src.endsWith('/framed')")
    page.evaluate("document.body.append(document.createElement('p'))")
    page.wait_for_timeout(100)

    assert page.locator("iframe").is_visible()
    assert page.locator(".csv-frame").count() == 0
    assert stored(page) is None
    page.goto(address)
    page.wait_for_selector(".csv-frame")


def test_a_frame_that_comes_late_is_covered_too(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.page())
    page.click(REJECT)
    page.wait_for_selector(OPEN)

    page.evaluate("(html) => document.body.insertAdjacentHTML('beforeend', html)", FRAME)
    page.get_by_role("button", name="Always allow maps").click()
    page.wait_for_function("document.querySelector('iframe').src.endsWith('/framed')")

    assert granted(page) == ["maps"]


def test_a_page_asks_when_it_needs_a_purpose(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.page(script("maps", "m")))
    page.click(REJECT)
    page.wait_for_selector(OPEN)
    ask = "() => { Consent.ask(['maps', 'analytics']).then((answer) => { window.answers = [...(window.answers ?? []), answer]; }); }"

    page.evaluate(ask)
    page.get_by_text("May we use statistics and maps?").wait_for()
    page.click(REJECT)
    page.wait_for_function("window.answers?.length === 1")
    page.evaluate(ask)
    page.click(ACCEPT)
    page.wait_for_function("window.answers?.length === 2")
    page.evaluate(ask)  # nothing is left to ask
    page.wait_for_function("window.answers?.length === 3")

    assert page.evaluate("answers") == [False, True, True]
    assert page.locator(CARD).count() == 0
    assert ran(page, 1) == ["m"]
    decision = wait_for_decisions(page, stage, 3)[2]
    assert (decision["layer"], decision["asked"]) == ("api", ["analytics", "maps"])
    assert granted(page) == ["analytics", "maps"]


def test_a_page_that_asks_for_what_nobody_declared_gets_a_no(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.page())

    assert page.evaluate("Consent.ask('unheard-of')") is False


@pytest.mark.parametrize(("lang", "held"), [("en", "Held (2)"), ("zh-CN", "已拦截 (2)")])
def test_the_owner_s_panel_says_what_is_held_and_what_was_sent(
    stage: Stage, open_page: OpenPage, lang: str, held: str
) -> None:
    body = script("maps", "m") + FRAME + inline("essential", "e")
    address = stage.page(body, lang=lang, head="<script>window._paq = [['requireConsent']]</script>")
    page = open_page(address)
    page.wait_for_selector(CARD)
    assert page.locator(".csv-debug").count() == 0

    page.goto(address + "?consent-debug")
    panel = page.locator(".csv-debug")
    panel.get_by_text(held).wait_for()
    shown = panel.inner_text()

    assert "script · maps ✗ · /run/m" in shown
    assert "script · essential ✓" in shown
    assert '_paq ["requireConsent"]' in shown


def test_scripts_open_after_the_click_was_painted(stage: Stage, open_page: OpenPage) -> None:
    """Hidden and stored in the click itself; nothing of the page's runs before the next task, and one at a time."""
    note = "(window.ran ??= []).push([document.querySelectorAll('.csv-card').length, window.turn])"
    marked = f'<script type="text/plain" data-consent="maps">{note}; window.turn++</script>' * 3
    page = open_page(stage.page(marked))
    page.evaluate(
        """() => {
          window.turn = 0;
          document.querySelector("#csv-accept-all").addEventListener("click", () => {
            window.after = [!!localStorage.getItem("consent_s_test"), document.querySelectorAll(".csv-card").length];
            queueMicrotask(() => window.after.push((window.ran ?? []).length));
          });
        }"""
    )

    page.click(ACCEPT)

    assert ran(page, 3) == [[0, 0], [0, 1], [0, 2]]
    assert page.evaluate("after") == [True, 0, 0]
