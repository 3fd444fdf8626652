"""A signed-in member of the staff at a browser without scripts."""

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask, g, has_request_context, request
from flask.testing import FlaskClient
from sqlalchemy import event, func, select
from werkzeug.test import TestResponse

from consent_server.accounts.models import ConsoleSession, KnownDevice, SignInDelay
from consent_server.audit.models import AuditEvent
from consent_server.auth import declared
from consent_server.db import db
from consent_server.sites.models import Site
from tests import make

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@dataclass
class Console:
    """Reads pages and sends their forms, with the token that the page carries."""

    client: FlaskClient

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.client.get(path, **more)

    def send(
        self, path: str, data: Mapping[str, Any] | None = None, *, page: str | None = None, **more: Any
    ) -> TestResponse:
        """Send a form of `page`, by default the one at the form's own address."""
        token = TOKEN.search(self.client.get(page or path).text)
        assert token, f"{page or path} has no form"
        return self.client.post(path, data={**(data or {}), "csrf_token": token[1]}, **more)

    def value(self, path: str, name: str) -> str:
        """Return the value of a page's input."""
        found = re.search(rf'name="{re.escape(name)}"[^>]* value="([^"]*)"', self.get(path).text)
        assert found, f"{path} has no input {name}"
        return html.unescape(found[1])


def text_of(response: TestResponse) -> str:
    """Return what a page says, without its markup."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.text)))


def audited(action: str) -> int:
    """Return how often the audit log has an action."""
    return (
        db.session.scalar(select(func.count()).select_from(AuditEvent).where(AuditEvent.action == action))
        or 0
    )


@pytest.fixture
def visitor(client: FlaskClient) -> Console:
    """Somebody who is not signed in."""
    return Console(client)


@pytest.fixture
def console(app: Flask) -> Console:
    """Lin, signed in."""
    client = app.test_client()
    make.signed_in(client)
    return Console(client)


@pytest.fixture
def second(app: Flask) -> Console:
    """Another person, signed in."""
    client = app.test_client()
    make.signed_in(client, make.account("mei@example.org"))
    return Console(client)


@pytest.fixture
def shop(app: Flask) -> Site:
    """A site with analytics, maps, and version 1.0 published."""
    return make.ready_site()


# Staff routes that store something and leave no row in the audit log, each with the reason.
NO_ROW = {"security.start_app": "nothing is switched on before it is confirmed, and that leaves the row"}
NO_ACTION = (ConsoleSession, KnownDevice, SignInDelay)  # how a session is kept, not what somebody does


@pytest.fixture(autouse=True)
def every_action_leaves_a_row(app: Flask) -> Iterator[None]:
    """Watch all that staff store in these tests: a transaction without a row in the audit log fails the test."""
    silent: set[str] = set()

    def seen(session: Any, _context: Any) -> None:
        if is_staff_writing(app):
            rows = [*session.new, *session.dirty, *session.deleted]
            g.setdefault("stored", []).extend(row for row in rows if not isinstance(row, NO_ACTION))

    def committed(_session: Any) -> None:
        rows = g.pop("stored", []) if is_staff_writing(app) else []
        if rows and not any(isinstance(row, AuditEvent) for row in rows):
            silent.add(str(request.endpoint))

    factory = db.session.session_factory.class_
    event.listen(factory, "after_flush", seen)
    event.listen(factory, "after_commit", committed)
    yield
    event.remove(factory, "after_flush", seen)
    event.remove(factory, "after_commit", committed)
    assert silent - NO_ROW.keys() == set()


def is_staff_writing(app: Flask) -> bool:
    """Tell whether a member of the staff is doing something now."""
    if not has_request_context() or request.method in ("GET", "HEAD") or request.endpoint is None:
        return False
    return declared(app.view_functions[request.endpoint]) == "staff"
