"""A passkey in a real Chromium with a virtual authenticator: made, used as second step, before what is dangerous, alone."""

import re
import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, CDPSession, Page, expect
from werkzeug.serving import make_server

from consent_server.accounts import service as accounts
from consent_server.accounts.models import Passkey
from consent_server.db import db, transaction
from tests import make
from tests.conftest import BuildApp

pytestmark = pytest.mark.browser
PASSWORD = "correct horse battery"
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def site(build_app: BuildApp) -> Iterator[tuple[str, Flask]]:
    """A server under a name, since passkeys are bound to one, with an account."""
    app = build_app("sqlite", rate_limits="false")
    server = make_server("localhost", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    with app.app_context():
        make.account()
    yield f"http://localhost:{server.port}", app
    server.shutdown()
    thread.join()
    server.server_close()


def authenticator(page: Page) -> CDPSession:
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    return session


def enter_password(page: Page) -> None:
    page.get_by_label("E-mail address").fill("lin@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_a_passkey_from_its_making_to_signing_in_with_it_alone(
    browser: Browser, site: tuple[str, Flask]
) -> None:
    address, app = site
    page = browser.new_context(locale="en-GB").new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    authenticator(page)
    page.goto(f"{address}/console/sign-in")
    enter_password(page)

    page.goto(f"{address}/console/profile/security/passkey")
    page.get_by_label("Name").fill("work laptop")
    page.get_by_role("button", name="Make the passkey").click()
    expect(page.locator("#codes li")).to_have_count(10)
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_role("heading", name="work laptop")).to_be_visible()

    # As the second step.
    page.context.clear_cookies()
    page.goto(f"{address}/console/sign-in")
    enter_password(page)
    expect(page.get_by_role("heading", name="Second step")).to_be_visible()
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Sites")).to_be_visible()

    # Before what is dangerous, once the proof is old.
    with app.app_context(), transaction():
        account = accounts.account_by_email("lin@example.org")
        assert account is not None
        for session in db.session.scalars(db.select(accounts.ConsoleSession)):
            session.proved_at = None
    page.goto(f"{address}/console/profile/security")
    page.get_by_role("button", name="Make new codes").click()
    expect(page.get_by_role("heading", name="Confirm that it is you")).to_be_visible()
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.locator("#codes li")).to_have_count(10)

    # Alone.
    page.context.clear_cookies()
    page.goto(f"{address}/console/sign-in")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("heading", name="Sites")).to_be_visible()
    page.goto(f"{address}/console/profile/security")
    expect(page.locator("tr", has_text="This browser")).to_contain_text("Passkey")

    # A removed one opens nothing.
    with app.app_context(), transaction():
        [key] = db.session.scalars(db.select(Passkey))
        assert key.sign_count > 0
        db.session.delete(key)
    page.context.clear_cookies()
    page.goto(f"{address}/console/sign-in")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("alert").first).to_contain_text("This passkey does not open this account")
    expect(page).to_have_url(re.compile("/console/sign-in/passkey$"))
    assert faults == []
    page.context.close()
