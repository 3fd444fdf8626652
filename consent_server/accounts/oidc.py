"""The organisation's own sign-in: OpenID Connect, authorization code with PKCE and nonce, as a relying party.

Sources: OpenID Connect Core 1.0 (3.1), Discovery 1.0, RFC 7636 (PKCE), RFC 9207 (issuer in the answer). What the provider says
of itself and its keys are kept for an hour; a key that is not known is looked up at once, so that it may rotate them.
"""

import base64
import hashlib
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from consent_server.keys import b64u
from consent_server.problems import Problem

ALGORITHMS = [
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
]
SCOPE = "openid email profile"
KEPT = 3600.0  # seconds
LEAST_BETWEEN_KEYS = 10.0  # seconds between two looks for a key that is not known
CLOCK_SKEW = timedelta(minutes=2)
TIMEOUT, LONGEST = 10.0, 1_000_000  # seconds, bytes


class ProviderFailed(Problem):
    """The provider cannot be reached, or what it says cannot be relied on; the log says why."""

    slug, status = "sign-in-provider-failed", HTTPStatus.BAD_GATEWAY
    title = "The organisation's sign-in has not worked"


@dataclass(frozen=True)
class Client:
    """This server as the provider knows it."""

    issuer: str
    client_id: str
    secret: str


@dataclass(frozen=True)
class Person:
    """Whom the provider vouches for. `email` is empty unless the provider has verified it."""

    issuer: str
    subject: str
    email: str
    name: str


@dataclass
class _Kept:
    metadata: dict[str, Any]
    read_at: float
    keys: KeySet | None = None
    keys_at: float = field(default=-KEPT)


_kept: dict[str, _Kept] = {}
_lock = threading.Lock()


def authorization_url(
    client: Client, *, redirect_uri: str, state: str, nonce: str, verifier: str, language: str
) -> str:
    """Return where the browser goes to sign in.

    Raises:
        ProviderFailed: the provider does not say where.
    """
    query = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": redirect_uri,
        "scope": SCOPE,
        "state": state,
        "nonce": nonce,
        "code_challenge": b64u(hashlib.sha256(verifier.encode()).digest()),
        "code_challenge_method": "S256",
        "ui_locales": language,
    }
    endpoint = _endpoint(client, "authorization_endpoint")
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"


def person_of(
    client: Client, *, code: str, redirect_uri: str, nonce: str, verifier: str, now: datetime
) -> Person:
    """Trade the code for an ID token and return whom it vouches for.

    Raises:
        ProviderFailed: no token, or one that is not for this sign-in at this server.
    """
    token = _id_token(client, code=code, redirect_uri=redirect_uri, verifier=verifier)
    claims = _verified(client, token)
    _check(client, claims, nonce=nonce, now=now)
    email = claims.get("email") if claims.get("email_verified") is True else ""
    name = claims.get("name")
    return Person(
        issuer=client.issuer,
        subject=str(claims["sub"]),
        email=email.strip().lower() if isinstance(email, str) else "",
        name=name.strip()[:120] if isinstance(name, str) else "",
    )


def check_issuer(client: Client, said: str | None) -> None:
    """Refuse an answer that says that it comes from another provider (RFC 9207).

    Raises:
        ProviderFailed: it says so.
    """
    if said is not None and said != client.issuer:
        raise ProviderFailed("The answer comes from another provider.")


def forget() -> None:
    """Forget what providers have said of themselves."""
    with _lock:
        _kept.clear()


def _id_token(client: Client, *, code: str, redirect_uri: str, verifier: str) -> str:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    methods = _about(client).metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    if client.secret and "client_secret_basic" in methods:
        pair = f"{quote(client.client_id, safe='')}:{quote(client.secret, safe='')}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    else:
        form["client_id"] = client.client_id
        if client.secret:
            form["client_secret"] = client.secret
    answer = _fetch(_endpoint(client, "token_endpoint"), headers, urlencode(form).encode())
    token = answer.get("id_token")
    if not isinstance(token, str):
        raise ProviderFailed("The provider has sent no ID token.")
    return token


def _verified(client: Client, token: str) -> Mapping[str, Any]:
    """Return the claims of a token that a key of the provider signed; look for new keys once."""
    for fresh in (False, True):
        try:
            return jwt.decode(token, _keys(client, fresh=fresh), algorithms=ALGORITHMS).claims
        except (JoseError, ValueError) as error:
            if fresh:
                raise ProviderFailed("No key of the provider signed its answer.") from error
    raise AssertionError("unreachable")


def _check(client: Client, claims: Mapping[str, Any], *, nonce: str, now: datetime) -> None:
    """Hold a token to this sign-in (OpenID Connect Core 1.0, section 3.1.3.7)."""
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    end = claims.get("exp")
    holds = (
        claims.get("iss") == client.issuer,
        client.client_id in audiences,
        len(audiences) == 1 or claims.get("azp") == client.client_id,
        isinstance(end, (int, float)) and now.timestamp() < end + CLOCK_SKEW.total_seconds(),
        claims.get("nonce") == nonce,
        isinstance(claims.get("sub"), str) and 0 < len(claims["sub"]) <= 255,
    )
    if not all(holds):
        raise ProviderFailed("The provider's answer is not for this sign-in.")


def _about(client: Client) -> _Kept:
    with _lock:
        found = _kept.get(client.issuer)
    if found is not None and time.monotonic() - found.read_at < KEPT:
        return found
    metadata = _fetch(f"{client.issuer}/.well-known/openid-configuration")
    if metadata.get("issuer") != client.issuer:
        raise ProviderFailed("The provider calls itself otherwise.")
    found = _Kept(metadata, time.monotonic())
    with _lock:
        _kept[client.issuer] = found
    return found


def _keys(client: Client, *, fresh: bool) -> KeySet:
    kept = _about(client)
    age = time.monotonic() - kept.keys_at
    if kept.keys is None or age > KEPT or (fresh and age > LEAST_BETWEEN_KEYS):
        try:
            kept.keys = KeySet.import_key_set(_fetch(_endpoint(client, "jwks_uri")))  # type: ignore[arg-type]
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise ProviderFailed("The provider's keys cannot be read.") from error
        kept.keys_at = time.monotonic()
    return kept.keys


def _endpoint(client: Client, name: str) -> str:
    address = _about(client).metadata.get(name)
    if not isinstance(address, str) or not _is_safe(address):
        raise ProviderFailed(f"The provider names no usable {name}.")
    return address


def _is_safe(address: str) -> bool:
    """Tell whether an address is https, or on this machine."""
    parts = urlsplit(address)
    return parts.scheme == "https" or (
        parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1")
    )


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """An endpoint that sends elsewhere is not the one that the provider named."""

    def redirect_request(self, *_: Any) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirect)


def _fetch(
    address: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
) -> dict[str, Any]:
    if not _is_safe(address):
        raise ProviderFailed("The provider must be reached by https.")
    request = urllib.request.Request(  # noqa: S310 - the scheme was checked
        address, data=body, headers={"Accept": "application/json", **(headers or {})}
    )
    try:
        with _opener.open(request, timeout=TIMEOUT) as answer:
            found = orjson.loads(answer.read(LONGEST))
    except (OSError, ValueError) as error:
        raise ProviderFailed("The provider does not answer as it should. Try again in a moment.") from error
    if not isinstance(found, dict):
        raise ProviderFailed("The provider does not answer as it should. Try again in a moment.")
    return found
