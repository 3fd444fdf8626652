"""Known trackers by purpose: what the tag holds although nobody has marked it, once the owner has switched that on.

The list is our own: hosts, names of cookies and of storage keys as the vendors document them or as a browser shows
them, and nothing else. A host stands for itself and everything below it; a path narrows it.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import orjson

LIST = Path(__file__).with_name("trackers.json")
# Where Consent Mode decides what its tags may do: the container never waits, and in advanced mode neither do the tags.
CONTAINER = "googletagmanager.com/gtm.js"
ADVANCED = frozenset({"google-analytics.com", "analytics.google.com", "googletagmanager.com/gtag/"})


@cache
def known() -> Mapping[str, Mapping[str, list[str]]]:
    """Return `{kind: {"hosts": […], "cookies": […], "keys": […]}}`; a kind is the usual key of a purpose."""
    found: dict[str, dict[str, list[str]]] = orjson.loads(LIST.read_bytes())
    return found


def rules(theme: Mapping[str, Any], purposes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return by purpose what waits for it: hosts, cookies and storage keys. Empty unless switched on.

    Only additional purposes of the version are named, and what their services declare as first-party storage waits too.
    """
    if "trackers" not in theme:
        return []
    chosen, google = theme["trackers"], theme.get("signals", {}).get("google")
    kinds = {kind: chosen.get("purposes", {}).get(kind, kind) for kind in known()}
    found = []
    for purpose in purposes:
        if purpose["function"] != "additional":
            continue
        lists = [known()[kind] for kind, key in kinds.items() if key == purpose["key"]]
        hosts = [host for each in lists for host in each["hosts"]] + chosen.get("also", {}).get(
            purpose["key"], []
        )
        if google is None and kinds["analytics"] == purpose["key"]:
            hosts.append(CONTAINER)
        left_out = {*chosen.get("except", []), *(ADVANCED if google and google.get("advanced") else ())}
        rule = {
            "purpose": purpose["key"],
            "hosts": [host for host in hosts if host not in left_out],
            "cookies": _names(lists, "cookies", purpose, {"cookie"}),
            "keys": _names(lists, "keys", purpose, {"local_storage", "session_storage"}),
        }
        if rule["hosts"] or rule["cookies"] or rule["keys"]:
            found.append(rule)
    return found


def _names(
    lists: Sequence[Mapping[str, list[str]]], field: str, purpose: Mapping[str, Any], stores: set[str]
) -> list[str]:
    declared = [
        cookie["name"]
        for service in purpose["services"]
        for cookie in service["cookies"]
        if cookie["party"] == "first" and cookie["store"] in stores and " " not in cookie["name"]
        if cookie["pattern"] or "*" not in cookie["name"]
    ]
    return list(dict.fromkeys([*(name for each in lists for name in each[field]), *declared]))


def wire(found: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Return the rules as they travel: `Rule` in widget/src/guard.js."""
    return [
        [rule["purpose"], " ".join(rule["hosts"]), " ".join(rule["cookies"]), " ".join(rule["keys"])]
        for rule in found
    ]
