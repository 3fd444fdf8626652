"""The two roles of hammer: a writer that decides and retries, a reader that verifies. Each step is one round."""

import hashlib
import random
import time
import uuid
from collections.abc import Callable
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from consent_server.ledger import jws, merkle, proofs
from consent_server.ledger.hammer_client import Broken, Client, LogReader, NotNow
from consent_server.ledger.hammer_result import Acknowledged, Result
from consent_server.ledger.notes import Checkpoint

RETRIED = 0.2  # share of decisions that are sent twice
PAUSE_SECONDS = 0.05
Keys = dict[str, Ed25519PublicKey]


def writer(
    client: Client, site: str, *, origin: str, banner: dict[str, Any], keys: Keys, result: Result
) -> Callable[[], None]:
    """Return a step that stores a decision, and sometimes sends it again."""
    path = f"/v1/sites/{site}/decisions"
    purposes = [each["key"] for each in banner["purposes"] if each["function"] == "additional"]
    undecided: list[dict[str, Any]] = []  # sent without an answer: it must be possible to send them again

    def step() -> None:
        body = undecided.pop() if undecided else _decision(banner, purposes)
        try:
            first = client.ask(path, body=body, origin=origin)
        except NotNow:
            undecided.append(body)
            raise
        if first.status not in (200, 201):
            raise Broken(f"a decision was answered {first.status}: {first.body[:200]!r}")
        answer = first.json()
        result.acknowledge(_checked(answer, body, keys))
        result.count("decisions")
        if random.random() < RETRIED:  # noqa: S311 - no secret
            again = client.ask(path, body=body, origin=origin)
            if again.status != 200 or again.json() != answer:
                raise Broken(f"a retry was answered {again.status}, or not with the same receipt")
            result.count("retries")

    return step


def _decision(banner: dict[str, Any], purposes: list[str]) -> dict[str, Any]:
    return {
        "receipt_id": str(uuid.uuid4()),
        "visitor_id": str(uuid.uuid4()),
        "policy_version": banner["policy_version"],
        "language": banner["language"],
        "action": "custom",
        "layer": "preferences",
        "choices": {key: random.choice(["granted", "denied"]) for key in purposes},  # noqa: S311 - no secret
        "banner_build": banner["banner_build"],
    }


def _checked(answer: dict[str, Any], sent: dict[str, Any], keys: Keys) -> Acknowledged:
    parsed = jws.parse(answer["receipt"])
    try:
        keys[parsed.header["kid"]].verify(parsed.signature, parsed.signing_input)
    except (KeyError, InvalidSignature) as error:
        raise Broken("a receipt is not signed by a published key") from error
    if any(parsed.claims.get(name) != value for name, value in sent.items()):
        raise Broken("a receipt does not say what was sent")
    if parsed.header["idx"] != answer["log_index"]:
        raise Broken("a receipt's header names another index than the answer")
    return Acknowledged(parsed.header["idx"], parsed.header["log"], hashlib.sha256(parsed.payload).digest())


def reader(client: Client, result: Result) -> Callable[[], None]:
    """Return a step that checks the newest checkpoint and one acknowledged receipt against it."""
    logs: dict[str, LogReader] = {}
    last: dict[str, Checkpoint] = {}

    def step() -> None:
        one = result.one()
        if one is None:
            time.sleep(PAUSE_SECONDS)
            return
        if one.log not in logs:
            logs[one.log] = LogReader(client, one.log)
        log = logs[one.log]
        found = log.checkpoint()
        if found is None:
            time.sleep(PAUSE_SECONDS)
            return
        result.count("checkpoints")
        _only_added(log, last.get(one.log), found, result)
        last[one.log] = found
        _is_included(log, one, found, result)

    return step


def _only_added(log: LogReader, old: Checkpoint | None, new: Checkpoint, result: Result) -> None:
    if old is None:
        return
    if new.size < old.size:
        raise Broken(f"the checkpoint went back from {old.size} to {new.size} leaves")
    proof = log.consistency(old.size, new.size) if new.size > old.size else []
    if not merkle.is_consistent(old.size, old.root, new.size, new.root, proof):
        raise Broken(f"the tree of {new.size} leaves is not the tree of {old.size} with more added")
    result.count("consistency proofs")


def _is_included(log: LogReader, one: Acknowledged, signed: Checkpoint, result: Result) -> None:
    if one.idx < signed.size:
        hashes = log.inclusion(one.idx, signed.size)
        leaf = merkle.leaf_hash(one.entry)
        if merkle.root_from_inclusion(leaf, one.idx, signed.size, hashes) != signed.root:
            raise Broken(f"the tiles do not prove the receipt at index {one.idx}")
        result.count("inclusion proofs")
    if (text := log.proof(one.idx)) is not None:
        proofs.verify(text, entry=one.entry, keys=log.keys, origin=one.log)
        result.count("proof files")
