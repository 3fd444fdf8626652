"""What a log says besides decisions: keys, published versions, banner builds. Pure.

A decision names the hash of the version and of the banner that were shown, and the key that signed it. These leaves say
what is behind the hashes, and they stand before the first decision that needs them: nobody can publish a version later
and pretend that it was the one that a visitor saw.
"""

import hashlib
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from consent_server import clock
from consent_server.ledger.canonical import canonical

DECISION = "consent-receipt/1"
ERASE = "consent-erase/1"
RECOVERY = "consent-recovery/1"
KEY = "consent-key/1"
VERSION = "consent-version/1"
BANNER = "consent-banner/1"
NAMED_BY = {KEY: "kid", VERSION: "sha256", BANNER: "sha256"}  # the member that decisions refer to
_FRAME = frozenset({"schema", "receipt_id", "issued_at"})

Name = tuple[str, str]  # schema, and what decisions call it


def leaf_id(origin: str, name: Name, attempt: int = 0) -> uuid.UUID:
    """Return the id of a leaf: the same in every process, another one in each log (RFC 9562, version 8).

    Args:
        origin: the log's.
        name: what the leaf is about.
        attempt: how many ids before it stand for something else already.
    """
    text = "\n".join((origin, *name, str(attempt)))
    digest = bytearray(hashlib.sha256(text.encode()).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    return uuid.UUID(bytes=bytes(digest))


def leaf_payload(name: Name, members: Mapping[str, Any], *, receipt_id: uuid.UUID, now: datetime) -> bytes:
    """Return a leaf's payload. It needs no nonce: what it says is public."""
    frame = {"schema": name[0], "receipt_id": str(receipt_id), "issued_at": clock.iso(now)}
    return canonical({**members, **frame})


def name_of(claims: Mapping[str, Any]) -> Name | None:
    """Return what a leaf is about; None for decisions, erasures, recoveries and whatever else."""
    schema = claims.get("schema")
    member = NAMED_BY.get(schema) if isinstance(schema, str) else None
    named = claims.get(member) if member else None
    return (str(schema), named) if isinstance(named, str) else None


def members_of(claims: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a leaf says, without the members that every leaf has."""
    return {name: value for name, value in claims.items() if name not in _FRAME}


@dataclass
class Told:
    """What a log has said so far, leaf by leaf in the order of its indexes.

    A log from before there were such leaves begins to tell in its middle: what stands above is not held against it. Nor
    is a receipt that was brought back after a recovery: what it names may be lost for good.
    """

    names: dict[Name, Mapping[str, str]] = field(default_factory=dict)  # with a version's texts by language
    telling: bool = False
    recovered_at: datetime | None = None

    def take(self, claims: Mapping[str, Any]) -> Name | None:
        """Remember a leaf; return what it is about, if it is of the kinds that decisions refer to."""
        if claims.get("schema") == RECOVERY:
            self.recovered_at = instant(claims.get("issued_at"))
        name = name_of(claims)
        if name is not None:
            texts = claims.get("texts")
            self.names[name] = texts if isinstance(texts, dict) else {}
            self.telling = True
        return name

    def lacking(self, claims: Mapping[str, Any], kid: str) -> Iterator[str]:
        """Yield what a decision names although the log had not told of it."""
        if not self.telling or claims.get("schema") != DECISION or self._brought_back(claims):
            return
        version = (VERSION, str(claims.get("policy_sha256")))
        if version not in self.names:
            yield "it names a policy version that the log had not told of"
        elif self.names[version].get(str(claims.get("language"))) != claims.get("text_sha256"):
            yield "it names another text than its policy version has in that language"
        if (BANNER, str(claims.get("banner_build"))) not in self.names:
            yield "it names a banner that the log had not told of"
        if (KEY, kid) not in self.names:
            yield "its key is one that the log had not told of"

    def _brought_back(self, claims: Mapping[str, Any]) -> bool:
        issued_at = instant(claims.get("issued_at"))
        return self.recovered_at is not None and issued_at is not None and issued_at < self.recovered_at


def instant(text: object) -> datetime | None:
    """Return an instant with a zone, or None where there is none."""
    try:
        found = datetime.fromisoformat(text)  # type: ignore[arg-type]  # TypeError is an answer
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else None
