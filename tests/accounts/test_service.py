"""Accounts, passwords, sessions and one-time links."""

from datetime import timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import select

from consent_server.accounts import service
from consent_server.accounts.models import Account, ConsoleSession, SignInLink
from consent_server.audit.models import AuditEvent
from consent_server.db import db, transaction
from consent_server.problems import InvalidInput
from tests import make

IDLE = timedelta(hours=12)


def actions() -> list[str]:
    return list(db.session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)))


def session(who: Account, now: Any = make.NOW) -> str:
    with transaction():
        return service.start_session(who, now=now)


def test_an_account_is_found_by_its_address_however_it_is_written(app: Flask) -> None:
    made = make.account("  Lin@Example.ORG ")

    assert made.email == "lin@example.org"
    assert service.account_by_email("LIN@example.org") is made


@pytest.mark.parametrize(
    "email", ["", "lin", "@example.org", "lin@", "a b@example.org", "x" * 250 + "@e.org", "a@b\nc"]
)
def test_what_is_no_address_is_refused(app: Flask, email: str) -> None:
    with pytest.raises(InvalidInput):
        make.account(email)


def test_an_address_has_one_account(app: Flask) -> None:
    make.account()

    with pytest.raises(service.EmailTaken):
        make.account("LIN@example.org")


@pytest.mark.parametrize("password", ["", "short", "x" * 11, "x" * 1025])
def test_a_password_of_another_length_is_refused(app: Flask, password: str) -> None:
    with pytest.raises(InvalidInput):
        make.account(password=password)


def test_a_password_is_kept_as_an_argon2id_hash(app: Flask) -> None:
    made = make.account(password="correct horse battery")

    assert (made.password_hash or "").startswith("$argon2id$")


def test_a_hash_costs_whoever_guesses_what_rfc_9106_asks_for(hasher_of_servers: PasswordHasher) -> None:
    assert hasher_of_servers.memory_cost >= 64 * 1024, "KiB: section 4, the second recommended option"
    assert hasher_of_servers.time_cost >= 3
    assert hasher_of_servers.hash("correct horse battery").startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_address_and_password_must_belong_together(app: Flask) -> None:
    made = make.account(password="correct horse battery")
    make.account("no-password@example.org", password=None)

    assert service.check_password("LIN@example.org", "correct horse battery") is made
    for email, password in [
        ("lin@example.org", "correct horse batterie"), ("lin@example.org", ""), ("wu@example.org", "correct horse battery"),
        ("no-password@example.org", ""), ("no-password@example.org", "correct horse battery"), ("", ""),
    ]:  # fmt: skip
        with pytest.raises(service.WrongCredentials):
            service.check_password(email, password)


def test_a_disabled_account_can_neither_sign_in_nor_go_on(app: Flask) -> None:
    made = make.account()
    token = session(made)
    with transaction():
        made.disabled_at = make.NOW

    with pytest.raises(service.WrongCredentials):
        service.check_password("lin@example.org", "correct horse battery")
    assert service.session_of(token, now=make.NOW, idle=IDLE) is None


def test_a_session_lives_while_it_is_used(app: Flask) -> None:
    token = session(make.account())

    assert service.session_of(token, now=make.NOW + IDLE, idle=IDLE) is not None
    assert service.session_of(token, now=make.NOW + IDLE + timedelta(seconds=1), idle=IDLE) is None
    with transaction():
        service.keep_alive(token, now=make.NOW + IDLE)
    assert service.session_of(token, now=make.NOW + 2 * IDLE, idle=IDLE) is not None


def test_signing_out_ends_the_session_on_the_server(app: Flask) -> None:
    made = make.account()
    token, other = session(made), session(made)

    with transaction():
        service.end_session(token, now=make.NOW)
        service.end_session("no such token", now=make.NOW)

    assert service.session_of(token, now=make.NOW, idle=IDLE) is None
    assert service.session_of(other, now=make.NOW, idle=IDLE) is not None


def test_a_new_password_ends_all_sessions(app: Flask) -> None:
    made = make.account()
    tokens = [session(made), session(made)]

    with transaction():
        service.set_password(made, "another long password", now=make.NOW, actor="account:1")

    assert [service.session_of(token, now=make.NOW, idle=IDLE) for token in tokens] == [None, None]
    assert service.check_password(made.email, "another long password") is made


def link(who: Account) -> str:
    with transaction():
        return service.make_sign_in_link(who, now=make.NOW, actor="command")


def use(token: str, now: Any = make.NOW) -> Account:
    with transaction():
        return service.use_sign_in_link(token, now=now)


def test_a_link_signs_in_once(app: Flask) -> None:
    made = make.account(password=None)
    token = link(made)

    assert use(token).id == made.id
    with pytest.raises(service.LinkUsed):
        use(token)


def test_a_link_lives_for_an_hour(app: Flask) -> None:
    made = make.account()
    one, other = link(made), link(made)

    assert use(one, make.NOW + timedelta(minutes=59)) == made
    with pytest.raises(service.LinkUsed):
        use(other, make.NOW + timedelta(hours=1))


@pytest.mark.parametrize("token", ["", "x", "x" * 5000, "表"])
def test_a_link_that_never_was(app: Flask, token: str) -> None:
    with pytest.raises(service.LinkUsed):
        use(token)


def test_tokens_are_kept_as_hashes_only(app: Flask) -> None:
    made = make.account()
    tokens = [session(made), link(made)]

    kept = [row.digest for model in (ConsoleSession, SignInLink) for row in db.session.scalars(select(model))]

    assert all(len(digest) == 32 for digest in kept)
    assert not {token.encode() for token in tokens} & set(kept)


def test_everything_that_staff_do_is_in_the_audit_log_without_addresses(app: Flask) -> None:
    made = make.account(role=None)
    use(link(made))
    token = session(made)
    with transaction():
        service.set_password(made, "another long password", now=make.NOW, actor=service.actor_of(made))
    last = session(made)
    with transaction():
        service.end_session(last, now=make.NOW)

    assert actions() == [
        "accounts.create", "accounts.make_sign_in_link", "accounts.use_sign_in_link", "accounts.sign_in", "accounts.set_password",
        "accounts.sign_in", "accounts.sign_out",
    ]  # fmt: skip
    rows = db.session.scalars(select(AuditEvent)).all()
    text = " ".join(f"{row.actor} {row.target} {row.detail}" for row in rows)
    assert "lin" not in text
    assert token not in text
