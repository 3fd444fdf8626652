"""Identity tokens: the site's own server vouches that this browser belongs to one of its known users.

A token is a JWT (RFC 7519) signed with HS256 and the site's identity secret, with the claims `sub` (the site's own
reference of the user), `aud` (the site key), `iat` and `exp`, at most one hour apart. docs/embed.md has recipes.
"""

import re
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TypeGuard

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from consent_server.keys import KeyRing
from consent_server.problems import Problem
from consent_server.sites.models import Site

LONGEST = timedelta(hours=1)
SKEW = timedelta(seconds=60)  # clocks of two servers are never quite alike
SUBJECT = re.compile(r"[\x21-\x7e]{1,128}")
MAX_TOKEN_CHARS = 2_048


class BadIdentityToken(Problem):
    slug, status = "bad-identity-token", HTTPStatus.UNAUTHORIZED
    title = "The identity token does not vouch for anybody on this site"


def subject_of(token: str, *, site: Site, ring: KeyRing, now: datetime) -> str:
    """Return the subject that a token vouches for.

    Raises:
        BadIdentityToken: forged, malformed, expired, too long-lived, or made for another site.
    """
    if len(token) > MAX_TOKEN_CHARS:
        raise BadIdentityToken("The token is longer than any of ours.")
    key = OctKey.import_key(ring.identity_secret(site.key, site.identity_generation).encode())
    try:
        claims = jwt.decode(token, key, algorithms=["HS256"]).claims
    except (JoseError, ValueError) as error:
        raise BadIdentityToken("Sign it with this site's identity secret, HS256.") from error
    subject, issued, expires = claims.get("sub"), claims.get("iat"), claims.get("exp")
    if claims.get("aud") != site.key:
        raise BadIdentityToken("Its `aud` is not this site's key.")
    if not isinstance(subject, str) or not SUBJECT.fullmatch(subject):
        raise BadIdentityToken("Its `sub` must be 1 to 128 printable ASCII characters without spaces.")
    if not _is_instant(issued) or not _is_instant(expires):
        raise BadIdentityToken("It needs `iat` and `exp` in whole seconds.")
    at = now.timestamp()
    if not issued - SKEW.total_seconds() <= at < expires:
        raise BadIdentityToken("It has expired or is not valid yet; make a fresh one for every page.")
    if not 0 < expires - issued <= LONGEST.total_seconds():
        raise BadIdentityToken("It may live for one hour at most, and must expire after it was issued.")
    return subject


def _is_instant(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
