"""A site on a live database, and the same after an old backup was put back."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from consent_server.db import db
from consent_server.ledger.tasks import integrate_logs
from consent_server.sites.models import Site
from tests import make
from tests.ledger.backups import Backup


@pytest.fixture
def backup(live_app: Flask) -> Iterator[Backup]:
    made = Backup(live_app)
    yield made
    made.forget()


@pytest.fixture
def site(live_app: Flask) -> Site:
    made = make.ready_site("analytics")
    db.session.refresh(made)
    db.session.expunge(made)  # it stays as it is while databases come and go
    return made


@pytest.fixture
def forked(live_app: Flask, site: Site, backup: Backup) -> list[dict[str, Any]]:
    """Three receipts, a backup, two more, and the backup put back; returns the two lost ones."""
    client = live_app.test_client()
    visitor = str(uuid.uuid4())
    for _ in range(3):
        make.decide(client, site)
    integrate_logs()
    backup.take()
    lost = [make.decide(client, site, visitor_id=visitor), make.decide(client, site)]
    integrate_logs()
    backup.put_back()
    return lost
