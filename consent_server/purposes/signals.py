"""Which purposes grant which signals to vendors: the usual ones, the owner's own, and what a version has fixed. Pure.

Signals follow what the vendors document. Google: the keys of Consent Mode v2 but `security_storage`, which is always granted.
https://developers.google.com/tag-platform/security/guides/consent
"""

from collections.abc import Mapping, Sequence
from typing import Any

# By vendor: each of its signals, and the usual key of the purpose that grants it.
VENDORS: Mapping[str, Mapping[str, str]] = {
    "google": {
        "ad_storage": "marketing",
        "ad_user_data": "marketing",
        "ad_personalization": "marketing",
        "analytics_storage": "analytics",
        "functionality_storage": "functional",
        "personalization_storage": "functional",
    },
    "clarity": {"ad_Storage": "marketing", "analytics_Storage": "analytics"},
    "uet": {"ad_storage": "marketing"},
    "matomo": {"consent": "analytics"},
    "meta": {"consent": "marketing"},
    "wordpress": {
        "preferences": "functional",
        "statistics": "analytics",
        "statistics-anonymous": "analytics",
        "marketing": "marketing",
    },
}
COOKIES_ONLY = {"cookie_consent": "analytics"}  # Matomo counts without cookies until consent

Granting = dict[str, list[str]]  # by signal the keys of the purposes that grant it


def wanted(vendor: str, chosen: Mapping[str, Any], purposes: Sequence[str]) -> Granting:
    """Return what the site's settings say now, in the order of the purposes as a version keeps them.

    Args:
        vendor: a key of `VENDORS`.
        chosen: what the owner has set for it.
        purposes: keys of those that there are: any other could never be granted.
    """
    own = chosen.get("purposes", {})
    return {
        signal: [key for key in purposes if key in own.get(signal, [purpose])]
        for signal, purpose in _usual(vendor, chosen).items()
    }


def in_effect(vendor: str, chosen: Mapping[str, Any], purposes: Sequence[Mapping[str, Any]]) -> Granting:
    """Return what holds for visitors: what the version has fixed, else what the settings say."""
    return _fixed(vendor, chosen, purposes) or wanted(vendor, chosen, [p["key"] for p in purposes])


def waiting(theme: Mapping[str, Any], purposes: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the vendors for which the settings say something else than the version, and so only of the next one."""
    keys = [p["key"] for p in purposes]
    return [
        vendor
        for vendor, chosen in theme.get("signals", {}).items()
        if in_effect(vendor, chosen, purposes) != wanted(vendor, chosen, keys)
    ]


def of_purposes(theme: Mapping[str, Any], purposes: Sequence[str]) -> dict[str, dict[str, list[str]]]:
    """Return by purpose and vendor the signals that it grants, as a version fixes them; a purpose without any is not there."""
    found: dict[str, dict[str, list[str]]] = {}
    for vendor, chosen in theme.get("signals", {}).items():
        for signal, keys in wanted(vendor, chosen, purposes).items():
            for key in keys:
                found.setdefault(key, {}).setdefault(vendor, []).append(signal)
    return found


def _fixed(vendor: str, chosen: Mapping[str, Any], purposes: Sequence[Mapping[str, Any]]) -> Granting | None:
    """Return what a version has fixed in its purposes; None where it knows nothing of these signals."""
    found = {
        signal: [p["key"] for p in purposes if signal in p.get("signals", {}).get(vendor, ())]
        for signal in _usual(vendor, chosen)
    }
    return found if any(found.values()) else None


def _usual(vendor: str, chosen: Mapping[str, Any]) -> Mapping[str, str]:
    return COOKIES_ONLY if chosen.get("cookies_only") else VENDORS[vendor]
