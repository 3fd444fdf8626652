"""A fresh context of the shared Chromium and a fresh site for each test."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from consent_server import assets
from tests.chromium import PATIENCE
from tests.widget.stage import Stage, open_stage


@pytest.fixture(scope="session")
def bundles(widget_bundles: assets.Manifest) -> assets.Manifest:
    return widget_bundles


@pytest.fixture
def stage(bundles: assets.Manifest) -> Iterator[Stage]:
    with open_stage() as stage:
        yield stage


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Opens an address in a context of its own; fails the test if a script of ours threw."""
    contexts = []
    errors: list[str] = []

    def open_in(address: str, *, init: str = "", **options: Any) -> Page:
        context = browser.new_context(
            **({"locale": "en-GB", "viewport": {"width": 1280, "height": 800}} | options)
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: errors.append(str(error)))
        if init:
            page.add_init_script(init)
        page.goto(address)
        return page

    yield open_in
    for context in contexts:
        context.close()
    assert errors == []
