"""An OpenID Connect provider on a free port that checks what it is sent, and lies when it is told to."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

CLIENT, SECRET = "console", "p@ss:word"


@dataclass
class Provider:
    """`claims` replace those of the token; `signer` signs; `published` are the keys that it tells of."""

    issuer: str = ""
    signer: Any = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    algorithm: str = "RS256"
    published: list[Any] = field(default_factory=list)
    claims: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    asked: dict[str, dict[str, str]] = field(default_factory=dict)  # by code: the authorization request
    key_reads: int = 0

    def __post_init__(self) -> None:
        self.published = self.published or [self.signer]

    def rotate(self) -> None:
        """Sign with a new key of another kind, and tell of this one only."""
        self.signer, self.algorithm = ECKey.generate_key("P-256", {"kid": "two"}), "ES256"
        self.published = [self.signer]

    def sign_in(self, address: str) -> str:
        """Sign in as a browser would and return where it is sent back to."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT
        assert query["code_challenge_method"] == "S256"
        code = f"code-{len(self.asked)}"
        self.asked[code] = query
        return f"{query['redirect_uri']}?code={code}&state={query['state']}&iss={self.issuer}"

    def __call__(self, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        answer = {
            "/.well-known/openid-configuration": self._about,
            "/keys": self._keys,
            "/token": self._token,
        }[request.path](request)
        return answer(environ, start_response)

    def _about(self, _: Request) -> Response:
        ends = {f"{name}_endpoint": f"{self.issuer}/{path}" for name, path in (("authorization", "authorize"), ("token", "token"))}  # fmt: skip
        return _json({"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys", **ends} | self.metadata)

    def _keys(self, _: Request) -> Response:
        self.key_reads += 1
        return _json({"keys": [key.as_dict(private=False) for key in self.published]})

    def _token(self, request: Request) -> Response:
        pair = base64.b64encode(b"console:p%40ss%3Aword").decode()
        asked = self.asked.pop(request.form["code"], None)
        verifier = hashlib.sha256(request.form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(verifier).decode().rstrip("=")
        good = (
            request.headers.get("Authorization") == f"Basic {pair}"
            and asked is not None
            and challenge == asked["code_challenge"]
            and request.form["redirect_uri"] == asked["redirect_uri"]
        )
        if not good or asked is None:
            return Response('{"error": "invalid_grant"}', 400, content_type="application/json")
        claims = {"iss": self.issuer, "sub": "u-1", "aud": CLIENT, "exp": 4_000_000_000, "iat": 1, "nonce": asked["nonce"],
                  "email": "lin@example.org", "email_verified": True, "name": "Lin"} | self.claims  # fmt: skip
        header = {"alg": self.algorithm} | ({"kid": self.signer.kid} if self.signer.kid else {})
        signed = jwt.encode(header, claims, self.signer, algorithms=[self.algorithm])
        return _json({"id_token": signed, "access_token": "x", "token_type": "Bearer"})


def symmetric() -> OctKey:
    """A key that is no public key: a forger knows it."""
    return OctKey.generate_key(256)


def _json(data: Any) -> Response:
    return Response(json.dumps(data), content_type="application/json")


@contextmanager
def serve_provider() -> Iterator[Provider]:
    provider = Provider()
    server = make_server("127.0.0.1", 0, provider, threaded=True)
    provider.issuer = f"http://127.0.0.1:{server.port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
