"""Every banner that was ever served, by hash: the code and the configuration that a receipt points at."""

import hashlib
from contextlib import suppress
from datetime import datetime

import orjson
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from consent_server.banner.models import BannerBuild, WidgetBundle
from consent_server.db import db, is_sqlite
from consent_server.ledger import leaves
from consent_server.ledger.append import LogClosed, lock_log

_known: set[tuple[int, str]] = set()


def build_hash(bundle: bytes, configuration: str) -> str:
    """Return the hex SHA-256 that names a banner: of its code's hash and its configuration."""
    return hash_of(hashlib.sha256(bundle).digest(), configuration)


def hash_of(bundle_digest: bytes, configuration: str) -> str:
    """Return the same from the code's SHA-256."""
    return hashlib.sha256(bundle_digest + configuration.encode()).hexdigest()


def is_kept(site_id: int, build: str) -> bool:
    """Tell whether this process knows that a build is stored, without asking the database."""
    return (site_id, build) in _known


def is_known_build(site_id: int, build: str) -> bool:
    """Tell whether this site ever served a banner of this hash."""
    if is_kept(site_id, build):
        return True
    if db.session.get(BannerBuild, (site_id, bytes.fromhex(build))) is None:
        return False
    _known.add((site_id, build))
    return True


def keep_build(
    site_id: int, build: str, *, bundle: bytes, modules: bytes, configuration: str, now: datetime
) -> None:
    """Store a build and tell the log; two processes that do so at once do not disturb each other.

    The configuration names the other modules by their hash, so the build's hash covers all of the code. A banner
    is served even while the site's log takes nothing; the log that follows is told then.
    """
    digest = hashlib.sha256(bundle).digest()
    insert = sqlite_insert if is_sqlite() else postgresql_insert
    for body in (bundle, modules):
        db.session.execute(
            insert(WidgetBundle)
            .values(sha256=hashlib.sha256(body).digest(), body=body.decode(), created_at=now)
            .on_conflict_do_nothing(index_elements=["sha256"])
        )
    db.session.execute(
        insert(BannerBuild)
        .values(
            site_id=site_id,
            sha256=bytes.fromhex(build),
            bundle=digest,
            configuration=configuration,
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["site_id", "sha256"])
    )
    with suppress(LogClosed):
        leaves.tell(lock_log(site_id), now=now, anew=True)


def kept_modules(short: str) -> dict[str, str] | None:
    """Return stored modules by the first bytes of their hash in hex, or None: a cached tag may ask for older ones."""
    first = bytes.fromhex(short)
    rest = hashlib.sha256().digest_size - len(first)
    body = db.session.scalar(
        select(WidgetBundle.body).where(
            WidgetBundle.sha256 >= first + b"\x00" * rest, WidgetBundle.sha256 <= first + b"\xff" * rest
        )
    )
    if body is None or not body.startswith("{"):
        return None
    modules: dict[str, str] = orjson.loads(body)
    return modules


def remember(site_id: int, build: str) -> None:
    """Note that a build is stored, after the commit."""
    _known.add((site_id, build))


def forget() -> None:
    """Empty the memory of stored builds: for tests, which roll back."""
    _known.clear()
