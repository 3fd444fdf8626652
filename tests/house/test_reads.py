"""Asking stores nothing: every address that can be asked is asked, and the database is as it was, but for a short table."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select

from consent_server.db import Base, db
from consent_server.rate_limit import limiter
from tests.accounts.provider import Provider, serve_provider
from tests.conftest import SetClock
from tests.house.office import Office, office
from tests.house.reads import READS, Read, furnish

# What a statement that stores nothing may begin with.
ASKING = re.compile(r"\s*(?:select|begin|commit|rollback|savepoint|release|pragma|set|show)\b", re.IGNORECASE)
TABLE = re.compile(r"(?:insert\s+into|update|delete\s+from)\s+\"?(\w+)", re.IGNORECASE)
Rows = dict[str, list[tuple[Any, ...]]]


def test_the_table_names_every_route_that_can_be_asked(app: Flask) -> None:
    asked = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or set())}

    assert asked == {each.endpoint for each in READS}
    assert all(each.stores.why for each in READS if each.stores)


@pytest.mark.engines("sqlite")
@pytest.mark.timeout(120)
def test_asking_changes_no_row_of_any_table_but_those_that_the_table_has(
    live_app: Flask, set_clock: SetClock
) -> None:
    with office(live_app, set_clock) as staff, serve_provider() as provider:
        furnish(staff, provider)
        faults = [fault for each in READS if each.stores for fault in stored_otherwise(each, staff, provider)]
        before = all_rows()
        with statements() as written:
            faults += [fault for each in READS if not each.stores for fault in stored(each, staff, written)]
        after = all_rows()

    assert faults == [], "\n".join(faults)
    assert before == after


@contextmanager
def statements() -> Iterator[set[str]]:
    """Note the table of each statement that stores something, or the statement where it names none."""
    noted: set[str] = set()

    def hook(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not ASKING.match(statement) or TABLE.search(statement):
            found = TABLE.search(statement)
            noted.add(found[1] if found else statement)

    event.listen(db.engine, "before_cursor_execute", hook)
    try:
        yield noted
    finally:
        event.remove(db.engine, "before_cursor_execute", hook)


def stored_otherwise(read: Read, staff: Office, provider: Provider) -> list[str]:
    """Ask once, and say what was answered or changed otherwise than the table has it."""
    assert read.stores
    if read.before:
        read.before(staff, provider)
    before = all_rows()
    found = answered(read, "GET", read.addresses[0], staff)
    after = all_rows()
    changed = {name for name in before if before[name] != after[name]}
    return found if changed == read.stores.tables else [*found, f"{read.endpoint} changed {sorted(changed)}"]


def stored(read: Read, staff: Office, written: set[str]) -> list[str]:
    """Ask with every method at every address, and say what was answered amiss or stored at all."""
    found = []
    for address in read.addresses:
        for method in read.methods:
            written.clear()
            found += answered(read, method, address, staff)
            if written:
                found.append(f"{method} {address} wrote {sorted(written)}")
    return found


def answered(read: Read, method: str, address: str, staff: Office) -> list[str]:
    """Ask and say what was answered, if it is not what the table has."""
    status = asked(read.by, method, address.format(**staff.kept), staff)
    return [] if status == read.status else [f"{read.endpoint}: {method} {address} answered {status}"]


def asked(by: str, method: str, address: str, staff: Office) -> int:
    """Ask as one of the staff, as a browser of the site's, or as its server, and return the status."""
    limiter.reset()
    headers = {"Authorization": f"Bearer {staff.kept['token']}"} if by == "server" else {}
    client: FlaskClient = staff.kept["clients"][by]
    # Read to the end: what a file is made of may be looked up as it goes.
    return client.open(address, method=method, headers=headers, buffered=True).status_code


def all_rows() -> Rows:
    """Return every row of every table."""
    db.session.expire_all()
    return {
        table.name: sorted((tuple(row) for row in db.session.execute(select(table))), key=repr)
        for table in Base.metadata.sorted_tables
    }
