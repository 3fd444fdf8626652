"""What the console's journeys need: a staff account with a one-time link, and a keyboard."""

import uuid

from flask import Flask
from playwright.sync_api import Page, expect

from consent_server import clock
from consent_server.accounts import members
from consent_server.accounts import service as accounts
from consent_server.db import transaction


def sign_in_link(office: Flask, *, language: str = "en", role: str = "owner") -> str:
    """Make an account of its own and return the path of its one-time link."""
    with office.app_context(), transaction():
        account = accounts.create_account(
            email=f"{uuid.uuid4().hex[:8]}@example.org",
            name="Lin",
            password=None,
            now=clock.now(),
            actor="test",
            language=language,
        )
        members.grant(account, role=role, site_id=None, now=clock.now(), actor="test")
        return f"/console/sign-in/{accounts.make_sign_in_link(account, now=clock.now(), actor='test')}"


def tab_to(page: Page, selector: str, *, most: int = 150) -> None:
    """Press Tab until an element has the focus, as somebody without a mouse does; its focus must be seen."""
    for _ in range(most):
        page.keyboard.press("Tab")
        here = page.evaluate("s => document.activeElement.matches(s)", selector)
        if here:
            outline = page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", f"the focus on {selector} cannot be seen"
            return
    raise AssertionError(f"Tab never reaches {selector}")


def enter(page: Page) -> None:
    """Press Enter on what has the focus, and wait for the page that it leads to."""
    with page.expect_navigation():
        page.keyboard.press("Enter")


def use_link(page: Page) -> None:
    """Use the one-time link on the screen: its button gets the focus by itself."""
    expect(page.locator("main button")).to_be_focused()
    enter(page)
