"""What a log tells of banner builds."""

import hashlib
from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, select

from consent_server.banner.builds import hash_of
from consent_server.banner.models import BannerBuild
from consent_server.ledger.leaf_rules import BANNER
from consent_server.ledger.leaves import Source, register


def _names(connection: Connection, site_id: int) -> Sequence[str]:
    rows = connection.execute(
        select(BannerBuild.sha256)
        .where(BannerBuild.site_id == site_id)
        .order_by(BannerBuild.created_at, BannerBuild.sha256)
    )
    return [row.sha256.hex() for row in rows]


def _members(connection: Connection, site_id: int, sha256: str) -> dict[str, Any] | None:
    row = connection.execute(
        select(BannerBuild.bundle, BannerBuild.configuration).where(
            BannerBuild.site_id == site_id, BannerBuild.sha256 == bytes.fromhex(sha256)
        )
    ).one_or_none()
    if row is None or hash_of(row.bundle, row.configuration) != sha256:
        return None  # not there, or not what was served
    shown = orjson.loads(row.configuration)
    return {
        "sha256": sha256,
        "site": shown["site"],
        "policy": shown["policy"],
        "policy_version": shown["version"],
        "bundle": row.bundle.hex(),
        "configuration": hashlib.sha256(row.configuration.encode()).hexdigest(),
    }


register(Source(BANNER, _names, _members))
