"""What a log tells of published policy versions."""

import hashlib
from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, select

from consent_server.ledger.leaf_rules import VERSION
from consent_server.ledger.leaves import Source, register
from consent_server.policies.changes import ChangeClass
from consent_server.policies.models import Policy, PolicyVersion


def _names(connection: Connection, site_id: int) -> Sequence[str]:
    rows = connection.execute(
        select(PolicyVersion.sha256)
        .join(Policy)
        .where(Policy.site_id == site_id, PolicyVersion.state == "published")
        .order_by(PolicyVersion.policy_id, PolicyVersion.major, PolicyVersion.minor)
    )
    return [row.sha256.hex() for row in rows]


def _members(connection: Connection, site_id: int, sha256: str) -> dict[str, Any] | None:
    snapshot = connection.scalar(
        select(PolicyVersion.snapshot)
        .join(Policy)
        .where(Policy.site_id == site_id, PolicyVersion.sha256 == bytes.fromhex(sha256))
    )
    if snapshot is None or hashlib.sha256(snapshot.encode()).hexdigest() != sha256:
        return None  # not there, or not what was published
    return members(orjson.loads(snapshot), sha256)


def members(snapshot: dict[str, Any], sha256: str) -> dict[str, Any]:
    """Return what a version leaf says: the snapshot's hash covers the rest, and the texts' hashes the texts."""
    changes = snapshot["changes"]
    strongest = max(
        (ChangeClass(each["class"]) for each in changes), key=lambda each: each.rank, default=None
    )
    return {
        "sha256": sha256,
        "site": snapshot["site"],
        "policy": snapshot["policy"],
        "number": snapshot["number"],
        "published_at": snapshot["published_at"],
        "published_elsewhere": snapshot["published_elsewhere"],
        "predecessor": snapshot["predecessor"],
        "texts": {language: facts["sha256"] for language, facts in snapshot["notices"].items()},
        "class": strongest.value if strongest else None,
        "changes": [{name: each[name] for name in ("type", "class", "purposes")} for each in changes],
    }


register(Source(VERSION, _names, _members))
