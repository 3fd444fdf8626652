"""Guessing is slowed down; nobody can lock anybody else out."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from consent_server.accounts import throttle
from consent_server.accounts.models import Account, SignInDelay
from consent_server.audit.models import AuditEvent
from consent_server.db import db, transaction
from tests import make


def counter(app: Flask, *, email: str = "lin@example.org", address: str = "203.0.113.9", device: str | None = None) -> bytes:  # fmt: skip
    return throttle.counter(app.extensions["keys"], email, kind="password", address=address, device=device)


def fail(counted: bytes, times: int, account: Account | None = None) -> None:
    for _ in range(times):
        with transaction():
            throttle.failed(counted, account, now=make.NOW)


def wait_of(counted: bytes) -> int:
    try:
        throttle.check(counted, now=make.NOW)
    except throttle.SignInDelayed as problem:
        return int(problem.headers["Retry-After"])
    return 0


def test_a_few_failures_are_free_then_each_doubles_the_wait() -> None:
    waits = [throttle.delay_after(failures).total_seconds() for failures in range(1, 20)]

    assert waits[:4] == [0, 0, 0, 0]
    assert waits[4:8] == [2, 4, 8, 16]
    assert waits[-1] == 15 * 60
    assert waits == sorted(waits)


def test_who_guesses_waits_and_nobody_else(app: Flask) -> None:
    guesser = counter(app)
    fail(guesser, 9)

    assert wait_of(guesser) > 30
    assert wait_of(counter(app, address="198.51.100.7")) == 0
    assert wait_of(counter(app, email="mei@example.org")) == 0


def test_a_known_browser_in_the_guessers_own_network_is_not_delayed(app: Flask) -> None:
    account = make.account()
    with transaction():
        device = throttle.remember_device(account, None, now=make.NOW)
    fail(counter(app), 20, account)

    assert wait_of(counter(app, device=device)) == 0
    assert wait_of(counter(app, device="a token that nobody was given")) > 0
    assert wait_of(counter(app, email="mei@example.org", device=device)) == 0


def test_a_known_browser_that_guesses_is_delayed_by_itself(app: Flask) -> None:
    account = make.account()
    with transaction():
        device = throttle.remember_device(account, None, now=make.NOW)
    known = counter(app, device=device)
    fail(known, 7, account)

    assert wait_of(known) > 0
    assert wait_of(counter(app)) == 0


def test_success_and_a_day_forget_failures(app: Flask) -> None:
    here, there = counter(app), counter(app, address="198.51.100.7")
    fail(here, 7)
    fail(there, 7)

    with transaction():
        throttle.succeeded(here)
    with transaction():
        throttle.failed(counter(app, email="x@example.org"), None, now=make.NOW + timedelta(days=2))

    assert wait_of(here) == 0
    assert [row.failures for row in db.session.scalars(select(SignInDelay))] == [1]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("203.0.113.9", "203.0.113.10", False),
        (None, "not an address", True),
    ],
)
def test_a_network_is_an_ipv4_address_or_half_an_ipv6_one(one: str | None, other: str, same: bool) -> None:
    assert (throttle.network_of(one) == throttle.network_of(other)) is same


def test_no_address_can_be_read_from_the_table_and_the_log_notes_the_beginning_once(app: Flask) -> None:
    account = make.account()
    fail(counter(app), 8, account)

    [row] = db.session.scalars(select(SignInDelay))
    assert len(row.digest) == 32
    noted = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "accounts.delay_sign_in")).all()
    assert [event.target for event in noted] == [f"account:{account.id}"]
    assert "203.0.113" not in str([event.detail for event in noted])
