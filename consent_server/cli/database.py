"""`init`, `db`, `keys`: make the data folder, keys and tables, and move the schema."""

from collections.abc import Callable

import click
from sqlalchemy.engine import Engine

from consent_server import distribution, migrate
from consent_server.app import engine_of
from consent_server.cli.root import root, settings
from consent_server.config import Settings
from consent_server.keys import CHECKPOINTS, RECEIPTS, add_signing_key, create_keys


@root.command()
def init() -> None:
    """Make the data folder, the key files (mode 0600) and the tables; what exists is kept."""
    for line in initialise(settings()):
        click.echo(line)


def initialise(chosen: Settings) -> list[str]:
    """Make what is missing and return a line for each thing made."""
    chosen.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = [f"made {path}" for path in create_keys(chosen.keys_dir)]
    engine = engine_of(chosen)
    before = migrate.current(engine)
    migrate.upgrade(engine)
    after = migrate.current(engine)
    if before != after:
        made.append(f"database at migration {after}")
        _place_new_tables(engine, made.append)
    engine.dispose()
    return made or ["nothing to do: keys and database are there"]


@root.group()
def db() -> None:
    """Move the database schema."""


@db.command()
@click.argument("to", default="head")
def upgrade(to: str) -> None:
    """Run the migrations up to TO (default: the newest), and place their tables in a distributed database."""
    engine = engine_of(settings())
    migrate.upgrade(engine, to)
    click.echo(f"database at migration {migrate.current(engine)}")
    if migrate.current(engine) == migrate.head():
        _place_new_tables(engine, click.echo)


@db.command()
@click.option(
    "--shards",
    type=click.IntRange(1, 4096),
    default=distribution.SHARDS,
    show_default=True,
    help="Parts that sites are spread over, once and for all: several for each node that there will ever be.",
)
def distribute(shards: int) -> None:
    """Spread a PostgreSQL database by site over the nodes of a Citus cluster; docs/scale.md tells how.

    CONSENT_DATABASE_URL names the coordinator. Stop the servers first. What stands where it should is left alone, so an
    interrupted run can be repeated.
    """
    moved = distribution.distribute(engine_of(settings()), click.echo, shards=shards)
    click.echo(f"{moved} tables moved" if moved else "nothing to do: every table stands where it should")


@db.command()
@click.argument("to")
@click.confirmation_option(prompt="This can delete data. Go on?")
def downgrade(to: str) -> None:
    """Run the migrations back down to TO; `base` removes all tables."""
    engine = engine_of(settings())
    migrate.downgrade(engine, to)
    click.echo(f"database at migration {migrate.current(engine)}")


@db.command()
def status() -> None:
    """Show the database's migration and the newest one; exit status 1 when they differ."""
    engine = engine_of(settings())
    at = migrate.current(engine)
    click.echo(f"database at {at}, newest is {migrate.head()}")
    if at != migrate.head():
        raise SystemExit(1)


def _place_new_tables(engine: Engine, say: Callable[[str], object]) -> None:
    """In a distributed database, place the tables that migrations have just made."""
    if distribution.is_distributed(engine):
        distribution.distribute(engine, lambda line: None if line.endswith("already") else say(line))


@root.group()
def keys() -> None:
    """Look after signing keys."""


@keys.command()
@click.option(
    "--use", type=click.Choice([RECEIPTS, CHECKPOINTS]), default=RECEIPTS, help="What the key signs."
)
def rotate(use: str) -> None:
    """Make a new signing key; it signs once the server has been restarted, and what older keys signed still verifies."""
    for path in add_signing_key(settings().keys_dir, use):
        click.echo(f"made {path}")
