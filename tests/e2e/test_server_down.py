"""The consent server is away: the shop works, the gates stay shut, and no decision is lost or doubled."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Server, Store, Visit
from tests.e2e.helpers import ACCEPT, REJECT, all_in, cookies, expect_nothing_asked, expect_states, press

pytestmark = pytest.mark.browser


@pytest.fixture
def stoppable(server: Server) -> Iterator[Server]:
    yield server
    if server.process is None:
        server.start()


def test_the_page_works_and_all_gates_stay_shut(store: Store, stoppable: Server, visit: Visit) -> None:
    stoppable.stop()

    page = visit(f"{store.address}/en", locale="en-GB")

    expect(page.locator("#version")).to_have_text("The server cannot be reached")
    page.click('[data-book="tea"]')
    page.click("#show-receipt")
    expect(page.locator("#verdict")).to_have_text("No receipt yet: make a choice first.")
    expect_states(page, **all_in("blocked"))
    assert cookies(page) == set()


def test_a_decision_is_applied_at_once_and_delivered_once_when_the_server_is_back(
    store: Store, stoppable: Server, visit: Visit
) -> None:
    page = visit(store.address)
    expect(page.locator(ACCEPT)).to_be_visible()
    stoppable.stop()

    press(page, ACCEPT)
    expect_states(page, analytics="running", marketing="running")
    stoppable.start()
    assert store.receipts() == []
    page.reload()

    (claims,) = store.receipts(1)
    assert claims["action"] == "accept_all"
    expect_nothing_asked(page)
    page.reload()
    expect_nothing_asked(page)
    store.receipts(1)


def test_two_decisions_arrive_in_their_order(store: Store, stoppable: Server, visit: Visit) -> None:
    page = visit(store.address)
    expect(page.locator(REJECT)).to_be_visible()
    stoppable.stop()

    press(page, REJECT)
    page.evaluate("() => Consent.withdraw('maps')")
    stoppable.start()
    page.reload()

    assert [claims["action"] for claims in store.receipts(2)] == ["reject_all", "withdraw"]
