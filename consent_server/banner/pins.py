"""Pinned tags: one that was served once stays available under the hash of its bytes, for pages with `integrity`."""

import base64
import hashlib
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from consent_server.banner.models import PinnedTag
from consent_server.db import db, is_sqlite

SHORT = 16  # hex digits of the hash that stand in addresses


def keep(site_id: int, body: bytes, *, build: str, now: datetime) -> None:
    """Store a tag's bytes in the caller's transaction; they may be there already."""
    insert = sqlite_insert if is_sqlite() else postgresql_insert
    db.session.execute(
        insert(PinnedTag)
        .values(
            site_id=site_id,
            sha256=hashlib.sha256(body).digest(),
            build=bytes.fromhex(build),
            body=body.decode(),
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["site_id", "sha256"])
    )


def kept(site_id: int, short: str) -> bytes | None:
    """Return the site's tag whose hash begins with `short`, or None."""
    first = bytes.fromhex(short)
    rest = hashlib.sha256().digest_size - len(first)
    body = db.session.scalar(
        select(PinnedTag.body).where(
            PinnedTag.site_id == site_id,
            PinnedTag.sha256 >= first + b"\x00" * rest,
            PinnedTag.sha256 <= first + b"\xff" * rest,
        )
    )
    return None if body is None else body.encode()


def element(body: bytes, *, site_key: str, api: str) -> str:
    """Return the script element that pins a tag: its address for ever and the hash that the browser checks."""
    digest = hashlib.sha256(body)
    address = f"{api}/w/{site_key}@{digest.hexdigest()[:SHORT]}.js"
    integrity = f"sha256-{base64.b64encode(digest.digest()).decode()}"
    return f'<script src="{address}" integrity="{integrity}" crossorigin="anonymous"></script>'
