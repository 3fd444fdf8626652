"""An authenticator in software: makes a passkey and signs with it, as a browser hands the answers on (Web Authentication)."""

import hashlib
import json
import struct
from base64 import urlsafe_b64encode

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

ORIGIN, DOMAIN = "http://localhost", "localhost"
PRESENT_AND_VERIFIED, WITH_KEY = 0x05, 0x40
CREDENTIAL = b"a credential's id"


class Authenticator:
    """Holds one key for `DOMAIN`."""

    def __init__(self) -> None:
        self._key, self._count = ec.generate_private_key(ec.SECP256R1()), 0

    def make(self, challenge: str) -> str:
        """Return the answer to a registration."""
        point = self._key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32), -3: point.y.to_bytes(32)}
        made = bytes(16) + struct.pack(">H", len(CREDENTIAL)) + CREDENTIAL + cbor2.dumps(cose)
        attestation = {"fmt": "none", "attStmt": {}, "authData": self._data(WITH_KEY) + made}
        return _answer("webauthn.create", challenge, attestationObject=_text(cbor2.dumps(attestation)))[0]

    def use(self, challenge: str) -> str:
        """Return the answer to a sign-in."""
        data = self._data(0)
        _unsigned, client = _answer("webauthn.get", challenge)
        signature = self._key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        signed = {"authenticatorData": _text(data), "signature": _text(signature)}
        return _answer("webauthn.get", challenge, **signed)[0]

    def _data(self, flags: int) -> bytes:
        self._count += 1
        domain = hashlib.sha256(DOMAIN.encode()).digest()
        return domain + struct.pack(">BI", PRESENT_AND_VERIFIED | flags, self._count)


def _answer(kind: str, challenge: str, **response: str) -> tuple[str, bytes]:
    client = json.dumps({"type": kind, "challenge": challenge, "origin": ORIGIN}).encode()
    name = _text(CREDENTIAL)
    answer = {
        "id": name,
        "rawId": name,
        "type": "public-key",
        "response": {"clientDataJSON": _text(client)} | response,
    }
    return json.dumps(answer), client


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
