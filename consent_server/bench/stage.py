"""The stage of a measurement: databases, sites, and the servers of one engine."""

import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import column, func, select, table, text
from sqlalchemy.engine import Engine

from consent_server import assets, migrate
from consent_server.app import build, engine_of
from consent_server.bench import postgres
from consent_server.bench.baseline import rows
from consent_server.bench.cases import BASELINE, FILLED, PRODUCT, Site
from consent_server.bench.errors import BenchProblem
from consent_server.bench.servers import HOST, free_port, serving
from consent_server.bench.site import make_site
from consent_server.config import Settings, load_settings
from consent_server.jobs.models import Job
from consent_server.keys import create_keys
from consent_server.ledger.models import Log, Receipt
from consent_server.serving import APP

JOBS_SECONDS = 30
SQLITE, POSTGRESQL = "sqlite", "postgresql"
TARGETS = {
    BASELINE: ("consent_server.bench.wsgi:app", "/wsgi"),
    PRODUCT: (APP, "/readyz"),
    FILLED: (APP, "/readyz"),
}


@dataclass(frozen=True)
class Stage:
    """What the runs need: server ports, root processes by name, and the database to count in.

    `filled` is the same once more on a database that held many receipts when the runs began.
    """

    settings: Settings
    ports: dict[str, int]
    applications: dict[str, int]
    database: Engine
    server: postgres.ServerFacts | None
    site: Site
    filled: "Stage | None" = None

    @property
    def engine(self) -> str:
        """The engine's name."""
        return self.database.dialect.name

    def at(self, server: str) -> "Stage":
        """Return the stage on which this server stands.

        Raises:
            BenchProblem: a filled database was not asked for.
        """
        if server in self.ports:
            return self
        if self.filled is None:
            raise BenchProblem("say with --filled how many receipts the filled database shall hold")
        return self.filled

    def count(self, name: str) -> int:
        """Return the number of rows of a table; of receipts, those of visitors, not the log's other leaves."""
        query = select(func.count()).select_from(table(name))
        if name == Receipt.__tablename__:
            query = query.where(column("visitor_id").is_not(None))
        with self.database.connect() as connection:
            return connection.scalar(query) or 0

    def log_size(self) -> int:
        """Return how many leaves the site's log has."""
        with self.database.connect() as connection:
            return int(connection.scalar(select(func.sum(Log.size))) or 0)

    def stored_receipts(self, start: int = 0) -> list[tuple[str, int]]:
        """Return id and index of every leaf in the database from index `start` on."""
        query = select(Receipt.receipt_id, Receipt.idx).where(Receipt.idx >= start).order_by(Receipt.idx)
        with self.database.connect() as connection:
            return [(str(number), index) for number, index in connection.execute(query)]

    def wal_position(self) -> int | None:
        """Return how many bytes PostgreSQL has written to its write-ahead log; None on SQLite."""
        if self.engine != POSTGRESQL:
            return None
        with self.database.connect() as connection:
            return int(connection.scalar(text("select pg_current_wal_lsn() - '0/0'")) or 0)

    def processes(self, server: str) -> dict[str, int]:
        """Return the roots of the process trees whose CPU time a request to this server costs."""
        found = {"application": self.applications[server]}
        if self.server and self.server.postmaster:
            found["database"] = self.server.postmaster
        return found


@dataclass(frozen=True)
class Grounds:
    """Where stages are set: an engine, and how to come by databases of it. `url` is empty for SQLite.

    A `lent` database is left as empty as it was found; all others are thrown away as they are.
    """

    engine: str
    folder: Path
    url: str
    threads: int | None
    processes: int | None = None
    lent: bool = False

    @contextmanager
    def stage(self, servers: Collection[str]) -> Iterator[Stage]:
        """Set the stage for the requests with these servers, the filled one on a second database that the caller fills."""
        with ExitStack() as stack:
            more = stack.enter_context(self._beside("filled", FILLED)) if FILLED in servers else None
            here = tuple(name for name in (BASELINE, PRODUCT) if name in servers)
            environment = self._environment(self.folder, self.url)
            yield stack.enter_context(_stage(environment, here, filled=more, lent=self.lent))

    @contextmanager
    def quiet_stage(self) -> Iterator[Stage]:
        """Set a stage on a database of its own where nothing integrates by itself."""
        with self._beside("trees", PRODUCT, {"CONSENT_EMBEDDED_WORKER": "false"}) as stage:
            yield stage

    @contextmanager
    def desk_stage(self) -> Iterator[Stage]:
        """Set a stage on a database of its own for the evidence desk, where nobody else works either."""
        with self._beside("desk", PRODUCT, {"CONSENT_EMBEDDED_WORKER": "false"}) as stage:
            yield stage

    @contextmanager
    def _beside(self, name: str, server: str, more: Mapping[str, str] | None = None) -> Iterator[Stage]:
        folder = self.folder / name
        folder.mkdir()
        with ExitStack() as stack:
            url = stack.enter_context(postgres.sibling(self.url, name)) if self.url else ""
            environment = self._environment(folder, url) | dict(more or {})
            yield stack.enter_context(_stage(environment, (server,)))

    def _environment(self, folder: Path, url: str) -> dict[str, str]:
        environment = {
            "CONSENT_DATA_DIR": str(folder),
            "CONSENT_DATABASE_URL": url,
            # A database that risks what it acknowledged may be measured too; the heading says what it is set to.
            "CONSENT_ALLOW_UNSAFE_DATABASE": "true",
            # The limiter works as ever; one address sends everything here, so it may send a lot.
            "CONSENT_DECISION_RATE": "1000000000 per minute",
        }
        chosen = {"CONSENT_THREADS": self.threads, "CONSENT_WORKERS": self.processes}
        return environment | {name: str(number) for name, number in chosen.items() if number is not None}


@contextmanager
def grounds(
    engine: str,
    folder: Path,
    database_url: str | None = None,
    *,
    threads: int | None = None,
    processes: int | None = None,
) -> Iterator[Grounds]:
    """Give the grounds of an engine: files, the named empty PostgreSQL database, or a PostgreSQL of our own."""
    with ExitStack() as stack:
        url = ""
        if engine == POSTGRESQL:
            url = database_url or stack.enter_context(postgres.own_server(folder))
        yield Grounds(
            engine, folder, url, threads, processes, lent=engine == POSTGRESQL and database_url is not None
        )


@contextmanager
def _stage(
    environment: dict[str, str], servers: tuple[str, ...], *, filled: Stage | None = None, lent: bool = False
) -> Iterator[Stage]:
    settings = load_settings(environment)
    _build_widget()
    create_keys(settings.keys_dir)
    database = engine_of(settings)
    postgres.check_empty(database)
    ports = {name: free_port() for name in servers}
    migrate.upgrade(database)
    rows.create(database)
    try:
        # The page that a visitor sees names the server's address; only its length could matter here.
        api = f"http://{HOST}:{ports[servers[-1]] if servers else free_port()}"
        site = Site(*make_site(build(settings), api=api))
        with ExitStack() as stack:
            started = {
                name: stack.enter_context(_serving(name, environment, ports[name])) for name in servers
            }
            if settings.embedded_worker and PRODUCT in servers:
                _wait_for_jobs(database)
            server = postgres.facts(database) if database.dialect.name == POSTGRESQL else None
            yield Stage(settings, ports, started, database, server, site, filled)
    finally:
        if lent:
            _clear(database)
        database.dispose()


@contextmanager
def _serving(name: str, environment: dict[str, str], port: int) -> Iterator[int]:
    target, ready = TARGETS[name]
    log = Path(environment["CONSENT_DATA_DIR"]) / f"{name}.log"
    with serving(target, environment | {"CONSENT_PORT": str(port)}, ready=ready, log=log) as process:
        yield process


def _wait_for_jobs(database: Engine) -> None:
    """Let the server do what follows the site's publication, so that it is not measured."""
    waiting = select(func.count()).select_from(Job).where(Job.state.in_(["queued", "running"]))
    deadline = time.monotonic() + JOBS_SECONDS
    while time.monotonic() < deadline:
        with database.connect() as connection:
            if not connection.scalar(waiting):
                return
        time.sleep(0.1)
    raise BenchProblem(f"the server has not done its jobs within {JOBS_SECONDS} s")


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
