"""The payload of a receipt: canonical JSON of what was shown and chosen.

Canonical is RFC 8785 on this profile: ASCII keys, strings, integers, booleans, no floats; there, sorted keys and no
white space are all that the RFC asks, and orjson does both.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

import orjson
from msgspec import Struct

from consent_server import clock
from consent_server.consents.facts import Action, Choice

SCHEMA = "consent-receipt/1"
NONCE_BYTES = 16


class Decision(Struct, frozen=True, dict=True):
    """What a visitor chose, as the browser sent it, checked."""

    receipt_id: uuid.UUID
    visitor_id: uuid.UUID
    policy_version: str
    language: str
    action: Action
    layer: str
    choices: Mapping[str, Choice]
    asked: Sequence[str]
    banner_build: str
    decided_at: datetime | None
    signals: Mapping[str, bool]

    @cached_property
    def visitor(self) -> str:
        """The visitor's id as text."""
        return str(self.visitor_id)

    def claims(self) -> dict[str, Any]:
        """Return the members that the browser is the source of; a retry must bring the same ones."""
        members: dict[str, Any] = {
            "receipt_id": str(self.receipt_id),
            "visitor_id": self.visitor,
            "policy_version": self.policy_version,
            "language": self.language,
            "action": self.action,
            "layer": self.layer,
            "choices": dict(self.choices),
            "asked": sorted(self.asked),
            "banner_build": self.banner_build,
        }
        if self.decided_at is not None:
            members["decided_at"] = clock.iso(self.decided_at)
        if self.signals:
            members["signals"] = dict(self.signals)
        return members


def build(
    decision: Decision,
    *,
    site: str,
    policy: str,
    policy_sha256: str,
    text_sha256: str,
    issued_at: datetime,
    expires_at: datetime,
    nonce: bytes,
) -> bytes:
    """Return the payload's bytes, which are stored, hashed and signed as they are.

    `nonce` are `NONCE_BYTES` random bytes, so that the hash in the log tells nothing about what was chosen, even by
    guessing.
    """
    members = decision.claims() | {
        "schema": SCHEMA,
        "site": site,
        "policy": policy,
        "policy_sha256": policy_sha256,
        "text_sha256": text_sha256,
        "issued_at": clock.iso(issued_at),
        "expires_at": clock.iso(expires_at),
        "nonce": nonce.hex(),
    }
    return orjson.dumps(members, option=orjson.OPT_SORT_KEYS)


def same_decision(decision: Decision, payload: bytes) -> bool:
    """Tell whether a stored payload is of this very decision, that is, whether a call is a retry."""
    stored = orjson.loads(payload)
    claims = decision.claims()
    optional = {"decided_at", "signals"}
    return all(stored.get(name) == value for name, value in claims.items()) and not any(
        name in stored for name in optional - claims.keys()
    )
