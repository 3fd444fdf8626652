"""The one real Chromium that all browser tests of a run share; two would need two event loops in one thread."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

ARGUMENTS = [
    "--no-sandbox",
    "--headless",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# How long a page may take to become as expected, in ms: browsers, servers and databases share two cores in CI, and a
# page that is right in the end is right. A page that is wrong costs its test this long.
PATIENCE = 30_000
NAMES = ("chromium", "chromium-browser", "google-chrome")
QUICK = (
    "chromium-headless-shell"  # the same engine without a browser's window: no memory of pages that were left
)
MISSING = "NO BROWSER TEST WAS RUN: install Chromium (apt install chromium) or set CHROMIUM_PATH"


def chromium_path(*, whole: bool = False) -> str:
    """The program to drive, with `whole` the browser itself; without one the test is skipped loudly, and fails in CI."""
    for name in (os.environ.get("CHROMIUM_PATH", ""), "" if whole else QUICK, *NAMES):
        if name and (found := shutil.which(name)):
            return found
    if os.environ.get("CI") == "true":
        pytest.fail(MISSING)
    pytest.skip(MISSING)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, started once; tests open a context of their own in it."""
    executable = chromium_path()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        expect.set_options(timeout=PATIENCE)
        yield browser
        browser.close()
