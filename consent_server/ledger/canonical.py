"""Canonical JSON: RFC 8785 on a narrow profile, where sorted keys and no white space are all that it asks for.

The profile: member names in ASCII, whole numbers that every JSON reader holds exactly, no other numbers. Outside it
implementations differ (in how they write floats and order names), and bytes that are hashed must have one form only.
"""

from collections.abc import Mapping
from typing import Any

import orjson

LARGEST = 2**53 - 1  # RFC 8785 takes numbers as IEEE 754 doubles


class NotCanonical(ValueError):
    """A value lies outside the profile; the text says what."""


def canonical(members: Mapping[str, Any]) -> bytes:
    """Return the bytes of an object that have one form only.

    Raises:
        NotCanonical: a name is not ASCII, or a value is not a string, a whole number below 2^53, true, false, null, or
            a list or an object of these.
    """
    _check(members)
    return orjson.dumps(members, option=orjson.OPT_SORT_KEYS)


def _check(value: object) -> None:
    if isinstance(value, Mapping):
        _check_names(value)
        for member in value.values():
            _check(member)
    elif isinstance(value, (list, tuple)):
        for each in value:
            _check(each)
    elif isinstance(value, int) and not isinstance(value, bool):
        if abs(value) > LARGEST:
            raise NotCanonical(f"{value} is not exact in every reader")
    elif not (value is None or isinstance(value, (str, bool))):
        raise NotCanonical(f"{type(value).__name__} has no canonical form")


def _check_names(members: Mapping[Any, Any]) -> None:
    for name in members:
        if not (isinstance(name, str) and name.isascii()):
            raise NotCanonical(f"the name {name!r} is not ASCII")
