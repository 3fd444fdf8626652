"""`init`, `db`, `keys`: make the data folder, keys and tables, and move the schema."""

import click

from consent_server import migrate
from consent_server.app import engine_of
from consent_server.cli.main import root, settings
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
    engine.dispose()
    if before != after:
        made.append(f"database at migration {after}")
    return made or ["nothing to do: keys and database are there"]


@root.group()
def db() -> None:
    """Move the database schema."""


@db.command()
@click.argument("to", default="head")
def upgrade(to: str) -> None:
    """Run the migrations up to TO (default: the newest)."""
    engine = engine_of(settings())
    migrate.upgrade(engine, to)
    click.echo(f"database at migration {migrate.current(engine)}")


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
