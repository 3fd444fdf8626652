"""Make accounts, sign people in and out. Tokens are stored as SHA-256."""

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from consent_server.accounts import passwords
from consent_server.accounts.models import Account, ConsoleSession, SignInLink
from consent_server.audit import service as audit
from consent_server.db import db, violated
from consent_server.problems import InvalidInput, Problem

LINK_LIFE = timedelta(hours=1)
SEEN_EVERY = timedelta(minutes=1)  # how often a session's last use is written down


class EmailTaken(Problem):
    slug, status = "email-taken", HTTPStatus.CONFLICT
    title = "There is an account with this address"


class WrongCredentials(Problem):
    slug, status = "wrong-credentials", HTTPStatus.UNAUTHORIZED
    title = "Address and password do not belong together"


class LinkUsed(Problem):
    slug, status = "sign-in-link-used", HTTPStatus.GONE
    title = "This sign-in link has been used or has expired"


def create_account(
    *, email: str, name: str, password: str | None, now: datetime, actor: str, language: str = "en"
) -> Account:
    """Make an account.

    Raises:
        InvalidInput: the address or the password cannot be used.
        EmailTaken: there is one with this address.
    """
    address = checked_address(email)
    account = Account(
        email=address,
        name=name.strip() or address,
        language=language,
        password_hash=None if password is None else passwords.hashed(password),
        created_at=now,
    )
    db.session.add(account)
    try:
        db.session.flush()
    except IntegrityError as error:
        if violated(error, "account", "email"):
            raise EmailTaken("Sign in, or use another address.") from error
        raise
    audit.record("accounts.create", actor=actor, now=now, target=f"account:{account.id}")
    return account


def checked_address(email: str) -> str:
    """Return an address as accounts have it: in lower case.

    Raises:
        InvalidInput: it is none.
    """
    address = email.strip().lower()
    if "@" not in address.strip("@") or len(address) > 254 or any(c.isspace() for c in address):
        raise InvalidInput("Write the address as name@host.", errors={"email": [email]})
    return address


def set_password(account: Account, password: str, *, now: datetime, actor: str) -> None:
    """Replace a password and end all of the account's sessions."""
    account.password_hash = passwords.hashed(password)
    for session in db.session.scalars(select(ConsoleSession).where(ConsoleSession.account_id == account.id)):
        db.session.delete(session)
    audit.record("accounts.set_password", actor=actor, now=now, target=f"account:{account.id}")


def choose_language(account: Account, language: str, *, now: datetime, actor: str) -> None:
    """Set the language in which the console speaks to an account."""
    account.language = language
    audit.record("accounts.choose_language", actor=actor, now=now, target=f"account:{account.id}")


def names_of(actors: Iterable[str]) -> dict[str, str]:
    """Return the names of those actors of the audit log that are accounts, by actor."""
    ids = {int(actor.partition(":")[2]) for actor in actors if actor.startswith("account:")}
    found = db.session.scalars(select(Account).where(Account.id.in_(ids)))
    return {actor_of(account): account.name for account in found}


def account_by_email(email: str) -> Account | None:
    """Return the account of this address, or None."""
    return db.session.scalar(select(Account).where(Account.email == email.strip().lower()))


def all_accounts() -> Sequence[Account]:
    """Return all accounts by address."""
    return db.session.scalars(select(Account).order_by(Account.email)).all()


def check_password(email: str, password: str) -> Account:
    """Return the account that address and password belong to.

    An unknown address takes as long as a wrong password, so that neither can be told from the other.

    Raises:
        WrongCredentials: they do not belong together, or the account is disabled.
    """
    account = account_by_email(email)
    right = passwords.matches(password, account.password_hash if account else None)
    if not right or account is None or account.disabled_at is not None:
        raise WrongCredentials("Check both; `consent-server account reset` makes a sign-in link.")
    return account


def start_session(
    account: Account, *, now: datetime, method: str = "password", proved: bool = False, device: str = ""
) -> str:
    """Sign an account in and return the token for its cookie.

    Args:
        account: who signs in.
        now: the instant.
        method: `password`, `link`, `passkey` or `oidc`.
        proved: whether a second factor was shown just now.
        device: browser and system in two words.
    """
    token = secrets.token_urlsafe(32)
    db.session.add(
        ConsoleSession(
            digest=_digest(token),
            account_id=account.id,
            created_at=now,
            seen_at=now,
            method=method,
            device=device[:60],
            proved_at=now if proved else None,
        )
    )
    audit.record(
        "accounts.sign_in", actor=actor_of(account), now=now, target=f"account:{account.id}", method=method
    )
    return token


def session_of(token: str, *, now: datetime, idle: timedelta) -> ConsoleSession | None:
    """Return the living session of a cookie's token, or None. Reads only."""
    session = db.session.get(ConsoleSession, _digest(token))
    if session is None or now - session.seen_at > idle or session.account.disabled_at is not None:
        return None
    return session


def keep_alive(token: str, *, now: datetime) -> None:
    """Write down that a session was used."""
    db.session.execute(
        update(ConsoleSession).where(ConsoleSession.digest == _digest(token)).values(seen_at=now)
    )


def end_session(token: str, *, now: datetime) -> None:
    """Sign out: the cookie's token is void from here on."""
    session = db.session.get(ConsoleSession, _digest(token))
    if session is not None:
        audit.record("accounts.sign_out", actor=actor_of(session.account), now=now)
        db.session.delete(session)


def make_sign_in_link(account: Account, *, now: datetime, actor: str) -> str:
    """Return a token that signs the account in once, within an hour."""
    token = secrets.token_urlsafe(32)
    db.session.add(SignInLink(digest=_digest(token), account_id=account.id, expires_at=now + LINK_LIFE))
    audit.record("accounts.make_sign_in_link", actor=actor, now=now, target=f"account:{account.id}")
    return token


def use_sign_in_link(token: str, *, now: datetime) -> Account:
    """Return the account of a sign-in link and spend the link.

    Raises:
        LinkUsed: it was used, has expired, or never existed.
    """
    link = db.session.get(SignInLink, _digest(token))
    spent = db.session.execute(
        update(SignInLink)
        .where(SignInLink.digest == _digest(token), SignInLink.used_at.is_(None), SignInLink.expires_at > now)
        .values(used_at=now)
    )
    if link is None or spent.rowcount != 1:  # type: ignore[attr-defined]  # an UPDATE's result has it
        raise LinkUsed("Make a new one with `consent-server account reset`.")
    account = db.session.get_one(Account, link.account_id)
    audit.record(
        "accounts.use_sign_in_link", actor=actor_of(account), now=now, target=f"account:{account.id}"
    )
    return account


def actor_of(account: Account) -> str:
    """Return how the audit log names an account."""
    return f"account:{account.id}"


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
