"""The public keys with which anyone verifies receipts and checkpoints."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select

from consent_server.db import db
from consent_server.keys import KeyRing
from consent_server.ledger.models import NamedLog
from consent_server.ledger.notes import NoteKey


def log_keys(ring: KeyRing, origin: str) -> list[NoteKey]:
    """Return all keys that may have signed a log's checkpoints, retired ones included."""
    return [NoteKey(origin, key.public) for key in ring.checkpoint_keys.values()]


def key_file(ring: KeyRing, origins: Iterable[str] | None = None) -> dict[str, Any]:
    """Return what the stand-alone verifier reads: receipt keys as a JWK set, log keys as verifier keys."""
    if origins is None:
        origins = db.session.scalars(select(NamedLog.origin).order_by(NamedLog.origin)).all()
    return {
        "receipts": {"keys": [key.jwk() for key in ring.receipt_keys.values()]},
        "logs": [key.vkey() for origin in origins for key in log_keys(ring, origin)],
    }
