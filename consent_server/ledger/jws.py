"""Receipts as JWS (RFC 7515, compact form), signed with Ed25519 (RFC 8037; algorithm name by RFC 9864).

The JWS payload is exactly the stored bytes: who verifies hashes what was received and never canonicalises.
Ed25519 is deterministic, so a retry gets the same bytes without the signature being stored.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from consent_server.keys import KeyRing, SigningKey, b64u_bytes, unb64u

TYPE = "consent-receipt+jws"
MAX_JWS_CHARS = 65_536


class BadReceipt(Exception):
    """The text is not a receipt of this kind; the message says why."""


@dataclass(frozen=True)
class ParsedReceipt:
    """A receipt taken apart; nothing about it is verified yet."""

    header: dict[str, Any]
    claims: dict[str, Any]
    payload: bytes
    signing_input: bytes
    signature: bytes


def sign(payload: bytes, *, key: SigningKey, log: str, idx: int) -> str:
    """Return the compact JWS of a payload at index `idx` of the log named `log`."""
    return compact(payload, key=key, log=log, idx=idx).decode()


def compact(payload: bytes, *, key: SigningKey, log: str, idx: int) -> bytes:
    """Return the same as bytes."""
    begin, end = _header(key.kid, log)
    signing_input = b"%b.%b" % (b64u_bytes(b"%b%d%b" % (begin, idx, end)), b64u_bytes(payload))
    return b"%b.%b" % (signing_input, b64u_bytes(key.sign(signing_input)))


@lru_cache(maxsize=1_024)
def _header(kid: str, log: str) -> tuple[bytes, bytes]:
    """Return what stands before and after the index in a receipt's header."""
    header = orjson.dumps({"alg": "Ed25519", "idx": 0, "kid": kid, "log": log, "typ": TYPE})
    begin, _, end = header.partition(b'"idx":0')
    return begin + b'"idx":', end


def parse(text: str) -> ParsedReceipt:
    """Take a compact JWS apart.

    Raises:
        BadReceipt: not three canonical base64url parts, not JSON objects, or another algorithm or type.
    """
    if len(text) > MAX_JWS_CHARS:
        raise BadReceipt("longer than any receipt")
    parts = text.split(".")
    if len(parts) != 3:
        raise BadReceipt("a receipt has three parts, separated by dots")
    try:
        raw_header, payload, signature = (unb64u(part) for part in parts)
        header, claims = orjson.loads(raw_header), orjson.loads(payload)
    except ValueError as error:
        raise BadReceipt("a part is not base64url or not JSON") from error
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise BadReceipt("header and payload must be JSON objects")
    # The algorithm is fixed: a header that could choose it could choose "none".
    if header.get("alg") != "Ed25519" or header.get("typ") != TYPE:
        raise BadReceipt(f"not of type {TYPE} with algorithm Ed25519")
    return ParsedReceipt(header, claims, payload, f"{parts[0]}.{parts[1]}".encode(), signature)


def signer(ring: KeyRing, parsed: ParsedReceipt) -> SigningKey | None:
    """Return the key of ours that signed the receipt, or None."""
    key = ring.receipt_keys.get(str(parsed.header.get("kid")))
    return key if key is not None and key.verify(parsed.signing_input, parsed.signature) else None
