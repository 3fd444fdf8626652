"""The second factor of an account: codes of an authenticator app, and one-time recovery codes for when it is lost.

The secret of the app is kept encrypted under a key that is not in the database: who steals a dump can make no code.
"""

import base64
import hashlib
import secrets
from datetime import datetime
from http import HTTPStatus

from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import delete, func, select, update

from consent_server.accounts import totp
from consent_server.accounts.models import Account, Passkey, RecoveryCode, TotpSecret
from consent_server.accounts.service import actor_of
from consent_server.audit import service as audit
from consent_server.db import db
from consent_server.keys import KeyRing
from consent_server.problems import InvalidInput, Problem

RECOVERY_CODES = 10
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: nothing that is read as something else
GROUPS, GROUP = 4, 4  # 16 characters of 5 bits: 80 bits, too many to guess, so that SHA-256 suffices
LIKE = str.maketrans({"o": "0", "i": "1", "l": "1", " ": None, "-": None})


class WrongCode(Problem):
    slug, status = "wrong-code", HTTPStatus.UNAUTHORIZED
    title = "This code is wrong or has been used"


def has_second_factor(account: Account) -> bool:
    """Tell whether the account has an authenticator app or a passkey."""
    return has_app(account) or has_passkey(account)


def has_app(account: Account) -> bool:
    """Tell whether an authenticator app has been set up."""
    found = db.session.get(TotpSecret, account.id)
    return found is not None and found.confirmed_at is not None


def has_passkey(account: Account) -> bool:
    """Tell whether the account has a passkey."""
    return db.session.scalar(select(Passkey.id).where(Passkey.account_id == account.id).limit(1)) is not None


def start_app(account: Account, *, ring: KeyRing, now: datetime) -> bytes:
    """Return the secret of an app that is being set up; it counts once a code of it has been entered.

    Raises:
        InvalidInput: an app is in use; it has to be removed first.
    """
    found = db.session.get(TotpSecret, account.id)
    if found is not None and found.confirmed_at is not None:
        raise InvalidInput("An app is set up already. Remove it first.", errors={})
    secret = secret_being_set_up(found, ring) or totp.new_secret()
    if found is None:
        found = TotpSecret(account_id=account.id, created_at=now)
        db.session.add(found)
    found.sealed, found.last_step = _box(ring).encrypt(secret), 0
    db.session.flush()
    return secret


def secret_being_set_up(kept: TotpSecret | None, ring: KeyRing) -> bytes | None:
    """Return the secret of an app that has not been confirmed yet, or None."""
    return None if kept is None or kept.confirmed_at is not None else _opened(kept, ring)


def confirm_app(account: Account, code: str, *, ring: KeyRing, now: datetime, actor: str) -> None:
    """Switch the app on: a code of it proves that it holds the secret.

    Raises:
        InvalidInput: nothing is being set up, or the code is wrong.
    """
    found = db.session.get(TotpSecret, account.id)
    secret = secret_being_set_up(found, ring)
    step = totp.matching_step(secret, _plain(code), now=now, after=0) if secret is not None else None
    if found is None or step is None:
        raise InvalidInput(
            "This is not the app's present code.",
            errors={"code": ["This is not the app's present code."]},
        )
    found.confirmed_at, found.last_step = now, step
    audit.record("accounts.add_app", actor=actor, now=now, target=actor_of(account))


def remove_app(account: Account, *, now: datetime, actor: str) -> None:
    """Remove the app; recovery codes go with the last factor."""
    db.session.execute(delete(TotpSecret).where(TotpSecret.account_id == account.id))
    audit.record("accounts.remove_app", actor=actor, now=now, target=actor_of(account))
    forget_codes_without_factor(account)


def remove_all(account: Account, *, now: datetime, actor: str) -> None:
    """Remove app, passkeys and recovery codes of somebody who has lost them all."""
    for model in (TotpSecret, Passkey, RecoveryCode):
        db.session.execute(delete(model).where(model.account_id == account.id))
    audit.record("accounts.remove_second_factor", actor=actor, now=now, target=actor_of(account))


def forget_codes_without_factor(account: Account) -> None:
    """Delete the recovery codes of an account that has no second factor any more."""
    db.session.flush()
    if not has_second_factor(account):
        db.session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account.id))


def new_recovery_codes(account: Account, *, now: datetime, actor: str) -> list[str]:
    """Replace the recovery codes and return the new ones, which are never shown again."""
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account.id))
    codes = [_new_code() for _ in range(RECOVERY_CODES)]
    for code in codes:
        db.session.add(RecoveryCode(account_id=account.id, digest=_digest(code), created_at=now))
    db.session.flush()
    audit.record("accounts.new_recovery_codes", actor=actor, now=now, target=actor_of(account))
    return codes


def recovery_codes_left(account: Account) -> int:
    """Return how many recovery codes have not been used."""
    unused = (RecoveryCode.account_id == account.id, RecoveryCode.used_at.is_(None))
    return db.session.scalar(select(func.count()).select_from(RecoveryCode).where(*unused)) or 0


def check_code(account: Account, code: str, *, ring: KeyRing, now: datetime) -> str:
    """Spend a code of the app or a recovery code and return which it was: `app` or `recovery`.

    Raises:
        WrongCode: it is neither, or has been used.
    """
    given = _plain(code)
    if len(given) == totp.DIGITS and _spend_app_code(account, given, ring=ring, now=now):
        return "app"
    if len(given) == GROUPS * GROUP and _spend_recovery_code(account, given, now=now):
        audit.record("accounts.use_recovery_code", actor=actor_of(account), now=now, target=actor_of(account))
        return "recovery"
    raise WrongCode("Enter the app's present code, or a recovery code that has not been used.")


def _spend_app_code(account: Account, code: str, *, ring: KeyRing, now: datetime) -> bool:
    found = db.session.get(TotpSecret, account.id)
    secret = _opened(found, ring) if found is not None and found.confirmed_at is not None else None
    if found is None or secret is None:
        return False
    step = totp.matching_step(secret, code, now=now, after=found.last_step)
    if step is None:
        return False
    # Of two uses of one code, only one finds the older step.
    return _changed(
        update(TotpSecret)
        .where(TotpSecret.account_id == account.id, TotpSecret.last_step < step)
        .values(last_step=step)
    )


def _spend_recovery_code(account: Account, code: str, *, now: datetime) -> bool:
    row = (RecoveryCode.account_id == account.id, RecoveryCode.digest == _digest(code))
    return _changed(update(RecoveryCode).where(*row, RecoveryCode.used_at.is_(None)).values(used_at=now))


def _changed(statement: object) -> bool:
    rows: int = db.session.execute(statement).rowcount  # type: ignore[call-overload]  # an UPDATE's result has it
    return rows == 1


def _new_code() -> str:
    groups = ("".join(secrets.choice(ALPHABET) for _ in range(GROUP)) for _ in range(GROUPS))
    return "-".join(groups)


def _plain(code: str) -> str:
    return code.strip().lower().translate(LIKE)


def _digest(code: str) -> bytes:
    return hashlib.sha256(_plain(code).encode()).digest()


def _box(ring: KeyRing) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(ring.derived("app-secrets")))


def _opened(found: TotpSecret, ring: KeyRing) -> bytes | None:
    """Return the secret; None when it was sealed under a token secret that this server has not."""
    try:
        return _box(ring).decrypt(found.sealed)
    except InvalidToken:
        return None
