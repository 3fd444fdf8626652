"""What many receipts have in common that facets and counts are about, read once: they differ in ids and instants alone.

A packed receipt is a text with marks, and behind it what the marks stand for (`packing.py`). Nothing that is searched for
or counted is ever behind a mark, so receipts that begin alike count alike, and one of them is unpacked for all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from consent_server import packing
from consent_server.evidence.facets import facets_of, is_decision

MOST = 1_000  # then it begins anew, so that no visitor can fill the memory with unusual choices


@dataclass(frozen=True, eq=False)  # one object a kind, so that receipts are quickly put together
class Kind:
    """Facets of a receipt, and what it adds to the counts: version, language, layer, purpose, choice."""

    facets: tuple[str, ...] = ()
    counts: tuple[tuple[str, str, str, str, str], ...] = ()


OTHER = Kind()  # an entry that is no decision
ERASED = Kind(tuple(facets_of(None)))


class Kinds:
    """The kinds of packed receipts that were seen before."""

    def __init__(self) -> None:
        self._known: dict[bytes, Kind] = {}
        self._lengths: set[int] = set()

    def of(self, stored: bytes) -> Kind:
        """Return the kind of a packed receipt.

        Raises:
            packing.Unreadable: it is none.
        """
        for length in self._lengths:
            # A stream says itself where it ends, so what begins with a known one is one of its kind.
            kind = self._known.get(stored[:length])
            if kind is not None:
                packing.check(stored)
                return kind
        kind = kind_of(orjson.loads(packing.unpack(stored)))
        head = packing.head_of(stored)
        if head is not None:
            if len(self._known) >= MOST:
                self._known.clear()
                self._lengths.clear()
            self._known[head] = kind
            self._lengths.add(len(head))
        return kind


def kind_of(claims: Mapping[str, Any]) -> Kind:
    """Return the kind of an entry: its action, and its choice of every purpose that was asked, are counted."""
    if not is_decision(claims):
        return OTHER
    place = (claims["policy_version"], claims["language"], claims["layer"])
    chosen = [(*place, purpose, claims["choices"][purpose]) for purpose in claims["asked"]]
    return Kind(tuple(facets_of(claims)), ((*place, "", claims["action"]), *chosen))
