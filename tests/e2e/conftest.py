"""One consent server for the session, in processes of its own; a shop with a new site for each test; real browsers."""

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask import Flask
from playwright.sync_api import Browser, Page
from sqlalchemy import select

from consent_server import assets, clock, create_app
from consent_server.cli.database import initialise
from consent_server.config import load_settings
from consent_server.db import db, transaction
from consent_server.demo.identity import identity_token
from consent_server.demo.seed import POLICY_KEY, TEXTS, make_site
from consent_server.demo.shop import Shop, serve_shop
from consent_server.ledger.models import Receipt
from consent_server.policies import drafting, publishing
from consent_server.policies.text import read_sources
from consent_server.sites import service as sites
from tests.chromium import PATIENCE
from tests.demo.process import environment, free_port


@dataclass
class Server:
    """The consent server: a database and keys in a folder, and a process that tests may stop and start."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> dict[str, str]:
        return environment(
            data_dir=str(self.folder),
            port=str(self.port),
            public_url=self.address,
            tag_max_age="0",
            config_cache_seconds="0",
            rate_limits="false",
            log_level="error",
        )

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "consent_server.demo.server"], env=self.settings
        )
        for _ in range(300):
            try:
                with urllib.request.urlopen(f"{self.address}/readyz", timeout=2):
                    return
            except (urllib.error.URLError, ConnectionError):
                assert self.process.poll() is None, "the server did not start"
                time.sleep(0.1)
        raise AssertionError("the server is not ready")

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(20)
            self.process = None


@pytest.fixture(scope="session")
def server(widget_bundles: assets.Manifest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("server"), free_port())
    initialise(load_settings(running.settings))
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def office(server: Server) -> Iterator[Flask]:
    """The same installation seen from the office: services on the server's own database."""
    app = create_app(load_settings(server.settings))
    yield app
    with app.app_context():
        db.engine.dispose()


@dataclass
class Store:
    """A shop of a test: its address, its site on the server, and what its staff can do."""

    address: str
    shop: Shop
    office: Flask

    @property
    def key(self) -> str:
        return self.shop.site_key

    def publish(self, folder: str | None = None, changes: list[dict[str, Any]] | None = None) -> str:
        """Publish the draft, by default the prepared 2.0; or the texts of a folder with these changes."""
        now = clock.now()
        with self.office.app_context(), transaction():
            policy = drafting.policy_by_key(sites.site_by_key(self.key), POLICY_KEY)
            draft = drafting.open_draft(policy, now=now, actor="test")
            for file in read_sources([TEXTS / folder]).files if folder else ():
                drafting.save_notice(
                    draft,
                    language=file.language,
                    text_format=file.format,
                    source=file.text,
                    now=now,
                    actor="test",
                )
            if changes is not None:
                drafting.set_changes(draft, changes, now=now, actor="test")
            number = publishing.publish_version(draft, now=now, actor="test").number
        assert number
        return number

    def receipts(self, count: int = 0) -> list[dict[str, Any]]:
        """What the site's receipts claim, in the order of the log; waits for `count` of them."""
        found: list[dict[str, Any]] = []
        for _ in range(PATIENCE // 50):
            with self.office.app_context():
                site = sites.site_by_key(self.key)
                rows = db.session.scalars(
                    select(Receipt)
                    .where(Receipt.site_id == site.id, Receipt.visitor_id.is_not(None))
                    .order_by(Receipt.idx)
                )
                found = [orjson.loads(row.payload or b"{}") for row in rows]
            if len(found) >= count:
                break
            time.sleep(0.05)
        assert len(found) == count or not count
        return found

    def token(
        self, subject: str = "reader-1", *, secret: str | None = None, site_key: str | None = None
    ) -> str:
        """A token as the shop's server makes them, or a forged one."""
        return identity_token(
            subject,
            site_key=site_key or self.key,
            secret=secret or self.shop.identity_secret,
            now=int(clock.now().timestamp()),
        )


OpenStore = Callable[[], Store]


@pytest.fixture
def open_store(server: Server, office: Flask) -> Iterator[OpenStore]:
    """Opens a shop on an origin of its own, with version 1.0 published and 2.0 ready."""
    with ExitStack() as open_shops:

        def open_one() -> Store:
            bound = open_shops.enter_context(socket.socket())
            bound.bind(("127.0.0.1", 0))
            origin = f"http://127.0.0.1:{bound.getsockname()[1]}"
            with office.app_context(), transaction():
                site = make_site([origin], now=clock.now(), four_eyes=False)
                secret = office.extensions["keys"].identity_secret(site.key, site.identity_generation)
                shop = Shop(server.address, site.key, secret, (origin,))
            open_shops.enter_context(serve_shop(shop, bound))
            return Store(origin, shop, office)

        yield open_one


@pytest.fixture
def store(open_store: OpenStore) -> Store:
    return open_store()


Visit = Callable[..., Page]


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Opens an address as a new visitor; fails the test if a script threw or a policy of the page was broken."""
    contexts = []
    faults: list[str] = []

    def open_in(address: str, **options: Any) -> Page:
        context = browser.new_context(
            **({"locale": "zh-CN", "viewport": {"width": 1280, "height": 900}} | options)
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "console",
            lambda message: (
                faults.append(message.text) if "Content Security Policy" in message.text else None
            ),
        )
        page.goto(address)
        return page

    yield open_in
    for context in contexts:
        context.close()
    assert faults == []
