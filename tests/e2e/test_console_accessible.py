"""axe finds nothing on any page: both languages, phone and desk, light and dark; and nothing is wider than the screen."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Page

from tests.e2e.conftest import Server, Store, Visit
from tests.e2e.console import sign_in_link

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

OPEN = ["/console/sign-in", "/console/sign-in/none", "/console/nothing", "/docs"]
OF_STAFF = ["/console", "/console/inbox", "/console/sites/new", "/console/audit", "/console/profile",
            "/console/profile/security", "/console/profile/security/passkey"]  # fmt: skip
OF_SITE = [
    "",
    "/settings",
    "/settings/look",
    "/settings/signals",
    "/settings/profile",
    "/settings/tag",
    "/people",
    "/keys",
    "/keys/identity/rotate",
    "/purposes",
    "/purposes/new",
    "/purposes/analytics",
    "/policies",
    "/policies/new",
    "/policies/privacy",
    "/policies/privacy/versions/1.0",
    "/policies/privacy/draft",
    "/policies/privacy/draft/history",
    "/policies/privacy/draft/preview",
    "/policies/privacy/draft/publish",
    "/policies/privacy/draft/impact",
    "/policies/privacy/draft/review",
    "/receipts",
    "/dashboard",
    "/campaigns",
    "/reconsent",
    "/audit",
]
DESK, PHONE, HEIGHT = 1280, 360, 800


# axe looks at each language, width and scheme once; in both widths a page shows whether it grows wider than the screen.
@pytest.mark.parametrize(("language", "width", "scheme"), [("zh-CN", DESK, "light"), ("en", PHONE, "dark")])
def test_no_page_shuts_anybody_out(
    server: Server, office: Flask, store: Store, visit: Visit, language: str, width: int, scheme: Any
) -> None:
    look = {
        "locale": language,
        "viewport": {"width": width, "height": HEIGHT},
        "color_scheme": scheme,
        "bypass_csp": True,
    }
    outside = visit(server.address + OPEN[0], **look)
    inside = visit(server.address + sign_in_link(office, language=language), **look)
    inside.locator("main button").click()
    inside.wait_for_url("**/console")
    public = [f"/p/{store.key}/privacy?lang={language}", f"/p/{store.key}/privacy/1.0?lang={language}"]
    site = f"/console/sites/{store.key}"

    faults = []
    for page, paths in ((outside, OPEN + public), (inside, OF_STAFF + [site + path for path in OF_SITE])):
        for path in paths:
            page.goto(server.address + path)
            faults += [f"{path}: {fault}" for fault in found(page, language)]
            page.set_viewport_size({"width": width, "height": HEIGHT})

    assert faults == []


def found(page: Page, language: str) -> list[str]:
    """Return what is wrong with a page; its window is left in another width."""
    violations = Axe().run(page).response["violations"]
    faults = [f"{violation['id']} {violation['nodes'][0]['html'][:120]}" for violation in violations]
    for width in (PHONE, DESK):
        page.set_viewport_size({"width": width, "height": HEIGHT})
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            faults.append(f"wider than {width} pixels")
    if page.locator("h1").count() != 1:
        faults.append("not exactly one h1")
    if page.locator("html").get_attribute("lang") != language:
        faults.append("another language")
    return faults
