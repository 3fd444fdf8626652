"""What all tests share: both databases, an application on each, and a transaction around every test.

A test that takes `app` or `client` runs once per engine (`--engine sqlite|postgresql|both|spread`). Whatever it commits is
rolled back. A test that needs real commits (threads, locks, processes) takes `live_app`, which has a database of its
own and is slower.
"""

import contextvars
import fcntl
import gc
import zlib
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient

from consent_server import assets, clock, create_app
from consent_server.accounts import passwords
from consent_server.banner import builds
from consent_server.banner import service as banner
from consent_server.config import load_settings
from consent_server.db import db
from consent_server.keys import create_keys
from consent_server.ledger import names, proving
from consent_server.policies import published
from consent_server.rate_limit import limiter
from consent_server.sites import keys_let_in

from .chromium import browser  # noqa: F401 - a fixture
from .engines import CITUS, ENGINES, Databases
from .nursery import Nursery
from .smtp import inbox  # noqa: F401 - a fixture

HERE = Path(__file__).parent
# What differs from engine to engine is tested here on both; the rest of the suite runs half on either.
ON_BOTH = ("consents/test_forms", "consents/test_intake", "crash/", "db/", "ledger/", "reconsent/")
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--engine",
        choices=[*ENGINES, CITUS, "both", "spread"],
        default="spread",
        help="databases to run on; spread: both, but what no engine does differently on one of them",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "engine" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--engine")
        engines = engines_for(metafunc.definition, metafunc.fixturenames, chosen)
        metafunc.parametrize("engine", engines, indirect=True)


def engines_for(test: pytest.Item, fixtures: Collection[str], chosen: str) -> list[str]:
    """Return the engines that a test runs on.

    Decisions, the ledger, the sweep, migrations and what commits for real are where the engines differ; of what stands on top
    of them half of the tests run on either, always the same half. A test that can be said on one only has the mark `engines`.
    """
    mark = test.get_closest_marker("engines")
    possible = list(mark.args if mark else ENGINES)
    if chosen not in ("both", "spread"):
        return [chosen] if chosen in possible or not mark else []
    place = test.path.relative_to(HERE).as_posix()
    if mark or chosen == "both" or "live_app" in fixtures or place.startswith(ON_BOTH):
        return possible
    return [ENGINES[zlib.crc32(test.nodeid.encode()) % len(ENGINES)]]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give every worker a like share of the tests that are allowed to take long, before all others.

    Started last, or all by one worker, they would leave the others idle. pytest-xdist hands each worker as many tests in a row.
    """
    workers: int = getattr(config, "workerinput", {}).get("workercount", 1)
    long = sorted((item for item in items if allowed(item)), key=allowed, reverse=True)
    short = iter([item for item in items if not allowed(item)])
    shares = [long[worker::workers] for worker in range(workers)]
    left = len(items)
    for worker, share in enumerate(shares):
        size = left // (workers - worker)
        share += islice(short, max(0, size - len(share)))
        left -= len(share)
    items[:] = chain.from_iterable(shares)


def pytest_collection_finish() -> None:
    """Take what the imports made, which stays, out of the garbage collector's rounds."""
    gc.collect()
    gc.freeze()


def allowed(item: pytest.Item) -> int:
    """How long a test may take in seconds, if it may take longer than others; else 0."""
    marker = item.get_closest_marker("timeout")
    return marker.args[0] if marker else 0


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> str:
    """The engine of this run of the test: `sqlite` or `postgresql`."""
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    made = Databases(tmp_path_factory.mktemp("databases"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def keys_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    create_keys(folder)
    return folder


@pytest.fixture(scope="session")
def widget_bundles(tmp_path_factory: pytest.TempPathFactory) -> assets.Manifest:
    """The built widget; of several workers one builds."""
    with (tmp_path_factory.getbasetemp().parent / "widget.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return assets.build_assets()


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    made = Nursery()
    yield made
    made.close()


@pytest.fixture(scope="session", autouse=True)
def hasher_of_servers() -> Iterator[PasswordHasher]:
    """Hashing passwords is made to be slow: the tests' own process does the same with the least effort.

    Servers and commands that tests start as processes keep the hasher that this gives.
    """
    kept = passwords.hasher
    passwords.hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    yield kept
    passwords.hasher = kept


BuildApp = Callable[..., Flask]


@pytest.fixture(scope="session")
def build_app(
    databases: Databases,
    keys_dir: Path,
    widget_bundles: assets.Manifest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[BuildApp]:
    """Makes applications on new databases; all of them are closed at the end of the run."""
    made: list[Flask] = []

    def build(engine: str, **settings: str) -> Flask:
        environ = {
            "CONSENT_DATA_DIR": str(tmp_path_factory.mktemp("data")),
            "CONSENT_KEYS_DIR": str(keys_dir),
            "CONSENT_DATABASE_URL": settings.pop("database_url", "") or databases.migrated(engine),
        } | {f"CONSENT_{name.upper()}": value for name, value in settings.items()}
        app = create_app(load_settings(environ))
        app.test_client_class = Client
        made.append(app)
        return app

    db.session.session_factory.configure(join_transaction_mode="create_savepoint")
    yield build
    for app in made:
        close_app(app)


def close_app(app: Flask) -> None:
    """Close an application's connections."""
    with app.app_context():
        db.engine.dispose()


class Client(FlaskClient):
    """Keeps test and server apart as if they were two processes, although they share one connection.

    The test's own transaction ends before each request: a savepoint that was left open would enclose the request's
    work. And the request runs in a context of its own, or Flask would hand it the test's `g` and session.
    """

    def open(self, *args: Any, **kwargs: Any) -> Any:
        db.session.commit()
        return contextvars.Context().run(super().open, *args, **kwargs)


@pytest.fixture(scope="session")
def _apps(build_app: BuildApp) -> Callable[[str], Flask]:
    kept: dict[str, Flask] = {}

    def app_on(engine: str) -> Flask:
        if engine not in kept:
            kept[engine] = build_app(engine)
        return kept[engine]

    return app_on


@pytest.fixture
def app(engine: str, _apps: Callable[[str], Flask]) -> Iterator[Flask]:
    """The application on one engine, inside a transaction that is rolled back after the test."""
    app = _apps(engine)
    with app.app_context():
        pool = db.engine
        connection = pool.connect()
        outer = connection.begin()
        db.engines[None] = connection  # type: ignore[assignment]  # sessions take either
        forget_all()
        yield app
        db.session.remove()
        outer.rollback()
        connection.close()
        db.engines[None] = pool
        forget_all()


@pytest.fixture
def live_app(engine: str, build_app: BuildApp, databases: Databases) -> Iterator[Flask]:
    """An application on a database of its own, where commits are real."""
    app = build_app(engine)
    forget_all()
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()
    databases.drop(app.extensions["settings"].database_url.replace("+psycopg", ""))
    forget_all()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def now() -> datetime:
    """A fixed instant, for services that take one."""
    return NOW


SetClock = Callable[[datetime], None]


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """Sets the only wall clock, for what goes through HTTP."""

    def to(instant: datetime) -> None:
        monkeypatch.setattr(clock, "now", lambda: instant)

    return to


def forget_all() -> None:
    """Empty every cache of the process: row ids come again after a rollback."""
    published.forget()
    builds.forget()
    banner.forget()
    limiter.reset()
    keys_let_in.forget()
    names.forget()
    proving.forget()
