"""The key ring: signing keys by id and secrets by purpose, read from files that `consent-server init` made.

    <keys_dir>/receipts/<n>-<kid>.pem       Ed25519 private keys that sign receipts; the newest signs
    <keys_dir>/receipts/<n>-<kid>.pub.pem   public halves; kept for ever, so that old receipts verify
    <keys_dir>/checkpoints/…                the same for the keys that sign checkpoints: a web process that
                                            is broken into can then sign receipts, but no false tree
    <keys_dir>/tokens.secret             itsdangerous: sign-in links, form tokens
    <keys_dir>/identity.secret           master of the sites' identity secrets

Every private file has mode 0600 and is never overwritten. A `kid` is the RFC 7638 thumbprint of the public key.
No key is ever in the database: who steals a dump can neither sign a receipt nor vouch for a subject.
"""

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from itsdangerous import URLSafeTimedSerializer

RECEIPTS, CHECKPOINTS = "receipts", "checkpoints"


class KeyProblem(Exception):
    """A key file is missing, unreadable or open to others; the text says which and what to do."""


_TO_URL = bytes.maketrans(b"+/", b"-_")


def b64u(data: bytes) -> str:
    """Return unpadded base64url text (RFC 7515, section 2)."""
    return b64u_bytes(data).decode()


def b64u_bytes(data: bytes) -> bytes:
    """Return the same as bytes."""
    return binascii.b2a_base64(data, newline=False).translate(_TO_URL, b"=")


def unb64u(text: str) -> bytes:
    """Return the bytes of unpadded base64url text; raise `ValueError` when it is not in canonical form."""
    data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if b64u(data) != text:
        raise ValueError("not canonical base64url")
    return data


def thumbprint(public: Ed25519PublicKey) -> str:
    """Return the RFC 7638 thumbprint of an Ed25519 key (RFC 8037, appendix A.3)."""
    canonical = f'{{"crv":"Ed25519","kty":"OKP","x":"{b64u(public.public_bytes_raw())}"}}'
    return b64u(hashlib.sha256(canonical.encode()).digest())


@dataclass(frozen=True)
class SigningKey:
    """One Ed25519 key; `private` is None for a retired one whose private half is gone."""

    kid: str
    public: Ed25519PublicKey
    private: Ed25519PrivateKey | None

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature. Ed25519 is deterministic: the same message, the same bytes."""
        if self.private is None:
            raise KeyProblem(f"the private half of signing key {self.kid} is gone")
        return self.private.sign(message)

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Tell whether this key signed the message."""
        try:
            self.public.verify(signature, message)
        except InvalidSignature:
            return False
        return True

    def jwk(self) -> dict[str, str]:
        """Return the public key as a JWK (RFC 8037)."""
        x = b64u(self.public.public_bytes_raw())
        return {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": self.kid, "use": "sig", "alg": "Ed25519"}


@dataclass(frozen=True)
class KeyRing:
    """All keys of one server. Signing keys go by kid, oldest first; the last with a private half signs."""

    receipt_keys: dict[str, SigningKey]
    checkpoint_keys: dict[str, SigningKey]
    tokens: bytes
    identity: bytes

    @property
    def receipt_key(self) -> SigningKey:
        """The key that signs new receipts."""
        return [key for key in self.receipt_keys.values() if key.private is not None][-1]

    @property
    def checkpoint_key(self) -> SigningKey:
        """The key that signs new checkpoints."""
        return [key for key in self.checkpoint_keys.values() if key.private is not None][-1]

    def serializer(self, purpose: str) -> URLSafeTimedSerializer:
        """Return the itsdangerous serializer of one purpose; a token of one purpose is void for another."""
        return URLSafeTimedSerializer(
            self.tokens,
            salt=purpose,
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )

    def derived(self, purpose: str) -> bytes:
        """Return 32 bytes that depend on the token secret and the purpose (HMAC-SHA-256)."""
        return hmac.digest(self.tokens, purpose.encode(), "sha256")

    def identity_secret(self, site_key: str, generation: int) -> str:
        """Return the secret with which a site's own server signs identity tokens; a new generation voids the old."""
        return b64u(hmac.digest(self.identity, f"{site_key}\n{generation}".encode(), "sha256"))


def create_keys(folder: Path) -> list[Path]:
    """Make what is missing in the key folder and return the new files. Nothing existing is touched."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = [
        _write_new(folder / name, secrets.token_urlsafe(48).encode())
        for name in ("tokens.secret", "identity.secret")
        if not (folder / name).exists()
    ]
    for use in (RECEIPTS, CHECKPOINTS):
        (folder / use).mkdir(exist_ok=True, mode=0o700)
        if not list((folder / use).glob("*.pem")):
            made += add_signing_key(folder, use)
    return made


def add_signing_key(folder: Path, use: str = RECEIPTS) -> list[Path]:
    """Make a new signing key, which signs from the next start on; older public keys stay and verify."""
    private = Ed25519PrivateKey.generate()
    kid = thumbprint(private.public_key())
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    secret = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    # The file's number orders the keys; the clock does not, since copied files have new dates.
    number = len(list((folder / use).glob("*.pub.pem"))) + 1
    stem = folder / use / f"{number:04d}-{kid}"
    return [_write_new(Path(f"{stem}.pub.pem"), public, mode=0o644), _write_new(Path(f"{stem}.pem"), secret)]


def load_keys(folder: Path) -> KeyRing:
    """Read the key folder.

    Raises:
        KeyProblem: a file is missing, cannot be parsed, or may be read by others.
    """
    return KeyRing(
        _signing_keys(folder / RECEIPTS),
        _signing_keys(folder / CHECKPOINTS),
        _secret(folder / "tokens.secret"),
        _secret(folder / "identity.secret"),
    )


def _signing_keys(folder: Path) -> dict[str, SigningKey]:
    keys: dict[str, SigningKey] = {}
    for path in sorted(folder.glob("*.pub.pem")):
        try:
            public = serialization.load_pem_public_key(path.read_bytes())
            private_path = path.with_name(path.name.replace(".pub.pem", ".pem"))
            private = _private(private_path) if private_path.exists() else None
        except (ValueError, OSError) as error:
            raise KeyProblem(f"cannot read {path}: {error}") from error
        if not isinstance(public, Ed25519PublicKey):
            raise KeyProblem(f"{path} is not an Ed25519 key")
        kid = thumbprint(public)
        if private and thumbprint(private.public_key()) != kid:
            raise KeyProblem(f"{private_path} does not belong to {path}")
        keys[kid] = SigningKey(kid, public, private)
    if not any(key.private for key in keys.values()):
        raise KeyProblem(f"{folder} holds no signing key; run `consent-server init`")
    return keys


def _private(path: Path) -> Ed25519PrivateKey:
    key = serialization.load_pem_private_key(_guarded(path), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyProblem(f"{path} is not an Ed25519 key")
    return key


def _secret(path: Path) -> bytes:
    if not path.exists():
        raise KeyProblem(f"{path} is missing; run `consent-server init`")
    secret = _guarded(path).strip()
    if len(secret) < 32:
        raise KeyProblem(f"{path} is too short to be a secret; restore it from your backup")
    return secret


def _guarded(path: Path) -> bytes:
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise KeyProblem(f"{path} may be read by others; run `chmod 600 {path}`")
    return path.read_bytes()


def _write_new(path: Path, content: bytes, *, mode: int = 0o600) -> Path:
    # O_EXCL: a key that exists is never replaced, whatever two commands do at once.
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(content + (b"" if content.endswith(b"\n") else b"\n"))
        file.flush()
        os.fsync(file.fileno())
    return path
