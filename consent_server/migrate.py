"""Bring the database to a migration: the numbered Alembic scripts in `migrations/`."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Engine


def scripts_folder() -> Path:
    """Return the folder of the scripts: inside the installed package, or beside it in a checkout."""
    inside = Path(__file__).parent / "migrations"
    return inside if inside.is_dir() else Path(__file__).parent.parent / "migrations"


def head() -> str:
    """Return the name of the newest migration."""
    newest = ScriptDirectory(str(scripts_folder())).get_current_head()
    if newest is None:
        raise RuntimeError(f"no migrations in {scripts_folder()}")
    return newest


def current(engine: Engine) -> str | None:
    """Return the migration that the database is at, or None for an empty one."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def upgrade(engine: Engine, to: str = "head") -> None:
    """Run the migrations up to `to`, each in a transaction of its own."""
    command.upgrade(_config(engine), to)


def downgrade(engine: Engine, to: str) -> None:
    """Run the migrations back down to `to` ("base" empties the database)."""
    command.downgrade(_config(engine), to)


def _config(engine: Engine) -> Config:
    config = Config()
    config.set_main_option("script_location", str(scripts_folder()))
    config.attributes["engine"] = engine
    return config
