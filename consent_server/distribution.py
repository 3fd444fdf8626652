"""Turn a PostgreSQL database into a distributed one (Citus), as `placements.py` says.

Each table moves in a transaction of its own, so that a run that was interrupted goes on where it stopped; what has moved
already is left as it is. While a table moves it is locked, so the servers should be stopped.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, text

from consent_server import migrate
from consent_server.db import Base
from consent_server.models import __all__ as _all_models  # noqa: F401 - fills the metadata
from consent_server.placements import PLACEMENTS, SPREAD_BY, Kind

SHARDS = 32
FIRST = "log"  # the other distributed tables stand where this one's rows do
TICK = 5.0  # seconds between two lines about a table that is being copied

Say = Callable[[str], object]
_MOVES = {
    Kind.DISTRIBUTED: "SELECT create_distributed_table(:table, :column, colocate_with => :beside)",
    Kind.REFERENCE: "SELECT create_reference_table(:table)",
    # Known to Citus although it stays: what changes it together with a distributed table then commits as one.
    Kind.LOCAL: "SELECT citus_add_local_table_to_metadata(:table, cascade_via_foreign_keys => true)",
}
_FIRST_MOVE = (
    "SELECT create_distributed_table(:table, :column, colocate_with => 'none', shard_count => :shards)"
)


class CannotDistribute(Exception):
    """The database cannot be distributed as it is; the text says what to do first."""


def is_distributed(engine: Engine) -> bool:
    """Tell whether the logs of this database are spread over nodes."""
    if engine.dialect.name != "postgresql":
        return False
    with engine.connect() as connection:
        return _version(connection) is not None and FIRST in _standing(connection)


def distribute(engine: Engine, say: Say, *, shards: int = SHARDS) -> int:
    """Place every table that does not stand where it should yet and return how many were moved.

    Args:
        engine: the coordinator's database, at the newest migration.
        say: takes a line for each table, and one now and then while a long one moves.
        shards: how many parts the distributed tables get when they are made; more than nodes will ever be.

    Raises:
        CannotDistribute: not PostgreSQL with Citus, no node to hold shards, an older schema, or a table that stands
            where it should not.
    """
    _check(engine)
    moved = 0
    for table in _order():
        wanted = PLACEMENTS[table].kind
        with engine.connect() as connection:
            standing = _standing(connection).get(table)
        if standing == wanted:
            say(f"{table}: {wanted} already")
            continue
        if standing is not None and standing != Kind.LOCAL:
            raise CannotDistribute(
                f"The table {table} is {standing} and should be {wanted}: SELECT undistribute_table('{table}'), "
                "and run this again"
            )
        _move(engine, table, wanted, say, shards)
        moved += 1
    return moved


def _check(engine: Engine) -> None:
    if engine.dialect.name != "postgresql":
        raise CannotDistribute(
            "Only a PostgreSQL database can be distributed; CONSENT_DATABASE_URL names another"
        )
    at = migrate.current(engine)
    if at != migrate.head():
        raise CannotDistribute(f"The database is at migration {at}: run `consent-server db upgrade` first")
    with engine.connect() as connection:
        if _version(connection) is None:
            raise CannotDistribute(
                "The database has no extension citus: install Citus on every node, add citus to "
                "shared_preload_libraries, and run CREATE EXTENSION citus in this database on each of them"
            )
        nodes = connection.execute(
            text("SELECT groupid, shouldhaveshards FROM pg_dist_node WHERE isactive AND noderole = 'primary'")
        ).all()
    if not any(node.groupid == 0 for node in nodes):
        raise CannotDistribute(
            "The coordinator has no address yet: SELECT citus_set_coordinator_host('its address')"
        )
    if not any(node.shouldhaveshards for node in nodes):
        raise CannotDistribute(
            "No node takes shards: SELECT citus_add_node('its address', 5432) for each worker"
        )


def _order() -> list[str]:
    """Return the tables in the order in which they can move: what is referred to first, `log` before its company."""
    tables = [table.name for table in Base.metadata.sorted_tables]
    rank = [Kind.REFERENCE, Kind.DISTRIBUTED, Kind.LOCAL]
    return sorted(
        tables, key=lambda name: (rank.index(PLACEMENTS[name].kind), name != FIRST, tables.index(name))
    )


def _move(engine: Engine, table: str, kind: Kind, say: Say, shards: int) -> None:
    with engine.connect() as connection:
        # Names are our own tables', never from outside.
        rows = connection.scalar(text(f'SELECT count(*) FROM "{table}"')) or 0  # noqa: S608 - as said
    with _told(engine, table, rows, say), engine.begin() as connection:
        allow_triggers(connection)
        # The rows are copied to where triggers stand already, and those of published versions refuse every new part.
        connection.execute(text(f'ALTER TABLE "{table}" DISABLE TRIGGER USER'))
        connection.execute(
            text(_FIRST_MOVE if table == FIRST else _MOVES[kind]),
            {"table": table, "column": SPREAD_BY, "beside": FIRST, "shards": shards},
        )
        connection.execute(text(f'ALTER TABLE "{table}" ENABLE TRIGGER USER'))
    if kind is not Kind.LOCAL and rows:
        # Citus copies the rows and leaves the old ones behind, where no query sees them.
        with engine.begin() as connection:
            connection.execute(
                text("SELECT truncate_local_data_after_distributing_table(:table)"), {"table": table}
            )
    say(f"{table}: {kind}, {rows:,} rows")


def allow_triggers(connection: Connection) -> None:
    """Let this transaction make triggers on distributed tables.

    Citus asks for that because a trigger runs on the node that holds the row: one that looks elsewhere would see only
    part of the data. Ours look at their own row, or at a reference table, which is whole on every node.
    """
    connection.execute(text("SET LOCAL citus.enable_unsafe_triggers = on"))
    # One connection to each node: what is done to a reference table must be seen by what comes after it.
    connection.execute(text("SET LOCAL citus.multi_shard_modify_mode = 'sequential'"))


def _version(connection: Connection) -> str | None:
    found: str | None = connection.scalar(text("SELECT extversion FROM pg_extension WHERE extname = 'citus'"))
    return found


def _standing(connection: Connection) -> dict[str, Kind]:
    """Return what Citus knows of our tables; what it does not know is missing."""
    rows = connection.execute(
        text("SELECT logicalrelid::regclass::text, partmethod, repmodel FROM pg_dist_partition")
    )
    found = {}
    for name, method, replication in rows:
        whole = Kind.REFERENCE if replication == "t" else Kind.LOCAL
        found[name.strip('"')] = Kind.DISTRIBUTED if method == "h" else whole
    return found


@contextmanager
def _told(engine: Engine, table: str, rows: int, say: Say) -> Iterator[None]:
    """While the table moves, say every few seconds how many of its rows the nodes have taken."""
    done = threading.Event()

    def tell() -> None:
        while not done.wait(TICK):
            say(f"{table}: {min(_taken(engine), rows):,} of {rows:,} rows")

    thread = threading.Thread(target=tell, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _taken(engine: Engine) -> int:
    """Return how many rows the copies under way have brought to the nodes; their catalogues tell only of those."""
    query = "SELECT coalesce(sum(tuples_processed), 0) FROM pg_stat_progress_copy"
    with engine.connect() as connection:
        answers = connection.execute(
            text("SELECT success, result FROM run_command_on_all_nodes(:query)"), {"query": query}
        )
        return sum(int(result) for success, result in answers if success)
