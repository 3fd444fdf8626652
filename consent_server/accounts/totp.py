"""One-time codes of authenticator apps (TOTP, RFC 6238): SHA-1, six digits, thirty seconds, which all apps take. Pure."""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime
from urllib.parse import quote, urlencode

STEP = 30  # seconds
DIGITS = 6
DRIFT = 1  # steps that a clock may be off, to either side (RFC 6238, section 5.2)


def new_secret() -> bytes:
    """Return 20 random bytes, the length of the hash (RFC 4226, section 4)."""
    return secrets.token_bytes(20)


def step_of(instant: datetime) -> int:
    """Return the number of the time step that an instant is in."""
    return int(instant.timestamp()) // STEP


def code_at(secret: bytes, step: int) -> str:
    """Return the code of a time step (RFC 4226, section 5.3)."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), hashlib.sha1)
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def matching_step(secret: bytes, code: str, *, now: datetime, after: int) -> int | None:
    """Return the step whose code this is, if it is near enough and later than `after`; a code counts once."""
    here = step_of(now)
    for step in range(here - DRIFT, here + DRIFT + 1):
        if step > after and hmac.compare_digest(code_at(secret, step).encode(), code.encode()):
            return step
    return None


def base32(secret: bytes) -> str:
    """Return a secret as people type it into an app."""
    return base64.b32encode(secret).decode().rstrip("=")


def provisioning_uri(secret: bytes, *, account: str, issuer: str) -> str:
    """Return the address that an authenticator app reads from a QR code (the Key URI format)."""
    label = quote(f"{issuer}:{account}", safe="")
    return (
        f"otpauth://totp/{label}?{urlencode({'secret': base32(secret), 'issuer': issuer}, quote_via=quote)}"
    )
