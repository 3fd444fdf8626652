"""A site in a database of its own, two servers on it, and a PostgreSQL that waits for its disk."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from consent_server.db import db
from tests import make
from tests.conftest import BuildApp, forget_all
from tests.engines import Databases
from tests.nursery import Nursery

from .postgres import DurablePostgreSQL
from .server import Server
from .visitors import Visitors


@pytest.fixture(scope="session")
def _durable() -> Iterator[list[DurablePostgreSQL]]:
    made: list[DurablePostgreSQL] = []
    yield made
    for server in made:
        server.remove()


@pytest.fixture
def durable(_durable: list[DurablePostgreSQL]) -> DurablePostgreSQL:
    """A PostgreSQL with fsync on; a test may kill it, but starts it again."""
    if not _durable:
        _durable.append(DurablePostgreSQL.create())
    return _durable[0]


@dataclass(frozen=True)
class Shop:
    """A site with a published policy, as far as a test needs it while databases come and go."""

    app: Flask
    id: int
    key: str
    api_key: str
    template: dict[str, Any]
    settings: dict[str, str]
    folder: Path

    @property
    def anchors(self) -> Path:
        """The servers' anchor file."""
        return self.folder / "anchors.jsonl"

    def visitors(self, *servers: Server) -> Visitors:
        """Return visitors of this site's banner."""
        return Visitors(servers, self.key, self.template)


@contextmanager
def open_shop(app: Flask, url: str, folder: Path) -> Iterator[Shop]:
    """Make a site in a database, and close the connections that the test has at the end."""
    # No setting allows an unsafe database: that the servers start says that this one is durable.
    settings = {
        "CONSENT_DATABASE_URL": url,
        "CONSENT_DATA_DIR": str(folder),
        "CONSENT_KEYS_DIR": str(app.extensions["settings"].keys_dir),
        "CONSENT_RATE_LIMITS": "false",
        "CONSENT_EMBEDDED_WORKER": "false",  # a worker process integrates; it is killed like the others
    }
    forget_all()  # of another database, whose first site has the same number
    with app.app_context():
        site = make.ready_site()
        key, body = make.api_key(site), make.body(app.test_client(), site)
        made = Shop(app, site.id, site.key, key, body, settings, folder)
        db.session.remove()
    yield made
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    forget_all()


@pytest.fixture
def sqlite_shop(databases: Databases, build_app: BuildApp, tmp_path: Path) -> Iterator[Shop]:
    """A site in an SQLite database."""
    folder = tmp_path / "database"  # nothing else is in it
    folder.mkdir()
    shutil.move(databases.migrated("sqlite").removeprefix("sqlite:///"), folder / "consent.sqlite3")
    url = f"sqlite:///{folder / 'consent.sqlite3'}"
    with open_shop(build_app("sqlite", database_url=url), url, tmp_path) as made:
        yield made


@pytest.fixture
def postgres_shop(durable: DurablePostgreSQL, build_app: BuildApp, tmp_path: Path) -> Iterator[Shop]:
    """A site in a PostgreSQL that waits for its disk."""
    url = durable.database()
    with open_shop(build_app("postgresql", database_url=url), url, tmp_path) as made:
        yield made
    durable.drop(url)


@pytest.fixture
def shop(engine: str, request: pytest.FixtureRequest) -> Shop:
    """A site in a database of its own."""
    made: Shop = request.getfixturevalue("sqlite_shop" if engine == "sqlite" else "postgres_shop")
    return made


StartServer = Callable[..., Server]


@pytest.fixture
def new_server(nursery: Nursery, tmp_path: Path) -> Iterator[StartServer]:
    """Makes servers on a shop's database, which are not started yet; all are killed at the end."""
    made: list[Server] = []

    def new(shop: Shop, command: str = "serve", *, cold: bool = False, **settings: str) -> Server:
        given = shop.settings | {f"CONSENT_{name.upper()}": value for name, value in settings.items()}
        log = tmp_path / f"{command}-{len(made)}.log"
        server = Server(given, log, None if cold else nursery, command)
        made.append(server)
        return server

    yield new
    for server in made:
        server.kill()
