"""A distributed PostgreSQL (Citus) that CONSENT_TEST_CITUS_URL names, and databases of our own on all of its nodes.

The address is that of any database on the coordinator that knows the workers (`citus_add_node`); the role must be allowed
to create databases and extensions. Nothing here starts or stops a server.
"""

import os
import uuid
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

import psycopg
import pytest
from sqlalchemy import URL
from sqlalchemy.engine import make_url

VARIABLE = "CONSENT_TEST_CITUS_URL"
MISSING = (
    f"NO CITUS TEST WAS RUN: {VARIABLE} names no coordinator; set it to a database of a Citus coordinator with workers, "
    "where databases may be created"
)
SHARDS = 4  # enough for two nodes; each is a table for every one of ours


@dataclass(frozen=True)
class Cluster:
    """A coordinator and the workers that it knows."""

    coordinator: URL
    workers: tuple[tuple[str, int], ...]

    @classmethod
    def named(cls) -> "Cluster":
        """Return the cluster that the environment names; skip the test loudly if there is none."""
        given = os.environ.get(VARIABLE)
        if not given:
            pytest.skip(MISSING)
        url = make_url(given).set(drivername="postgresql")
        with closing(psycopg.connect(url.render_as_string(hide_password=False))) as connection:
            rows = connection.execute(
                "SELECT nodename, nodeport FROM pg_dist_node WHERE groupid > 0 AND isactive ORDER BY nodeid"
            ).fetchall()
        return cls(url, tuple((name, port) for name, port in rows))

    def database(self) -> str:
        """Make an empty database with the extension on every node and return its address."""
        name = f"t{uuid.uuid4().hex[:16]}"
        for node in self._nodes():
            _execute(node.set(database="postgres"), [f'CREATE DATABASE "{name}"'])
            _execute(node.set(database=name), ["CREATE EXTENSION citus"])
        made = self.coordinator.set(database=name)
        joins = [f"SELECT citus_set_coordinator_host('{made.host}', {made.port or 5432})"]
        joins += [f"SELECT citus_add_node('{host}', {port})" for host, port in self.workers]
        _execute(made, joins)
        return made.render_as_string(hide_password=False)

    def drop(self, address: str) -> None:
        """Remove a database from every node."""
        name = make_url(address).database
        for node in self._nodes():
            _execute(node.set(database="postgres"), [f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'])

    def _nodes(self) -> Sequence[URL]:
        return [
            self.coordinator,
            *(self.coordinator.set(host=host, port=port) for host, port in self.workers),
        ]


def _execute(url: URL, statements: Sequence[str]) -> None:
    with closing(psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)) as connection:
        for statement in statements:
            connection.execute(statement)  # type: ignore[call-overload]  # names are ours
