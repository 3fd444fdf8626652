"""An independent answer to "who must be asked again?", to compare the rule with.

It shares no code and no approach with the rule. It works on JSON, forward in time: every purpose
gets an identity when it is born, versions hand identities on, every decision teaches the visitor
something about identities, and then the versions are replayed to see which knowledge they outgrow.
It never sees a consent state; it has only the decisions themselves.
"""

from __future__ import annotations

from itertools import count
from typing import Any

Json = dict[str, Any]
RANKS = ["never", "expired", "changed", "added", "notice"]


def rank(number: str) -> list[int]:
    return [int(part) for part in number.split(".")]


def expected_delta(life: Json) -> Json | None:
    """What `needs_reconsent` has to answer for this life, in JSON form."""
    versions = sorted(life["versions"], key=lambda v: rank(v["number"]))
    decisions = life["decisions"]
    if not versions:
        return None
    current = versions[-1]
    if not decisions:
        asked = {"reason": "never", "ask": current["purposes"], "tell": [], "changes": []}
        return asked if current["purposes"] else None

    identities = _identities(versions)
    knowledge = _learn(identities, decisions)
    answered = max((decision["version"] for decision in decisions), key=rank)
    outgrown, born, notices = _replay(versions, identities, knowledge, answered, life["seen"])

    reasons: dict[str, str] = {}
    causes = set(notices)
    for name in current["purposes"]:
        identity = identities[current["number"]][name]
        fact = knowledge.get(identity)
        reason = _reason(fact, identity in outgrown, life["now"], life["profile"])
        if reason:
            reasons[name] = reason
        if reason == "changed":
            causes |= outgrown[identity]
        if reason == "added":
            causes |= born.get(identity, set())
    if not reasons and not notices:
        return None
    return {
        "reason": min([*reasons.values(), "notice"], key=RANKS.index),
        "ask": [name for name in current["purposes"] if name in reasons],
        "tell": [v["number"] for v in versions if any(n == v["number"] for n, _ in notices)],
        "changes": [
            [v["number"], i] for v in versions for i in range(len(v["changes"])) if (v["number"], i) in causes
        ],
    }


def _identities(versions: list[Json]) -> dict[str, dict[str, int]]:
    """For each version, who is behind each key."""
    fresh = count()
    alive: dict[str, int] = {}
    by_version = {}
    for version in versions:
        successors: dict[str, int] = {}
        handed_on: set[str] = set()
        added: set[str] = set()
        for change in version["changes"]:
            if change["type"] == "purpose_renamed":
                (new,) = change["purposes"]
                handed_on.add(change["renamed_from"])
                if change["renamed_from"] in alive:
                    successors[new] = alive[change["renamed_from"]]
            elif change["type"] == "purpose_added":
                added.update(change["purposes"] or [])
        for name in version["purposes"]:
            if name in successors and name not in added:
                continue
            stays = name in alive and name not in handed_on and name not in added
            successors[name] = alive[name] if stays else next(fresh)
        alive = {name: successors[name] for name in version["purposes"]}
        by_version[version["number"]] = alive
    return by_version


def _learn(identities: dict[str, dict[str, int]], decisions: list[Json]) -> dict[int, Json]:
    """What the visitor has said about each identity, decision after decision."""
    said: dict[int, Json] = {}
    for decision in decisions:
        for name, choice in decision["choices"].items():
            identity = identities[decision["version"]][name]
            fact = {**decision, "choice": choice}
            old = said.get(identity, {}).get("choice")
            if choice == "denied":
                if name in decision["asked"] or old != "denied":
                    said[identity] = fact
            elif name in decision["asked"] and decision["action"] in ("accept_all", "custom"):
                said[identity] = fact
            elif old == "denied":
                del said[identity]
    return said


Causes = set[tuple[str, int]]


def _replay(
    versions: list[Json],
    identities: dict[str, dict[str, int]],
    knowledge: dict[int, Json],
    answered: str,
    seen: str | None,
) -> tuple[dict[int, Causes], dict[int, Causes], Causes]:
    """Play the versions in order: what outgrows a grant, what begins, what has to be told."""
    outgrown: dict[int, Causes] = {}
    born: dict[int, Causes] = {}
    notices: Causes = set()
    before: dict[str, int] = {}
    granted = {identity for identity, fact in knowledge.items() if fact["choice"] == "granted"}
    for version in versions:
        number, here = version["number"], identities[version["number"]]
        older = {i for i in granted if rank(knowledge[i]["version"]) < rank(number)}
        news = rank(number) > rank(answered)
        unseen = news and rank(number) > rank(seen or answered)
        for index, change in enumerate(version["changes"]):
            cause = (number, index)
            for identity in _outgrown_by(change, here) & older:
                outgrown.setdefault(identity, set()).add(cause)
            for identity in _born_by(change, here, before) if news else ():
                born.setdefault(identity, set()).add(cause)
            if unseen and _is_told(change, here, before, granted):
                notices.add(cause)
        before = here
    return outgrown, born, notices


def _outgrown_by(change: Json, here: dict[str, int]) -> set[int]:
    if change["class"] != "major_consent":
        return set()
    named = here if change["purposes"] is None else change["purposes"]
    return {here[name] for name in named if name in here}


def _born_by(change: Json, here: dict[str, int], before: dict[str, int]) -> set[int]:
    if change["type"] != "purpose_added" or change["class"] not in ("major_notice", "major_consent"):
        return set()
    return {here[name] for name in change["purposes"] or [] if name in here} - set(before.values())


def _is_told(change: Json, here: dict[str, int], before: dict[str, int], granted: set[int]) -> bool:
    if change["class"] != "major_notice":
        return False
    if change["purposes"] is None:
        return True
    # A purpose that ends in this version is known by the name it had before.
    known = {**before, **here}
    return any(known.get(name) in granted for name in change["purposes"])


def _reason(fact: Json | None, outgrown: bool, now: int, profile: str) -> str | None:
    if fact is None:
        return "added"
    if fact["action"] in ("gpc", "dnt") and profile == "opt_in":
        return "never"
    if fact["action"] == "expire" or fact["until"] <= now:
        return "expired"
    return "changed" if outgrown else None
