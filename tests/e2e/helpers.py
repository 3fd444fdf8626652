"""What the journeys do again and again: press, look at the status panel, read the browser's storage."""

from typing import Any

from playwright.sync_api import Page, expect

ACCEPT, REJECT, PREFERENCES = "#csv-accept-all", "#csv-reject-all", "#csv-preferences"
CARD, DIALOG, OPEN = ".csv-card", ".csv-dialog", "#csv-open"
OPTIONAL = ("analytics", "maps", "marketing")


def row(page: Page, purpose: str) -> Any:
    """A purpose's row in the status panel."""
    return page.locator(f'#status [data-purpose="{purpose}"]')


def expect_states(page: Page, **states: str) -> None:
    """Wait until the status panel shows these states: `blocked`, `running` or `stopping`."""
    for purpose, state in states.items():
        expect(row(page, purpose)).to_have_attribute("data-state", state)


def all_in(state: str) -> dict[str, str]:
    """All optional purposes of version 1.0 in one state."""
    return dict.fromkeys(OPTIONAL, state)


def cookies(page: Page) -> set[str]:
    """Names of the cookies that the page's partners have set."""
    return {str(cookie["name"]) for cookie in page.context.cookies()} & {"lm_visitor", "lm_page", "pp_ref"}


def press(page: Page, button: str) -> None:
    """Press one of the widget's buttons."""
    page.locator(button).first.click()


def expect_nothing_asked(page: Page) -> None:
    """The banner is there and working, and asks nothing."""
    expect(page.locator(OPEN)).to_be_attached()
    page.wait_for_timeout(400)
    expect(page.locator(CARD)).to_have_count(0)


def has_decided(page: Page) -> bool:
    """Whether the page's own code hears that this visitor has decided."""
    decided: bool = page.evaluate("() => Consent.get().decided")
    return decided
