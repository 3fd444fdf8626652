"""The erase leaf, and when a receipt is due: pure."""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from consent_server import clock
from consent_server.ledger.canonical import canonical
from consent_server.ledger.leaf_rules import ERASE

NONCE_BYTES = 16
PLACES_A_LEAF = 1_000  # keeps the leaf's JWS far below the longest that verifiers take


@dataclass(frozen=True)
class EraseLeaf:
    """What an erase leaf says: which entries of which of the site's logs have been blanked. It names no person."""

    site: str
    epoch: int
    indexes: tuple[int, ...]


def leaf_payload(leaf: EraseLeaf, *, issued_at: datetime) -> bytes:
    """Return the payload's bytes, which are stored, hashed and signed as they are."""
    members = {
        "schema": ERASE,
        "site": leaf.site,
        "epoch": leaf.epoch,
        "indexes": sorted(leaf.indexes),
        "issued_at": clock.iso(issued_at),
        "nonce": secrets.token_hex(NONCE_BYTES),
    }
    return canonical(members)


def parse_leaf(payload: bytes) -> EraseLeaf | None:
    """Return what an erase leaf says, or None where the payload is none."""
    try:
        claims = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(claims, dict) or claims.get("schema") != ERASE:
        return None
    site, epoch, indexes = (claims.get(name) for name in ("site", "epoch", "indexes"))
    if not isinstance(site, str) or not isinstance(epoch, int) or not isinstance(indexes, list):
        return None
    if not all(_is_place(index) for index in [epoch, *indexes]):
        return None
    return EraseLeaf(site, epoch, tuple(indexes))


def chunks(indexes: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Yield the indexes in as many parts as they need leaves."""
    ordered = sorted(indexes)
    for start in range(0, len(ordered), PLACES_A_LEAF):
        yield tuple(ordered[start : start + PLACES_A_LEAF])


def horizon(*, retention: timedelta, lifetime: timedelta, now: datetime) -> datetime:
    """Return the newest instant of issue that can be due.

    Retention begins when the consent expires, by the lifetime that it was given or by today's, whichever is longer;
    and it is never shorter than a consent's lifetime, so that no standing consent loses its evidence.
    """
    return now - max(retention, lifetime) - lifetime


def is_due(payload: bytes, *, retention: timedelta, lifetime: timedelta, now: datetime) -> bool:
    """Tell whether the consent of a receipt has expired longer ago than the site's retention."""
    expired = datetime.fromisoformat(orjson.loads(payload)["expires_at"])
    return expired + max(retention, lifetime) <= now


def _is_place(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53
