"""Slow guessing down without locking anybody out.

Failures are counted for one account as seen from one network, never for the account alone: who guesses from elsewhere
delays himself. After a few free failures the delay doubles with each, up to a quarter of an hour. A browser in which
the account has signed in before is counted by itself, so that even a stranger in the same network does not delay it.
"""

import hashlib
import hmac
import ipaddress
import secrets
from datetime import datetime, timedelta
from http import HTTPStatus
from math import ceil

from sqlalchemy import delete, select

from consent_server.accounts.models import Account, KnownDevice, SignInDelay
from consent_server.accounts.service import actor_of
from consent_server.audit import service as audit
from consent_server.db import db
from consent_server.keys import KeyRing
from consent_server.problems import Problem

FREE = 5  # failures without delay
FIRST_DELAY, LONGEST_DELAY = timedelta(seconds=2), timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(days=1)


class SignInDelayed(Problem):
    """`Retry-After` says how long."""

    slug, status = "sign-in-delayed", HTTPStatus.TOO_MANY_REQUESTS
    title = "Too many wrong attempts from here"


def delay_after(failures: int) -> timedelta:
    """Return how long the next attempt must wait after so many failures in a row."""
    if failures < FREE:
        return timedelta()
    return min(FIRST_DELAY * (1 << min(failures - FREE, 16)), LONGEST_DELAY)


def network_of(address: str | None) -> str:
    """Return what counts as one network: an IPv4 address, or the /64 that an IPv6 address is in."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def counter(ring: KeyRing, email: str, *, kind: str, address: str | None, device: str | None) -> bytes:
    """Return what attempts are counted under: the account, and the known browser or else the network.

    Args:
        ring: the server's keys; the counter is a keyed hash, so that no address can be read from the table.
        email: as it was typed; one that no account has counts like any other.
        kind: what is guessed: `password`, `second factor`.
        address: the caller's.
        device: the token of the browser's cookie.
    """
    name = email.strip().lower()
    where = f"device {device}" if device and _is_known(name, device) else f"network {network_of(address)}"
    return hmac.digest(ring.derived("sign-in-delays"), f"{kind}\n{name}\n{where}".encode(), "sha256")


def check(counted: bytes, *, now: datetime) -> None:
    """Refuse an attempt that comes too early.

    Raises:
        SignInDelayed: with `Retry-After` in seconds.
    """
    found = db.session.get(SignInDelay, counted)
    if found is not None and found.until > now:
        seconds = ceil((found.until - now).total_seconds())
        raise SignInDelayed("Wait a little, then try again.", headers={"Retry-After": str(seconds)})


def failed(counted: bytes, account: Account | None, *, now: datetime) -> None:
    """Count a failure; the audit log notes when an account's guesser begins to be delayed."""
    db.session.execute(delete(SignInDelay).where(SignInDelay.failed_at < now - FORGOTTEN_AFTER))
    found = db.session.get(SignInDelay, counted, with_for_update=True)
    if found is None:
        found = SignInDelay(digest=counted, failures=0, until=now, failed_at=now)
        db.session.add(found)
    found.failures += 1
    found.until, found.failed_at = now + delay_after(found.failures), now
    db.session.flush()
    if account is not None and found.failures == FREE:
        audit.record("accounts.delay_sign_in", actor="system", now=now, target=actor_of(account))


def succeeded(counted: bytes) -> None:
    """Forget the failures."""
    db.session.execute(delete(SignInDelay).where(SignInDelay.digest == counted))


def remember_device(account: Account, device: str | None, *, now: datetime) -> str:
    """Note that the account has signed in in this browser and return the token for its cookie."""
    token = device or secrets.token_urlsafe(32)
    known = db.session.get(KnownDevice, (_digest(token), account.id))
    if known is None:
        known = KnownDevice(digest=_digest(token), account_id=account.id, seen_at=now)
        db.session.add(known)
    known.seen_at = now
    db.session.flush()
    return token


def forget_devices(account: Account) -> None:
    """Treat every browser as a stranger's from here on."""
    db.session.execute(delete(KnownDevice).where(KnownDevice.account_id == account.id))


def _is_known(email: str, device: str) -> bool:
    query = (
        select(KnownDevice.account_id)
        .join(Account, Account.id == KnownDevice.account_id)
        .where(KnownDevice.digest == _digest(device), Account.email == email)
    )
    return db.session.scalar(query) is not None


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
