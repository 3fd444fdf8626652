"""What keeps a database from being distributed is said before anything moves."""

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine

from consent_server import distribution, migrate
from consent_server.app import engine_of
from consent_server.config import load_settings
from consent_server.distribution import CannotDistribute
from tests.engines import Databases


@pytest.fixture
def url(engine: str, databases: Databases) -> str:
    return databases.migrated(engine)


def opened(url: str) -> Engine:
    return engine_of(load_settings({"CONSENT_DATABASE_URL": url, "CONSENT_DATA_DIR": "/nonexistent"}))


def test_a_database_without_citus_is_refused_and_left_as_it_is(
    engine: str, url: str, databases: Databases
) -> None:
    made = opened(url)
    lines: list[str] = []

    with pytest.raises(CannotDistribute, match="PostgreSQL" if engine == "sqlite" else "no extension citus"):
        distribution.distribute(made, lines.append)

    assert lines == []
    assert not distribution.is_distributed(made)
    made.dispose()
    databases.drop(url)


@pytest.mark.postgres
def test_an_older_schema_is_refused(databases: Databases) -> None:
    url = databases.empty("postgresql")
    made = opened(url)
    migrate.upgrade(made, "0001")

    with pytest.raises(CannotDistribute, match="run `consent-server db upgrade` first"):
        distribution.distribute(made, lambda line: None)
    made.dispose()
    databases.drop(url)


def test_the_command_says_in_one_line_what_is_missing(tmp_path: Path) -> None:
    program = Path(sys.executable).parent / "consent-server"
    environ = {"CONSENT_DATA_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"}

    done = subprocess.run(
        [program, "db", "distribute"], env=environ, capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert done.stderr.startswith("consent-server: Only a PostgreSQL database can be distributed")
