"""Properties by which receipts are searched, as sets of places in the log. Pure.

The log is cut into blocks of `WIDTH` indexes. For each block and each property that occurs in it, one set says which
receipts have it: the whole index costs a few bytes a receipt, and a search for several properties at once intersects
sets instead of reading receipts.
"""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from consent_server.consents.payload import SCHEMA

WIDTH = 4_096
DECISION = "decision"  # every decision, an erased one too
_BYTES = WIDTH // 8
_RAW, _DEFLATED = b"\0", b"\1"


def version_facet(number: str) -> str:
    """Return the facet of the decisions on a policy version."""
    return f"version:{number}"


def language_facet(tag: str) -> str:
    """Return the facet of the decisions in a language."""
    return f"language:{tag}"


def action_facet(action: str) -> str:
    """Return the facet of the decisions that were made this way."""
    return f"action:{action}"


def choice_facet(purpose: str, choice: str) -> str:
    """Return the facet of the receipts that state this choice for this purpose; for any purpose where it is empty."""
    return f"choice:{purpose}:{choice}"


def is_decision(claims: Mapping[str, Any]) -> bool:
    """Tell whether an entry of the log is a visitor's decision."""
    return claims.get("schema") == SCHEMA


def facets_of(claims: Mapping[str, Any] | None) -> list[str]:
    """Return the facets of a decision; of one that has been erased, only that it was one."""
    if claims is None:
        return [DECISION]
    choices: Mapping[str, str] = claims["choices"]
    return [
        DECISION,
        version_facet(claims["policy_version"]),
        language_facet(claims["language"]),
        action_facet(claims["action"]),
        *(choice_facet(purpose, choice) for purpose, choice in choices.items()),
        *(choice_facet("", choice) for choice in set(choices.values())),
    ]


def pack(members: int) -> bytes:
    """Return a set as it is stored; bit n of `members` stands for index n of the block."""
    raw = members.to_bytes(_BYTES, "little")
    short = zlib.compress(raw, 6)
    return _DEFLATED + short if len(short) < _BYTES else _RAW + raw


def unpack(stored: bytes) -> int:
    """Return a stored set."""
    body = stored[1:]
    if stored[:1] == _DEFLATED:
        body = zlib.decompressobj().decompress(body, _BYTES)
    return int.from_bytes(body, "little")


def newest_first(members: int) -> Iterator[int]:
    """Yield the indexes of a set within its block, the highest first."""
    while members:
        top = members.bit_length() - 1
        yield top
        members ^= 1 << top


def of_all(groups: Sequence[Sequence[str]], sets: Mapping[str, int]) -> int:
    """Return what has at least one facet of each group."""
    found = (1 << WIDTH) - 1
    for group in groups:
        either = 0
        for name in group:
            either |= sets.get(name, 0)
        found &= either
    return found
