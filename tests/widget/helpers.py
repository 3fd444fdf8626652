"""What the widget's tests do again and again."""

from typing import Any

from playwright.sync_api import Page

from tests.chromium import PATIENCE
from tests.widget.stage import SITE, Stage

ACCEPT, REJECT, PREFERENCES = "#csv-accept-all", "#csv-reject-all", "#csv-preferences"
CARD, DIALOG, OPEN = ".csv-card", ".csv-dialog", "#csv-open"


def script(purpose: str, name: str, attributes: str = "") -> str:
    """A marked script with an address; it notes its name in `window.ran`."""
    return f'<script type="text/plain" data-consent="{purpose}" data-src="/run/{name}" {attributes}></script>'


def inline(purpose: str, name: str, attributes: str = "") -> str:
    """A marked script without an address."""
    return f'<script type="text/plain" data-consent="{purpose}" {attributes}>(window.ran ??= []).push("{name}")</script>'


def ran(page: Page, count: int = 0) -> list[str]:
    """The marked scripts that have run, in order; waits for `count` of them."""
    names: list[str] = []
    for _ in range(PATIENCE // 50):  # not wait_for_function: it needs eval, which a strict policy refuses
        names = page.evaluate("window.ran ?? []")
        if len(names) >= count:
            return names
        page.wait_for_timeout(50)
    raise AssertionError(f"expected {count} scripts, ran: {names}")


def stored(page: Page) -> dict[str, Any] | None:
    """The visitor's record."""
    return page.evaluate(f"JSON.parse(localStorage.getItem('consent_{SITE}'))")


def queued(page: Page) -> list[dict[str, Any]]:
    """Decisions that were not acknowledged yet."""
    return page.evaluate(f"JSON.parse(localStorage.getItem('consent_{SITE}_queue') ?? '[]')")


def wait_for_decisions(page: Page, stage: Stage, count: int) -> list[dict[str, Any]]:
    """The decisions that have reached the server, once there are `count` and the page has heard so."""
    heard = f"(() => {{ try {{ return localStorage.getItem('consent_{SITE}_queue') ?? '[]' }} catch {{ return '[]' }} }})()"
    for _ in range(PATIENCE // 50):
        # A page that is left before it has heard sends again, as it should; no test wants to see that by chance.
        if len(stage.decisions) >= count and page.evaluate(heard) == "[]":
            break
        page.wait_for_timeout(50)
    assert len(stage.decisions) == count
    return stage.decisions


def granted(page: Page) -> list[str]:
    """What `window.Consent` says is on."""
    purposes = page.evaluate("Consent.get().purposes")
    return [purpose for purpose, on in purposes.items() if on]
