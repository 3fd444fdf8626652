"""Keep passwords as argon2id hashes (RFC 9106); what they must be follows NIST SP 800-63B."""

import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from consent_server.problems import InvalidInput

SHORTEST = 12  # characters; length is what counts (NIST SP 800-63B, section 3.1.1.2)
LONGEST = 1024

hasher = PasswordHasher()  # the library's defaults are RFC 9106's second recommended option: 64 MiB, 3 passes


def hashed(password: str) -> str:
    """Return the hash to keep, in the PHC string format: it names its own parameters.

    Raises:
        InvalidInput: the password is too short or absurdly long.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise InvalidInput(
            f"A password needs at least {SHORTEST} characters.", errors={"password": ["too short"]}
        )
    return hasher.hash(password)


def matches(password: str, kept: str | None) -> bool:
    """Say whether a password is the one whose hash was kept; without a hash the answer takes as long, and is no."""
    try:
        return hasher.verify(kept or _nobody(), password) and kept is not None
    except (VerifyMismatchError, InvalidHashError):
        return False


@cache
def _nobody() -> str:
    # Made when first wanted: a hash takes longer than everything else at the start of a command.
    return hasher.hash(secrets.token_hex(16))
