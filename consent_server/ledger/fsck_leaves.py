"""fsck, part three: what a log tells of keys, versions and banners against the database and the key files, both ways."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from consent_server.keys import KeyRing
from consent_server.ledger.findings import Scope
from consent_server.ledger.leaf_rules import BANNER, KEY, VERSION, Name, Told, members_of
from consent_server.ledger.leaves import sources

_WORDS = {KEY: "key", VERSION: "policy version", BANNER: "banner"}


class LeafCheck:
    """Takes the readable leaves of a site's logs, epoch by epoch and in order."""

    def __init__(self, connection: Connection, ring: KeyRing, site_id: int) -> None:
        self._connection, self._site_id = connection, site_id
        self._sources = {source.schema: source for source in sources(ring)}
        self._told: dict[int, Told] = defaultdict(Told)

    def take(self, epoch: int, idx: int, kid: str, claims: Mapping[str, Any], scope: Scope) -> None:
        """Compare a leaf with what it tells of, and a decision with what was told before it."""
        told = self._told[epoch]
        for what in told.lacking(claims, kid):
            scope.add("receipt", idx, what)
        repeated = len(told.names)
        name = told.take(claims)
        if name is None:
            return
        if len(told.names) == repeated:
            scope.add("receipt", idx, f"a {_WORDS[name[0]]} of which the log told before")
        self._compare(idx, name, claims, scope)

    def finish(self, epoch: int, scope: Scope) -> None:
        """Report what the log in use does not tell of. One that tells of nothing yet is from before it did."""
        told = self._told[epoch]
        if not told.telling:
            return
        for schema, source in self._sources.items():
            for each in source.names(self._connection, self._site_id):
                if (schema, each) not in told.names:
                    scope.add("log", None, f"it does not tell of {_WORDS[schema]} {each}")

    def _compare(self, idx: int, name: Name, claims: Mapping[str, Any], scope: Scope) -> None:
        schema, named = name
        what = _WORDS[schema]
        try:
            stored = self._sources[schema].members(self._connection, self._site_id, named)
        except (ValueError, TypeError, KeyError):  # no hash at all, or a row that was damaged
            stored = None
        if stored is None:
            scope.add("receipt", idx, f"it tells of a {what} that this server does not have")
        elif dict(stored) != members_of(claims):
            scope.add("receipt", idx, f"it tells of the {what} something else than this server has")
