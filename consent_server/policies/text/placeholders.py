"""Placeholders for what the site's profile says: `{{contact.email}}` stands for the address that is there now.

They are filled when a text is shown, checked and published: a published version holds the words themselves. One that the
profile cannot fill stays as it is, and the parity check finds it.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

# Placeholder: the field of the site's profile (sites/profile.py) that fills it.
FIELDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "controller.name": "controller",
        "controller.url": "url",
        "contact.name": "contact",
        "contact.address": "address",
        "contact.email": "email",
        "contact.phone": "phone",
        "withdrawal.url": "withdrawal_url",
    }
)
PLACEHOLDER: Final = re.compile(r"\{\{\s*([\w.-]{1,60})\s*\}\}")


def fill(source: str, profile: Mapping[str, Any]) -> str:
    """Return a text with every placeholder filled that the profile has a value for."""
    if "{{" not in source:
        return source
    return PLACEHOLDER.sub(lambda match: _value(match, profile), source)


def has_placeholders(source: str) -> bool:
    """Return whether a text has a placeholder, filled by this profile or not."""
    return "{{" in source and PLACEHOLDER.search(source) is not None


def unfilled(text: str) -> list[str]:
    """Return the names of the placeholders in a text, in reading order."""
    return [match[1] for match in PLACEHOLDER.finditer(text)] if "{{" in text else []


def _value(match: re.Match[str], profile: Mapping[str, Any]) -> str:
    value = profile.get(FIELDS.get(match[1].lower(), ""))
    # On one line: a value may not begin a heading or a list of its own.
    return " ".join(str(value).split()) if value else match[0]
