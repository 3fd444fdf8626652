"""Every write over HTTP leaves its row in the audit log, or is its own record, or needs none for a reason that is written down."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask, request, request_started, request_tearing_down
from sqlalchemy import event, func, select
from werkzeug.test import TestResponse

from consent_server import audit_labels
from consent_server.audit.models import AuditEvent
from consent_server.auth import declared
from consent_server.db import db
from consent_server.ledger.models import Receipt
from consent_server.rate_limit import limiter
from tests.conftest import SetClock
from tests.house.office import Office, office
from tests.house.writes import STORY, Kept, Leaf, Nothing, Rows, Write

SAFE = {"GET", "HEAD", "OPTIONS"}
TABLE = re.compile(r"\s*(?:insert\s+into|update|delete\s+from)\s+\"?(\w+)", re.IGNORECASE)
# How a session is kept: not what somebody does, and without it nobody does anything.
SESSION = {"console_session", "known_device", "sign_in_delay"}


@dataclass
class Watch:
    """What the last request stored: the tables of each of its transactions, and the rows of the audit log by action and actor."""

    endpoint: str = ""
    inside: bool = False
    transactions: list[set[str]] = field(default_factory=lambda: [set()])
    events: list[tuple[str, str]] = field(default_factory=list)

    @property
    def tables(self) -> set[str]:
        """All tables that were written."""
        return set().union(*self.transactions)

    def begin(self, _app: Flask, **_: Any) -> None:
        self.inside = request.method not in SAFE
        if not self.inside:
            return
        self.endpoint = str(request.endpoint)
        self.transactions, self.events = [set()], []

    def end(self, _app: Flask, **_: Any) -> None:
        self.inside = False

    def statement(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if self.inside and (found := TABLE.match(statement)):
            self.transactions[-1].add(found[1])

    def committed(self, _session: Any) -> None:
        self.transactions.append(set())

    def noted(self, _mapper: Any, _connection: Any, row: AuditEvent) -> None:
        if self.inside:
            self.events.append((row.action, row.actor))


@contextmanager
def watched(app: Flask) -> Iterator[Watch]:
    watch, sessions = Watch(), db.session.session_factory.class_
    hooks = (
        (db.engine, "before_cursor_execute", watch.statement),
        (sessions, "after_commit", watch.committed),
        (AuditEvent, "after_insert", watch.noted),
    )
    for target, name, hook in hooks:
        event.listen(target, name, hook)
    with request_started.connected_to(watch.begin, app), request_tearing_down.connected_to(watch.end, app):
        yield watch
    for target, name, hook in hooks:
        event.remove(target, name, hook)


def writing(app: Flask) -> set[str]:
    """Return the endpoints that take anything but a question."""
    return {rule.endpoint for rule in app.url_map.iter_rules() if (rule.methods or set()) - SAFE}


def test_the_table_names_every_route_that_can_write(app: Flask) -> None:
    assert writing(app) == {each.endpoint for each in STORY}
    assert all(each.leaves.why for each in STORY if isinstance(each.leaves, (Kept, Nothing)))


@pytest.mark.timeout(120)
def test_every_write_is_recorded_as_the_table_says(app: Flask, set_clock: SetClock) -> None:
    with office(app, set_clock) as staff, watched(app) as watch:
        faults = [fault for each in STORY for fault in faults_of(each, staff, watch)]

    assert faults == [], "\n".join(faults)


def faults_of(write: Write, staff: Office, watch: Watch) -> list[str]:
    """Do it and say where it was recorded otherwise than the table has it."""
    limiter.reset()
    before = receipts()
    answer = write.call(staff)
    found = []
    if answer.status_code >= 400 and not write.is_refused:
        found.append(f"answered {answer.status_code}: {said(answer)}")
    if watch.endpoint != write.endpoint:
        found.append(f"was a call of {watch.endpoint}")
    if isinstance(write.leaves, Rows):
        found += row_faults(write.leaves, watch)
        if declared(staff.app.view_functions[write.endpoint]) == "staff":
            found += [f"names {actor}" for _, actor in watch.events if not actor.startswith("account:")]
    else:
        found += other_faults(write.leaves, watch, made=receipts() - before)
    return [f"{write.endpoint}: {fault}" for fault in found]


def row_faults(leaves: Rows, watch: Watch) -> list[str]:
    """Say which rows of the audit log there are too many or too few, and what was written without one."""
    rows = sorted(action for action, _actor in watch.events)
    found = [] if rows == sorted(leaves.actions) else [f"left the rows {rows}"]
    unrecorded = [each - SESSION - leaves.besides for each in watch.transactions if "audit_event" not in each]
    found += [f"wrote {sorted(each)} without a row" for each in unrecorded if each]
    return found + [f"has no words for {each}" for each in rows if each not in audit_labels.ACTION]


def other_faults(leaves: Leaf | Kept | Nothing, watch: Watch, *, made: int) -> list[str]:
    """Say what was stored beyond what the table has."""
    if isinstance(leaves, Leaf):
        return (
            [] if made == 1 and not watch.events else [f"made {made} receipts and {len(watch.events)} rows"]
        )
    wanted = leaves.tables if isinstance(leaves, Kept) else frozenset()
    return [] if watch.tables == wanted else [f"wrote {sorted(watch.tables)}"]


def said(answer: TestResponse) -> str:
    """Return why something was refused."""
    return " ".join(re.findall(r'role="alert".*?</div>|data-obstacle="[^"]*"', answer.text, re.DOTALL))


def receipts() -> int:
    """Return how many decisions have a receipt; a log tells of banners and versions too."""
    decisions = select(func.count()).select_from(Receipt).where(Receipt.visitor_id.is_not(None))
    return db.session.scalar(decisions) or 0
