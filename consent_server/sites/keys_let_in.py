"""API keys that this process has let in before: whoever calls often need not be looked up before all else.

A key's scopes and its end never change, so they are remembered. It may have been revoked since: what relies on this memory
asks in the transaction that it stores in (`ask_unrevoked`).
"""

from datetime import datetime

from consent_server.bulk import Answer, Line, Sql
from consent_server.columns import INTEGER
from consent_server.sites.api_keys import digest_of
from consent_server.sites.models import ApiKey

MOST_KEYS = 10_000

_UNREVOKED = Sql(
    "SELECT digest FROM api_key WHERE site_id = :site_id AND revoked_at IS NULL", site_id=INTEGER
)
_let_in: dict[tuple[str, bytes, str], datetime | None] = {}  # by site, digest and scope: when the key ends


def remember(site_key: str, key: ApiKey, scope: str) -> None:
    """Note that a key was good for a call of this scope to its site."""
    if len(_let_in) >= MOST_KEYS:
        _let_in.clear()
    _let_in[site_key, key.digest, scope] = key.expires_at


def known(site_key: str, authorization: str, scope: str, *, now: datetime) -> bytes | None:
    """Return the SHA-256 of the key in a header if it was let in for this scope and has not expired, or None."""
    scheme, _, token = authorization.partition(" ")
    place = (site_key, digest_of(token.strip()), scope)
    if scheme.lower() != "bearer" or place not in _let_in:
        return None
    end = _let_in[place]
    return place[1] if end is None or now < end else None


def ask_unrevoked(line: Line, site_id: int) -> Answer[set[bytes]]:
    """Ask for the SHA-256 of each key of the site that is not revoked."""
    rows = line.ask(_UNREVOKED, site_id=site_id)
    return lambda: {digest for (digest,) in rows()}


def forget() -> None:
    """Empty the memory: for tests, which reuse sites after a rollback."""
    _let_in.clear()
