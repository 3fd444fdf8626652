"""Receipts as JWS (RFC 7515, compact form), signed with Ed25519 (RFC 8037; algorithm name by RFC 9864).

The JWS payload is exactly the stored bytes: who verifies hashes what was received and never canonicalises.
Ed25519 is deterministic, so a retry gets the same bytes without the signature being stored.
"""

from dataclasses import dataclass
from typing import Any

import orjson

from consent_server.keys import KeyRing, SigningKey, b64u, unb64u

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
    header = orjson.dumps({"alg": "Ed25519", "idx": idx, "kid": key.kid, "log": log, "typ": TYPE})
    signing_input = f"{b64u(header)}.{b64u(payload)}"
    return f"{signing_input}.{b64u(key.sign(signing_input.encode()))}"


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
