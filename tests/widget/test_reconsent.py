"""Visitors who have chosen before: asked about the delta only, told about notices, known across browsers."""

import pytest

from tests.widget.conftest import OpenPage
from tests.widget.helpers import (
    ACCEPT,
    CARD,
    DIALOG,
    OPEN,
    REJECT,
    granted,
    ran,
    script,
    stored,
    wait_for_decisions,
)
from tests.widget.stage import Stage, version

pytestmark = pytest.mark.browser

SHARED = {
    "type": "recipients",
    "class": "major_consent",
    "purposes": ["analytics"],
    "summary": {
        "en": "Figures are now also shared with a partner.",
        "zh-CN": "统计数据现在也会与一家合作方共享。",
    },
}
KEPT = {
    "type": "retention",
    "class": "major_notice",
    "purposes": None,
    "summary": {"en": "Figures are kept longer."},
}
TYPO = {"type": "typo", "class": "patch", "purposes": None, "summary": {"en": "A typing error."}}


def publish(stage: Stage, *changes: dict[str, object], number: str = "2.0") -> None:
    stage.versions = [*stage.versions, version(number, *changes)]


def test_a_wider_scope_is_asked_about_alone(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.page(script("analytics", "a")))
    page.click(ACCEPT)
    wait_for_decisions(page, stage, 1)
    publish(stage, SHARED, TYPO)

    page.reload()
    page.wait_for_selector(CARD)
    shown = page.locator(CARD).inner_text()
    assert "Figures are now also shared with a partner." in shown
    assert "typing error" not in shown
    assert page.locator(f"{CARD} a").get_attribute("href").endswith("/p/s_test/privacy/2.0?lang=en")
    assert page.evaluate(
        "document.querySelector('#csv-accept-all').className === document.querySelector('#csv-reject-all').className"
    )
    assert ran(page, 1) == ["a"]  # the old scope is honoured until the visitor has answered

    page.click(REJECT)
    decision = wait_for_decisions(page, stage, 2)[1]

    assert (decision["layer"], decision["asked"], decision["policy_version"]) == (
        "delta",
        ["analytics"],
        "2.0",
    )
    assert granted(page) == ["maps", "video", "marketing"]
    page.reload()
    page.wait_for_selector(OPEN)
    assert page.locator(CARD).count() == 0


def test_a_change_that_a_campaign_tells_in_a_dialog(stage: Stage, open_page: OpenPage) -> None:
    stage.changes = {"theme": {"form": "bottom"}}
    page = open_page(stage.page())
    page.click(ACCEPT)
    wait_for_decisions(page, stage, 1)
    publish(stage, TYPO, number="1.1")
    publish(stage, SHARED)
    stage.popups = ["1.1"]  # of this one the visitor is not told

    page.reload()
    page.wait_for_selector(ACCEPT)
    assert page.get_by_role("dialog").count() == 0
    stage.popups = ["1.1", "2.0"]
    page.reload()
    page.wait_for_selector(".csv-sheet")

    dialog = page.get_by_role("dialog", name="Something has changed")
    box = dialog.bounding_box()
    assert box is not None
    assert abs(box["x"] + box["width"] / 2 - 640) < 2  # in the middle, although the site's own form is a bar
    assert box["width"] == 480
    assert "Figures are now also shared with a partner." in dialog.inner_text()
    assert page.evaluate("document.activeElement.localName") == "body"
    page.click(REJECT)
    assert wait_for_decisions(page, stage, 2)[1]["layer"] == "delta"
    page.wait_for_selector(".csv-sheet", state="detached")


def test_an_outdated_history_never_carries_a_consent_over(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.page(script("analytics", "a")))
    page.click(ACCEPT)
    wait_for_decisions(page, stage, 1)
    publish(stage, SHARED)
    stage.known = 1

    page.reload()
    page.wait_for_timeout(300)
    assert ran(page) == []
    assert page.locator(CARD).count() == 0

    stage.known = None
    page.reload()
    page.wait_for_selector(ACCEPT)
    assert ran(page, 1) == ["a"]


def test_a_minor_change_carries_choices_over_once(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.page(script("analytics", "a")))
    page.click(ACCEPT)
    wait_for_decisions(page, stage, 1)
    before = stored(page)
    publish(stage, TYPO, number="1.1")

    page.reload()
    assert ran(page, 1) == ["a"]
    after = stored(page)
    stage.requests.clear()
    page.reload()
    assert ran(page, 1) == ["a"]
    page.wait_for_timeout(100)

    assert before is not None
    assert after is not None
    assert after["state"]["purposes"] == before["state"]["purposes"]
    assert after["state"]["version"] == "1.1"
    assert [path for path in stage.requests if path.startswith(("/v1", "/w/preferences"))] == []
    assert page.locator(CARD).count() == 0


def test_a_page_older_than_the_history_judges_by_its_own_version(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.page())
    page.click("#csv-preferences")
    page.wait_for_selector(DIALOG)
    publish(stage, SHARED)
    stage.changes = {"version": "1.0"}

    page.reload()
    page.click(ACCEPT)

    assert wait_for_decisions(page, stage, 1)[0]["policy_version"] == "1.0"
    assert page.locator(CARD).count() == 0


def test_a_visitor_who_refused_is_not_asked_again(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.page())
    page.click(REJECT)
    publish(stage, SHARED)

    page.reload()
    page.wait_for_selector(OPEN)
    page.wait_for_timeout(200)

    assert page.locator(CARD).count() == 0


def test_a_notice_is_acknowledged_once(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.page(lang="zh-CN"))
    page.click(ACCEPT)
    wait_for_decisions(page, stage, 1)
    publish(stage, KEPT)

    page.reload()
    page.wait_for_selector(CARD)
    assert page.locator(f"{CARD} .csv-decide").all_inner_texts() == ["我知道了"]
    assert "Figures are kept longer." in page.locator(CARD).inner_text()
    page.click("#csv-acknowledge")
    page.reload()
    page.wait_for_selector(OPEN)
    page.wait_for_timeout(200)

    assert page.locator(CARD).count() == 0
    assert len(stage.decisions) == 1


def test_at_most_three_changes_are_listed(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.page())
    page.click(ACCEPT)
    publish(stage, *({**SHARED, "summary": {"en": f"Change {n}."}} for n in range(5)))

    page.reload()
    page.wait_for_selector(CARD)

    assert page.locator(f"{CARD} li").count() == 3
    assert "And 2 more" in page.locator(CARD).inner_text()


def test_the_switch_of_a_changed_purpose_is_off_until_it_is_granted_anew(
    stage: Stage, open_page: OpenPage
) -> None:
    page = open_page(stage.page())
    page.click(ACCEPT)
    publish(stage, SHARED)
    page.reload()
    page.wait_for_selector(CARD)

    page.click("#csv-preferences")
    page.wait_for_selector(DIALOG)

    assert not page.locator("input[value=analytics]").is_checked()
    assert page.locator("input[value=maps]").is_checked()


def test_an_expired_choice_is_asked_again(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.page(script("maps", "m")))
    page.click(ACCEPT)
    ran(page, 1)
    later = page.evaluate("Date.now()") + 181 * 864e5

    page.add_init_script(f"Date.now = () => {later}")
    page.reload()
    page.wait_for_selector(ACCEPT)

    assert ran(page) == []


def test_a_known_user_brings_choices_along(stage: Stage, open_page: OpenPage) -> None:
    at = 1_700_000_000_000
    entry = {"choice": "granted", "version": "1.0", "at": at, "until": 4 * 10**12, "by": "custom"}
    denied = {**entry, "choice": "denied"}
    purposes = {"analytics": denied, "maps": entry, "video": denied, "marketing": denied}
    stage.identified = {
        "subject_known": True,
        "linked": True,
        "state": {"version": "1.0", "purposes": purposes},
    }
    page = open_page(stage.page(script("maps", "m")))
    page.wait_for_selector(CARD)

    assert page.evaluate("Consent.identify('token')") is True

    assert ran(page, 1) == ["m"]
    page.wait_for_selector(CARD, state="detached")
    page.evaluate("Consent.identify(null)")
    page.wait_for_selector(CARD)
    assert stored(page) is None


def test_a_refused_token_changes_nothing(stage: Stage, open_page: OpenPage) -> None:
    stage.identified = {"status": 401}
    page = open_page(stage.page())
    page.click(REJECT)
    before = stored(page)

    assert page.evaluate("Consent.identify('forged')") is False

    assert stored(page) == before


def test_a_browser_of_another_user_starts_afresh(stage: Stage, open_page: OpenPage) -> None:
    stage.identified = {"stranger": True, "state": None}
    page = open_page(stage.page())
    page.click(ACCEPT)
    wait_for_decisions(page, stage, 1)

    assert page.evaluate("Consent.identify('token')") is True

    assert granted(page) == []
    assert [set(one) for one in stage.identifications] == [{"token", "visitor_id"}, {"token"}]


def test_when_granted_resolves_at_the_grant(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.page())
    page.evaluate("() => { Consent.whenGranted('maps').then(() => { window.mapped = true; }); }")
    page.wait_for_timeout(50)
    assert page.evaluate("window.mapped") is None

    page.click(ACCEPT)

    page.wait_for_function("window.mapped")
