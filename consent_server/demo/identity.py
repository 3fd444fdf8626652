"""Identity tokens as a site's own server makes them: the recipe of docs/embed.md, with nothing but Python itself."""

import base64
import hashlib
import hmac
import json


def _b64u(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def identity_token(subject: str, *, site_key: str, secret: str, now: int, seconds: int = 300) -> str:
    """Return a JWT that vouches for `subject` on one site; `now` is in seconds since 1970."""
    header = {"alg": "HS256", "typ": "JWT"}
    claims = {"sub": subject, "aud": site_key, "iat": now, "exp": now + seconds}
    text = ".".join(_b64u(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
    return f"{text}.{_b64u(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest())}"
