"""Tell the log what decisions refer to, in the transaction that makes it so: keys, published versions, banner builds.

`tell` appends whatever the database knows and the log has not been told yet. Whoever publishes or builds calls it, and
whoever appends anything calls it first: so a log from before there were such leaves catches up with its next entry, a new
key is told before it signs, and the log that follows a recovery begins by telling everything again. Each leaf has an id
of its own, so telling twice adds nothing. When all is told, the call costs one look into a dictionary.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import Connection, event

from consent_server.bulk import Line
from consent_server.db import db
from consent_server.keys import KeyRing, SigningKey
from consent_server.ledger.append import Entry, OpenLog, Stored, append_many, ask_standing
from consent_server.ledger.fsck_rows import claims_of
from consent_server.ledger.leaf_rules import KEY, NAMED_BY, Name, leaf_id, leaf_payload, name_of

_PENDING = "told"
_told: dict[str, KeyRing] = {}  # by origin: what this process knows to be told, and under which keys


@dataclass(frozen=True)
class Source:
    """A kind of leaf: what there is to tell of a site, in order, and what to say of each."""

    schema: str
    names: Callable[[Connection, int], Sequence[str]]
    members: Callable[[Connection, int, str], Mapping[str, Any] | None]


_ORDER = list(NAMED_BY)  # keys sign the others, banners show versions
_sources: list[Source] = []


def register(source: Source) -> Source:
    """Let a slice add its kind of leaf."""
    _sources.append(source)
    _sources.sort(key=lambda each: _ORDER.index(each.schema))
    return source


def sources(ring: KeyRing) -> list[Source]:
    """Return all kinds of leaves in the order in which a log tells of them."""
    return [_keys(ring), *_sources]


def tell(log: OpenLog, *, now: datetime, anew: bool = False) -> None:
    """Append the leaves that a locked log lacks; with `anew`, look even if this process believes that it lacks none."""
    ring: KeyRing = current_app.extensions["keys"]
    if not anew and _told.get(log.origin) is ring:
        return
    db.session.flush()
    connection = db.session.connection()
    entries = []
    for source in sources(ring):
        names = [(source.schema, each) for each in source.names(connection, log.site_id)]
        for receipt_id, name in _absent(log, names):
            members = source.members(connection, log.site_id, name[1]) or {}
            payload = leaf_payload(name, members, receipt_id=receipt_id, now=now)
            entries.append(Entry(receipt_id, None, now, ring.receipt_key.kid, payload))
    append_many(log, entries)
    db.session().info.setdefault(_PENDING, {})[log.origin] = ring


def find_leaf(site_id: int, origin: str, name: Name) -> Stored | None:
    """Return the leaf with which a log tells of something, or None."""
    attempt = 0
    while True:
        receipt_id = leaf_id(origin, name, attempt)
        stored = ask_standing(Line(), site_id, [receipt_id])().get(receipt_id)
        if stored is None or _is_about(stored, name):
            return stored
        attempt += 1


def forget() -> None:
    """Empty the memory of what was told: for tests, which put old databases back."""
    _told.clear()


def _absent(log: OpenLog, names: Sequence[Name]) -> Iterator[tuple[uuid.UUID, Name]]:
    """Yield id and name of what is not told. An id that somebody gave to a receipt is passed over."""
    attempt = 0
    while names:
        ids = {leaf_id(log.origin, name, attempt): name for name in names}
        there = ask_standing(log.line, log.site_id, ids)()
        yield from ((receipt_id, name) for receipt_id, name in ids.items() if receipt_id not in there)
        names = [ids[each.receipt_id] for each in there.values() if not _is_about(each, ids[each.receipt_id])]
        attempt += 1


def _is_about(stored: Stored, name: Name) -> bool:
    if stored.payload is None:
        return True  # blanked: fsck's concern; a second leaf would only hide it
    claims = claims_of(stored.payload)
    return claims is not None and name_of(claims) == name


def _keys(ring: KeyRing) -> Source:
    """Return the source of a server's keys, retired ones included: a receipt that is brought back was signed by one."""
    found = {"receipts": ring.receipt_keys, "checkpoints": ring.checkpoint_keys}
    members = {
        key.kid: _key_members(use, key, before)
        for use, keys in found.items()
        for key, before in zip(keys.values(), [None, *keys.values()], strict=False)
    }
    return Source(
        KEY, lambda _connection, _site: list(members), lambda _connection, _site, kid: members.get(kid)
    )


def _key_members(use: str, key: SigningKey, before: SigningKey | None) -> dict[str, Any]:
    jwk = key.jwk()
    return {
        "kid": key.kid,
        "use": use,
        "alg": jwk["alg"],
        "jwk": jwk,
        "replaces": before.kid if before else None,
    }


@event.listens_for(db.session, "after_commit")
def _remember(session: Any) -> None:
    _told.update(session.info.pop(_PENDING, {}))


@event.listens_for(db.session, "after_soft_rollback")
def _unremember(session: Any, _previous: Any) -> None:
    session.info.pop(_PENDING, None)
