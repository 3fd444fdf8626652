"""The stage of a measurement: database, site, and the servers of one engine."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select, table, text
from sqlalchemy.engine import Engine

from consent_server import assets, migrate
from consent_server.app import build, engine_of
from consent_server.bench import postgres
from consent_server.bench.baseline import rows
from consent_server.bench.cases import BASELINE, PRODUCT, Site
from consent_server.bench.errors import BenchProblem
from consent_server.bench.servers import HOST, free_port, serving
from consent_server.bench.site import make_site
from consent_server.config import load_settings
from consent_server.keys import create_keys
from consent_server.ledger.models import Receipt

SQLITE, POSTGRESQL = "sqlite", "postgresql"
WORKERS = {SQLITE: 1, POSTGRESQL: 2}  # what `serve` has by default, and one process per core
TARGETS = {
    BASELINE: ("consent_server.bench.wsgi:app", "/wsgi"),
    PRODUCT: ("consent_server.wsgi:app", "/readyz"),
}


@dataclass(frozen=True)
class Stage:
    """What the runs need: server ports, root processes by name, and the database to count in."""

    engine: str
    workers: int
    threads: int
    ports: dict[str, int]
    applications: dict[str, int]
    database: Engine
    server: postgres.ServerFacts | None
    site: Site

    def count(self, name: str) -> int:
        """Return the number of rows of a table."""
        with self.database.connect() as connection:
            return connection.scalar(select(func.count()).select_from(table(name))) or 0

    def stored_receipts(self) -> list[tuple[str, int]]:
        """Return id and index of every receipt in the database, by index."""
        query = select(Receipt.receipt_id, Receipt.idx).order_by(Receipt.epoch, Receipt.idx)
        with self.database.connect() as connection:
            return [(str(number), index) for number, index in connection.execute(query)]

    def processes(self, server: str) -> dict[str, int]:
        """Return the roots of the process trees whose CPU time a request to this server costs."""
        found = {"application": self.applications[server]}
        if self.server and self.server.postmaster:
            found["database"] = self.server.postmaster
        return found


@contextmanager
def sqlite_stage(folder: Path, *, threads: int | None = None) -> Iterator[Stage]:
    """Set the stage on an SQLite file, as `consent-server init` makes it."""
    with _stage(SQLITE, folder, "", threads) as stage:
        yield stage


@contextmanager
def postgresql_stage(
    folder: Path, database_url: str | None, *, threads: int | None = None
) -> Iterator[Stage]:
    """Set the stage on PostgreSQL: the named empty database, or a server of our own."""
    with ExitStack() as stack:
        url = database_url or stack.enter_context(postgres.own_server(folder))
        yield stack.enter_context(_stage(POSTGRESQL, folder, url, threads))


@contextmanager
def _stage(engine: str, folder: Path, url: str, threads: int | None) -> Iterator[Stage]:
    environment = {
        "CONSENT_DATA_DIR": str(folder),
        "CONSENT_DATABASE_URL": url,
        "CONSENT_WORKERS": str(WORKERS[engine]),
        # A database that risks what it acknowledged may be measured too; the heading says what it is set to.
        "CONSENT_ALLOW_UNSAFE_DATABASE": "true",
        # The limiter works as ever; one address sends everything here, so it may send a lot.
        "CONSENT_DECISION_RATE": "1000000000 per minute",
    }
    if threads is not None:
        environment["CONSENT_THREADS"] = str(threads)
    settings = load_settings(environment)
    _build_widget()
    create_keys(settings.keys_dir)
    database = engine_of(settings)
    postgres.check_empty(database)
    ports = {name: free_port() for name in TARGETS}
    migrate.upgrade(database)
    rows.create(database)
    try:
        site = Site(*make_site(build(settings), api=f"http://{HOST}:{ports[PRODUCT]}"))
        with ExitStack() as stack:
            started = {
                name: stack.enter_context(
                    serving(
                        target,
                        environment | {"CONSENT_PORT": str(ports[name])},
                        ready=ready,
                        log=folder / f"{name}.log",
                    )
                )
                for name, (target, ready) in TARGETS.items()
            }
            server = postgres.facts(database) if engine == POSTGRESQL else None
            yield Stage(engine, settings.workers, settings.threads, ports, started, database, server, site)
    finally:
        _clear(database)


def _build_widget() -> None:
    """Build the widget in a checkout where nobody has done so yet."""
    try:
        assets.load_manifest()
    except assets.AssetsUnavailable:
        try:
            assets.build_assets()
        except assets.AssetsUnavailable as error:
            raise BenchProblem(str(error)) from error


def _clear(database: Engine) -> None:
    """Leave the database as empty as it was found."""
    rows.drop(database, checkfirst=True)
    migrate.downgrade(database, "base")
    with database.begin() as connection:
        connection.execute(text("drop table if exists alembic_version"))
    database.dispose()
