"""The keyboard alone is enough: from the sign-in link over draft, review and approval to a published version."""

import pytest
from flask import Flask
from playwright.sync_api import expect

from consent_server import clock
from consent_server.db import transaction
from consent_server.sites.service import site_by_key, update_site
from tests.e2e.conftest import Server, Store, Visit
from tests.e2e.console import enter, sign_in_link, tab_to, use_link

pytestmark = pytest.mark.browser


def test_from_the_sign_in_link_to_a_published_version(
    server: Server, office: Flask, store: Store, visit: Visit
) -> None:
    with office.app_context(), transaction():
        update_site(site_by_key(store.key), now=clock.now(), actor="test", four_eyes=True)
    page = visit(server.address + sign_in_link(office, role="author"), locale="en-GB")
    use_link(page)
    expect(page.locator("h1")).to_have_text("Sites")

    tab_to(page, f'a[href$="/sites/{store.key}"]')
    enter(page)
    tab_to(page, 'nav a[href$="/policies"]')
    enter(page)
    tab_to(page, 'main a[href$="/policies/privacy"]')
    enter(page)
    tab_to(page, 'a[href$="/draft"]')
    enter(page)

    tab_to(page, '.editor-row:last-child textarea.part[lang="en"]')
    page.keyboard.press("Control+End")
    page.keyboard.type(" Written without a mouse.")
    tab_to(page, '.editor-row:last-child textarea.part[lang="zh-CN"]')
    page.keyboard.press("Control+End")
    page.keyboard.type("不用鼠标写成。")
    tab_to(page, 'button[value="save"]')
    enter(page)
    expect(page.get_by_role("status").first).to_have_text("The draft is saved.")
    expect(page.locator('textarea.part[lang="en"]').last).to_contain_text("Written without a mouse.")

    tab_to(page, 'button[value="publish"]')
    enter(page)
    expect(page.locator("h1")).to_have_text("Publish version 2.0")
    tab_to(page, 'button[value="submit"]')
    enter(page)
    expect(page.locator("#review .mark")).to_have_text("In review")

    page = visit(server.address + sign_in_link(office, role="approver"), locale="en-GB")
    use_link(page)
    tab_to(page, 'nav a[href$="/inbox"]')
    enter(page)
    tab_to(page, f'main a[href*="{store.key}"]')
    enter(page)
    tab_to(page, 'button[value="approve"]')
    enter(page)
    expect(page.locator("#review .mark")).to_have_text("Approved")
    tab_to(page, 'button[value="publish"]')
    enter(page)

    # Not the note that says so: the page looks again by itself while the sweep runs, and may have done so already.
    expect(page.get_by_role("heading", name="After publishing version 2.0")).to_be_visible()
    expect(page.locator(".mark.is-good")).to_have_text("Done")  # the page follows the sweep to its end


def test_the_skip_link_leads_past_the_menu(server: Server, office: Flask, visit: Visit) -> None:
    page = visit(server.address + sign_in_link(office))
    use_link(page)

    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    assert page.evaluate("() => document.activeElement.id") == "content"


def test_on_a_phone_the_menu_opens_and_closes(server: Server, office: Flask, visit: Visit) -> None:
    page = visit(server.address + sign_in_link(office), viewport={"width": 360, "height": 740})
    use_link(page)
    menu = page.locator("[data-menu]")
    expect(page.locator("#side")).to_be_hidden()

    menu.click()
    expect(page.locator("#side")).to_be_visible()
    expect(menu).to_have_attribute("aria-expanded", "true")
    menu.click()
    expect(page.locator("#side")).to_be_hidden()


def test_without_scripts_all_of_it_works(server: Server, office: Flask, store: Store, visit: Visit) -> None:
    phone = {"width": 360, "height": 740}
    page = visit(
        server.address + sign_in_link(office), java_script_enabled=False, viewport=phone, locale="en-GB"
    )
    page.locator("main button").click()
    expect(page.locator("#side")).to_be_visible()
    expect(page.locator("[data-menu]")).to_be_hidden()

    page.goto(f"{server.address}/console/sites/{store.key}/policies/privacy/draft/publish")
    page.locator('button[value="publish"]').click()

    # Not the note that says so: the page looks again by itself while the sweep runs, and may have done so already.
    expect(page.get_by_role("heading", name="After publishing version 2.0")).to_be_visible()


def test_what_is_not_saved_is_not_lost_by_leaving(
    server: Server, office: Flask, store: Store, visit: Visit
) -> None:
    page = visit(server.address + sign_in_link(office), locale="en-GB")
    use_link(page)
    page.goto(f"{server.address}/console/sites/{store.key}/policies/privacy/draft")
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))

    page.route("**/autosave", lambda route: route.abort())
    page.locator('textarea.part[lang="en"]').first.press_sequentially("x")
    page.evaluate("() => { location.href = '/console' }")
    page.wait_for_timeout(500)

    assert asked == ["beforeunload"]
