"""Second factors: an app switched on by a code, codes that count once, recovery codes, sessions."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from consent_server.accounts import factors, service, sessions, totp
from consent_server.accounts.models import Account, RecoveryCode, TotpSecret
from consent_server.audit.models import AuditEvent
from consent_server.db import db, transaction
from consent_server.keys import KeyRing
from consent_server.problems import InvalidInput, NotFound
from tests import make

IDLE = timedelta(hours=1)


def ring(app: Flask) -> KeyRing:
    found: KeyRing = app.extensions["keys"]
    return found


def spend(app: Flask, account: Account, code: str, *, seconds: float = 0) -> str:
    with transaction():
        return factors.check_code(account, code, ring=ring(app), now=make.later(seconds=seconds))


def code(secret: bytes, *, seconds: float = 0) -> str:
    return totp.code_at(secret, totp.step_of(make.later(seconds=seconds)))


def test_an_app_counts_once_a_code_of_it_was_entered(app: Flask) -> None:
    account = make.account()
    with transaction():
        secret = factors.start_app(account, ring=ring(app), now=make.NOW)

    assert not factors.has_second_factor(account)
    with pytest.raises(factors.WrongCode):
        spend(app, account, code(secret))
    with pytest.raises(InvalidInput), transaction():
        factors.confirm_app(account, "000000", ring=ring(app), now=make.NOW, actor="account:1")
    with transaction():
        factors.confirm_app(account, code(secret), ring=ring(app), now=make.NOW, actor="account:1")

    assert factors.has_second_factor(account)
    with pytest.raises(InvalidInput, match="already"):
        factors.start_app(account, ring=ring(app), now=make.NOW)


def test_the_secret_stays_the_same_until_the_app_is_confirmed(app: Flask) -> None:
    account = make.account()
    with transaction():
        first = factors.start_app(account, ring=ring(app), now=make.NOW)
        again = factors.start_app(account, ring=ring(app), now=make.NOW)

    assert first == again


def test_a_code_of_the_app_counts_once(app: Flask) -> None:
    account = make.account()
    secret = make.app_of(account)

    assert (
        spend(app, account, f" {code(secret, seconds=30)[:3]} {code(secret, seconds=30)[3:]}", seconds=30)
        == "app"
    )
    with pytest.raises(factors.WrongCode):
        spend(app, account, code(secret, seconds=30), seconds=30)


def test_the_secret_in_the_database_is_sealed_under_a_key_that_is_not(app: Flask) -> None:
    account = make.account()
    secret = make.app_of(account)

    sealed = db.session.get_one(TotpSecret, account.id).sealed

    assert secret not in sealed
    assert totp.base32(secret).encode() not in sealed


def test_each_recovery_code_counts_once_and_new_ones_void_the_old(app: Flask) -> None:
    account = make.account()
    make.app_of(account)
    with transaction():
        old = factors.new_recovery_codes(account, now=make.NOW, actor="account:1")
    assert len(set(old)) == 10

    assert spend(app, account, old[0].upper().replace("-", " ")) == "recovery"
    with pytest.raises(factors.WrongCode):
        spend(app, account, old[0])
    assert factors.recovery_codes_left(account) == 9
    with transaction():
        new = factors.new_recovery_codes(account, now=make.NOW, actor="account:1")

    with pytest.raises(factors.WrongCode):
        spend(app, account, old[1])
    assert spend(app, account, new[0]) == "recovery"
    digests = db.session.scalars(select(RecoveryCode.digest)).all()
    assert not {each.encode() for each in new} & set(digests)


def test_one_account_cannot_use_anothers_code(app: Flask) -> None:
    lin, mei = make.account(), make.account("mei@example.org")
    secret = make.app_of(lin)
    make.app_of(mei)
    with transaction():
        codes = factors.new_recovery_codes(lin, now=make.NOW, actor="account:1")

    for given in (code(secret, seconds=60), codes[0]):
        with pytest.raises(factors.WrongCode):
            spend(app, mei, given, seconds=60)


def test_recovery_codes_go_with_the_last_factor(app: Flask) -> None:
    account = make.account()
    make.app_of(account)
    with transaction():
        factors.new_recovery_codes(account, now=make.NOW, actor="account:1")
        factors.remove_app(account, now=make.NOW, actor="account:1")

    assert factors.recovery_codes_left(account) == 0
    assert not factors.has_second_factor(account)


def test_another_token_secret_voids_the_app_and_not_the_recovery_codes(app: Flask) -> None:
    account = make.account()
    secret = make.app_of(account)
    with transaction():
        codes = factors.new_recovery_codes(account, now=make.NOW, actor="account:1")
    own = ring(app)
    other = KeyRing(own.receipt_keys, own.checkpoint_keys, b"another secret of tokens" * 2, own.identity)

    with pytest.raises(factors.WrongCode):
        factors.check_code(account, code(secret, seconds=90), ring=other, now=make.later(seconds=90))
    assert factors.check_code(account, codes[3], ring=other, now=make.NOW) == "recovery"


def test_a_session_is_ended_by_its_handle_and_only_by_its_owner(app: Flask) -> None:
    lin, mei = make.account(), make.account("mei@example.org")
    with transaction():
        here, there = (service.start_session(lin, now=make.NOW, device="Firefox, Linux") for _ in range(2))
    this = service.session_of(here, now=make.NOW, idle=IDLE)
    assert this is not None
    listed = sessions.sessions_of(lin, this=this, now=make.NOW, idle=IDLE)
    [other] = [each for each in listed if not each.is_this]

    with pytest.raises(NotFound):
        sessions.end_one(mei, other.handle, now=make.NOW, actor="account:2")
    with transaction():
        sessions.end_one(lin, other.handle, now=make.NOW, actor="account:1")

    assert service.session_of(there, now=make.NOW, idle=IDLE) is None
    assert service.session_of(here, now=make.NOW, idle=IDLE) is not None
    assert other.device == "Firefox, Linux"
    assert other.handle not in there


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/131.0 Safari/537.36 Edg/131.0", "Edge, Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.1 Safari/605.1.15", "Safari, macOS"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Safari/604.1", "Safari, iOS"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/131.0 Mobile Safari/537.36", "Chrome, Android"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0", "Firefox, Linux"),
        ("curl/8.5", ""), ("", ""),
    ],
)  # fmt: skip
def test_a_browser_is_named_in_two_words(header: str, words: str) -> None:
    assert sessions.device_of(header) == words


def test_all_of_it_is_in_the_audit_log_without_secrets(app: Flask) -> None:
    account = make.account()
    secret = make.app_of(account)
    with transaction():
        codes = factors.new_recovery_codes(account, now=make.NOW, actor="account:1")
    spend(app, account, codes[0])
    with transaction():
        factors.remove_all(account, now=make.NOW, actor="command")

    rows = db.session.scalars(select(AuditEvent).order_by(AuditEvent.id)).all()
    assert [row.action for row in rows if row.action not in ("accounts.create", "accounts.grant_role")] == [
        "accounts.add_app", "accounts.new_recovery_codes", "accounts.use_recovery_code",
        "accounts.remove_second_factor",
    ]  # fmt: skip
    said = " ".join(f"{row.target} {row.detail}" for row in rows)
    assert totp.base32(secret) not in said
    assert codes[0] not in said
