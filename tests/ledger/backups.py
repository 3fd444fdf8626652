"""Backups of a live test database, and what a restart, the gate and fsck say after one was put back."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import create_engine, select, text
from sqlalchemy.engine import make_url

from consent_server import clock
from consent_server.db import db
from consent_server.ledger import boot, fsck, leaves
from consent_server.ledger.models import Log
from consent_server.sites.models import Site
from tests.ledger.filled import found, ring


@dataclass
class Backup:
    """Copies of one app's database, as files or as PostgreSQL databases."""

    app: Flask

    def take(self) -> None:
        db.session.remove()
        db.engine.dispose()
        self._copy(self._name, f"{self._name}_old")

    def put_back(self) -> None:
        """Replace the database and forget what this process knew, as a restart would."""
        db.session.remove()
        db.engine.dispose()
        self._drop(self._name)
        self._copy(f"{self._name}_old", self._name)
        restart(self.app)

    def forget(self) -> None:
        """Remove the copy."""
        db.session.remove()
        db.engine.dispose()
        self._drop(f"{self._name}_old")

    @property
    def _url(self) -> Any:
        return make_url(self.app.extensions["settings"].database_url)

    @property
    def _name(self) -> str:
        name: str = self._url.database
        return name

    def _copy(self, old: str, new: str) -> None:
        if self._url.drivername == "sqlite":
            for ending in ("", "-wal", "-shm"):
                if Path(old + ending).exists():
                    shutil.copyfile(old + ending, new + ending)
        else:
            self._execute(f'CREATE DATABASE "{new}" TEMPLATE "{old}"')

    def _drop(self, name: str) -> None:
        if self._url.drivername == "sqlite":
            for ending in ("", "-wal", "-shm"):
                Path(name + ending).unlink(missing_ok=True)
        else:
            self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _execute(self, statement: str) -> None:
        server = create_engine(self._url.set(database="postgres"), isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            connection.execute(text(statement))
        server.dispose()


def restart(app: Flask) -> None:
    app.extensions.pop("anchors", None)
    leaves.forget()


def state(site: Site) -> dict[str, str]:
    rows = db.session.execute(select(Log.name, Log.state).where(Log.site_id == site.id))
    return {name.replace(site.key, "site"): state for name, state in rows}


def gate(app: Flask) -> list[str]:
    db.session.rollback()
    return boot.gate(now=clock.now())


def check(app: Flask) -> str:
    db.session.rollback()
    return found(
        fsck.check(db.session.connection(), ring(app), anchor_file=app.extensions["settings"].anchor_file)
    )
