"""Issue, revoke and check the API keys of a site's own server. A key has scopes, may expire, and is shown once."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from http import HTTPStatus

from sqlalchemy import select

from consent_server.audit import service as audit
from consent_server.db import db
from consent_server.problems import InvalidInput, NotFound, NotSignedIn, Problem
from consent_server.sites.models import ApiKey, Site
from consent_server.sites.scopes import in_order, unknown_scopes

PREFIX = "csk_"
LONGEST_LIFE = timedelta(days=3660)
REALM = {"WWW-Authenticate": 'Bearer realm="consent-server"'}


class ScopeMissing(Problem):
    """`scope` names what the endpoint needs."""

    slug, status = "scope-missing", HTTPStatus.FORBIDDEN
    title = "This API key is not for this call"


def issue_api_key(
    site: Site,
    *,
    name: str,
    scopes: Sequence[str],
    now: datetime,
    actor: str,
    life: timedelta | None = None,
) -> tuple[ApiKey, str]:
    """Make a key for the site's own server; return its row and the token, which is never shown again.

    Args:
        site: whose key it is.
        name: what it is for.
        scopes: what calls it may make.
        now: the instant of the action.
        actor: who does it, for the audit log.
        life: how long it is good for; None means until it is revoked.

    Raises:
        InvalidInput: no scope, one that there is not, or a life that is none.
    """
    if not scopes or unknown_scopes(scopes):
        raise InvalidInput(
            "Choose what the key may be used for.", errors={"scopes": ["Choose at least one."]}
        )
    if life is not None and not timedelta() < life <= LONGEST_LIFE:
        raise InvalidInput("Choose how long the key is good for.", errors={"days": ["Choose one."]})
    token = PREFIX + secrets.token_urlsafe(32)
    key = ApiKey(
        site_id=site.id,
        name=name.strip(),
        digest=digest_of(token),
        scopes=in_order(scopes),
        expires_at=None if life is None else now + life,
        created_at=now,
    )
    db.session.add(key)
    db.session.flush()
    audit.record(
        "sites.issue_api_key",
        actor=actor,
        now=now,
        site_id=site.id,
        target=f"api-key:{key.id}",
        name=key.name,
        scopes=key.scopes,
        days=None if life is None else life.days,
    )
    return key, token


def revoke_api_key(key: ApiKey, *, now: datetime, actor: str) -> None:
    """End a key at once."""
    key.revoked_at = key.revoked_at or now
    audit.record(
        "sites.revoke_api_key", actor=actor, now=now, site_id=key.site_id, target=f"api-key:{key.id}"
    )


def api_keys(site: Site) -> Sequence[ApiKey]:
    """Return the site's keys, newest first."""
    return db.session.scalars(
        select(ApiKey).where(ApiKey.site_id == site.id).order_by(ApiKey.id.desc())
    ).all()


def api_key_of(site: Site, key_id: int) -> ApiKey:
    """Return a key of this very site.

    Raises:
        NotFound: the site has none with this id.
    """
    key = db.session.get(ApiKey, key_id)
    if key is None or key.site_id != site.id:
        raise NotFound("The site's page of API keys lists them.")
    return key


def authenticate(site: Site, token: str, *, now: datetime) -> ApiKey:
    """Return the key that a call presented for this site.

    Raises:
        NotSignedIn: unknown, revoked, expired, or another site's key (they look alike on purpose).
    """
    key = db.session.scalar(select(ApiKey).where(ApiKey.digest == digest_of(token)))
    if key is None or key.site_id != site.id or state_of(key, now=now) != "in_use":
        raise no_good_key()
    return key


def require_scope(key: ApiKey, scope: str) -> None:
    """Refuse a call that the key is not for.

    Raises:
        ScopeMissing: the key lacks the scope.
    """
    if scope not in key.scopes:
        challenge = f'Bearer realm="consent-server", error="insufficient_scope", scope="{scope}"'
        raise ScopeMissing(
            "Issue a key with this scope on the site's page of API keys.",
            headers={"WWW-Authenticate": challenge},
            scope=scope,
        )


def state_of(key: ApiKey, *, now: datetime) -> str:
    """Return `in_use`, `revoked` or `expired`."""
    if key.revoked_at is not None:
        return "revoked"
    return "expired" if key.expires_at is not None and key.expires_at <= now else "in_use"


def no_good_key() -> NotSignedIn:
    """Return the problem of a call without a key that is good for the site."""
    return NotSignedIn("Send `Authorization: Bearer csk_…` with a key of this site.", headers=dict(REALM))


def digest_of(token: str) -> bytes:
    """Return the SHA-256 of a key, which is what the table holds of it."""
    return hashlib.sha256(token.encode()).digest()
