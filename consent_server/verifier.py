#!/usr/bin/env python3
"""Verify a consent receipt without trusting, or reaching, the server that issued it.

    python verifier.py --keys keys.json receipt.jws [receipt.tlog-proof]

Needs Python 3.11 and the package `cryptography`; no network, and nothing else of this project. What it checks:

1. The receipt is a JWS (RFC 7515) signed with Ed25519 (RFC 8032) by one of the receipt keys in keys.json.
2. With a proof: the SHA-256 of the receipt's payload is the entry at the receipt's index in the site's log
   (RFC 6962, section 2.1), and the log's signed checkpoint (c2sp.org/tlog-checkpoint) commits to it. Then the
   operator cannot have made the receipt up later, changed it, or shown somebody else another log, without the
   checkpoints contradicting each other.

keys.json has two members: `receipts`, a JWK set as at /.well-known/jwks.json, and `logs`, a list of verifier keys
as at /log/<name>/keys. Get it once, from the operator, and compare it with what others got.
Exit status: 0 everything checked is right, 1 something is not, 2 a file cannot be read.
"""

import base64
import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

# A log holds more than decisions; everything in it is signed and proved alike.
KINDS = {
    "consent-receipt/1": "a visitor's decision",
    "consent-erase/1": "an erasure: the entries that it names were blanked",
    "consent-recovery/1": "a recovery: the log before this one lost its end",
    "consent-key/1": "a signing key",
    "consent-version/1": "a policy version as it was published",
    "consent-banner/1": "a banner as it was served",
}


class NotGenuine(Exception):
    """What was brought does not check out; the text says what."""


def decode(text: str, *, urlsafe: bool) -> bytes:
    """Decode base64 that is written in the one canonical way; otherwise several texts would pass for one."""
    padded = text + "=" * (-len(text) % 4) if urlsafe else text
    try:
        data = base64.b64decode(padded, altchars=b"-_" if urlsafe else None, validate=True)
    except ValueError as error:
        raise NotGenuine("not base64") from error
    again = base64.urlsafe_b64encode(data).rstrip(b"=") if urlsafe else base64.b64encode(data)
    if again.decode() != text:
        raise NotGenuine("base64 that is not in canonical form")
    return data


def signed_by(key: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether an Ed25519 key signed a message."""
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def verify_receipt(jws: str, keys: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    """Return header, claims and payload bytes of a receipt that one of the receipt keys signed."""
    parts = jws.removesuffix("\n").split(".")
    if len(parts) != 3:
        raise NotGenuine("a receipt has three parts")
    header_bytes, payload, signature = (decode(part, urlsafe=True) for part in parts)
    try:
        header, claims = json.loads(header_bytes), json.loads(payload)
    except ValueError as error:
        raise NotGenuine("header or payload is not JSON") from error
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise NotGenuine("header or payload is not a JSON object")
    if header.get("alg") != "Ed25519" or header.get("typ") != "consent-receipt+jws":
        raise NotGenuine("not a consent receipt signed with Ed25519")
    jwks = [key for key in keys["receipts"]["keys"] if key.get("kid") == header.get("kid")]
    message = f"{parts[0]}.{parts[1]}".encode()
    if not any(signed_by(decode(key["x"], urlsafe=True), message, signature) for key in jwks):
        raise NotGenuine("no receipt key signed this")
    return header, claims, payload


def root_of(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """Return the root that an inclusion proof leads to (RFC 9162, section 2.1.3.2)."""
    if not 0 <= index < size:
        raise NotGenuine("the index is not in the tree")
    fn, sn, root = index, size - 1, leaf
    for sibling in path:
        if sn == 0:
            raise NotGenuine("the proof is too long")
        if fn % 2 == 1 or fn == sn:
            root = hashlib.sha256(b"\x01" + sibling + root).digest()
            while fn % 2 == 0 and fn != 0:
                fn, sn = fn // 2, sn // 2
        else:
            root = hashlib.sha256(b"\x01" + root + sibling).digest()
        fn, sn = fn // 2, sn // 2
    if sn != 0:
        raise NotGenuine("the proof is too short")
    return root


def verify_checkpoint(note: str, origin: str, vkeys: list[str]) -> tuple[int, bytes]:
    """Return size and root of a checkpoint that a key of this log signed (c2sp.org/signed-note)."""
    text, _, lines = note.rpartition("\n\n")
    text += "\n"
    body = text.split("\n")
    if len(body) != 4 or body[0] != origin or not re.fullmatch("0|[1-9][0-9]*", body[1]):
        raise NotGenuine(f"not a checkpoint of {origin}")
    for vkey in vkeys:
        name, _, material = (*vkey.strip().split("+", 2), "", "")[:3]
        key = decode(material, urlsafe=False)
        key_id = hashlib.sha256(name.encode() + b"\n" + key).digest()[:4]
        for line in lines.split("\n"):
            signer, _, blob = line.removeprefix("— ").partition(" ")
            if name == origin == signer and line.startswith("— "):
                data = decode(blob, urlsafe=False)
                if data[:4] == key_id and key[:1] == b"\x01" and signed_by(key[1:], text.encode(), data[4:]):
                    return int(body[1]), decode(body[2], urlsafe=False)
    raise NotGenuine("no key of the log signed the checkpoint")


def verify_proof(proof: str, header: dict[str, Any], payload: bytes, keys: dict[str, Any]) -> int:
    """Return the size of the signed tree in which the payload is proved to stand (c2sp.org/tlog-proof)."""
    head, _, note = proof.partition("\n\n")
    lines = head.split("\n")
    if lines[0] != "c2sp.org/tlog-proof@v1" or lines[1:2] != [f"index {header.get('idx')}"]:
        raise NotGenuine("not a proof for the receipt's index")
    path = [decode(line, urlsafe=False) for line in lines[2:]]
    size, signed_root = verify_checkpoint(note, str(header.get("log")), keys["logs"])
    entry = hashlib.sha256(payload).digest()
    leaf = hashlib.sha256(b"\x00" + entry).digest()
    if root_of(leaf, header["idx"], size, path) != signed_root:
        raise NotGenuine("the proof does not lead to the signed root")
    return size


def main(arguments: list[str]) -> int:
    """Run the checks and say what was found."""
    if len(arguments) not in (3, 4) or arguments[0] != "--keys":
        sys.stderr.write((__doc__ or "").split("\n\n")[1] + "\n")
        return 2
    try:
        texts = [Path(path).read_bytes().decode() for path in arguments[1:]]
        keys = json.loads(texts[0])
    except (OSError, ValueError) as error:
        sys.stderr.write(f"cannot read: {error}\n")
        return 2
    try:
        header, claims, payload = verify_receipt(texts[1], keys)
        sys.stdout.write(f"signature   right: key {header['kid']}\n")
        if len(texts) == 3:
            size = verify_proof(texts[2], header, payload, keys)
            sys.stdout.write(f"log         right: entry {header['idx']} of {size} in {header['log']}\n")
    except (NotGenuine, KeyError, TypeError) as error:
        sys.stdout.write(f"NOT GENUINE: {error}\n")
        return 1
    sys.stdout.write(f"kind        {KINDS.get(str(claims.get('schema')), 'not known to this verifier')}\n")
    for name, value in sorted(claims.items()):
        sys.stdout.write(f"  {name}: {json.dumps(value, ensure_ascii=False)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
