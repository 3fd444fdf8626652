"""Store decisions, many of one site in one transaction. What is returned is acknowledged only after its commit."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Protocol

import orjson
from sqlalchemy import select

from consent_server.consents import payload, projection
from consent_server.consents.checks import version_of
from consent_server.consents.payload import Decision
from consent_server.consents.records import look_again
from consent_server.db import db
from consent_server.keys import KeyRing
from consent_server.ledger import append as ledger
from consent_server.ledger import jws, leaves
from consent_server.ledger.models import Log
from consent_server.policies.published import SiteView, ask_refreshed
from consent_server.problems import Problem


class ReceiptConflict(Problem):
    slug, status = "receipt-conflict", HTTPStatus.CONFLICT
    title = "Another decision is stored under this receipt id"


class ReceiptErased(Problem):
    slug, status = "receipt-erased", HTTPStatus.GONE
    title = "The receipt's personal content has been erased"


class StoredReceipt(Protocol):
    """What an answer needs of a receipt: a row of the table, or what was just appended."""

    @property
    def idx(self) -> int: ...
    @property
    def kid(self) -> str: ...
    @property
    def payload(self) -> bytes | None: ...


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """A stored receipt with all that the answer needs."""

    receipt: StoredReceipt
    log: str
    created: bool

    def to_json(self, ring: KeyRing) -> dict[str, Any]:
        """Return the answer's members. Call it after the commit: it signs."""
        if self.receipt.payload is None:
            raise ReceiptErased("Its place in the log and its hash remain.")
        claims = orjson.loads(self.receipt.payload)
        key = ring.receipt_keys[self.receipt.kid]
        return {
            "receipt_id": claims["receipt_id"],
            "visitor_id": claims["visitor_id"],
            "issued_at": claims["issued_at"],
            "expires_at": claims["expires_at"],
            "choices": claims["choices"],
            "log_index": self.receipt.idx,
            "receipt": jws.sign(self.receipt.payload, key=key, log=self.log, idx=self.receipt.idx),
        }

    def body(self, ring: KeyRing) -> bytes:
        """Return the answer as it is sent: a retry gets the same bytes, whichever way it took."""
        return orjson.dumps(self.to_json(ring))


@dataclass(frozen=True, slots=True)
class Submission:
    """A decision with the instant at which it reached this server."""

    decision: Decision
    at: datetime


Outcome = Acknowledgement | Problem
# Gives the decisions to store. Asked once the log is locked: what came in while it was waited for shares the commit.
Draw = Callable[[], Sequence[Submission]]


def store(site: SiteView, draw: Draw, *, ring: KeyRing) -> list[Outcome]:
    """Store the decisions of one site in the caller's transaction; a bad one does not harm its neighbours.

    Order of effects: lock the log → see what is there already → append → bring the records up to date. The caller
    commits, and only then may an acknowledgement be signed.
    """
    log = ledger.lock_log(site.id)
    submissions = draw()
    leaves.tell(log, now=submissions[-1].at)
    with log.line.pipelined():
        # Publishing takes the same lock: what is read from here on cannot be superseded before this commits.
        newest = ask_refreshed(log.line, site)
        there = ledger.ask_standing(log.line, site.id, [each.decision.receipt_id for each in submissions])
        known = projection.ask_known(log, [each.decision.visitor_id for each in submissions])
    site, standing = newest(), there()
    origins = _origins(site.id, log, standing)
    fresh: dict[uuid.UUID, ledger.Entry] = {}
    new: dict[int, Submission] = {}  # by their places
    problems: dict[int, Problem] = {}
    for place, submission in enumerate(submissions):
        try:
            entry = _admit(site, submission, standing, fresh, ring=ring)
        except Problem as problem:
            problems[place] = problem
            continue
        if entry is not None:
            fresh[entry.receipt_id], new[place] = entry, submission
    with log.line.pipelined():
        appended = ledger.append_many(log, list(fresh.values()))
        stale = projection.apply(site, log, list(zip(appended, new.values(), strict=True)), known())
    if stale:
        look_again(site.id, list(stale), now=max(stale.values()))
    receipts = standing | {each.receipt_id: each for each in appended}
    return [
        problems[place] if place in problems else _outcome(receipts, each, origins, created=place in new)
        for place, each in enumerate(submissions)
    ]


def _admit(
    site: SiteView,
    submission: Submission,
    standing: Mapping[uuid.UUID, ledger.Stored],
    fresh: Mapping[uuid.UUID, ledger.Entry],
    *,
    ring: KeyRing,
) -> ledger.Entry | None:
    """Return what a new decision puts into the log, None for a retry; refuse everything else."""
    decision = submission.decision
    there = standing.get(decision.receipt_id) if standing else None
    if there is not None and there.payload is None:
        raise ReceiptErased("Make a new receipt id for a new decision.")
    before = there or fresh.get(decision.receipt_id)
    if before is not None and before.payload is not None:
        _same(decision, before.payload)
        return None
    version = version_of(site, decision)
    body = payload.build(
        decision,
        site=site.key,
        policy=site.policy_key,
        policy_sha256=version.sha256,
        text_sha256=version.notices[decision.language]["sha256"],
        issued_at=submission.at,
        expires_at=submission.at + site.lifetime,
    )
    return ledger.Entry(decision.receipt_id, decision.visitor_id, submission.at, ring.receipt_key.kid, body)


def _same(decision: Decision, stored: bytes) -> None:
    if not payload.same_decision(decision, stored):
        raise ReceiptConflict("Make a new receipt id for a new decision; repeat an old one unchanged.")


def _outcome(
    receipts: Mapping[uuid.UUID, ledger.Stored],
    submission: Submission,
    origins: Mapping[int, str],
    *,
    created: bool,
) -> Acknowledgement:
    receipt = receipts[submission.decision.receipt_id]
    return Acknowledgement(receipt, origins[receipt.epoch], created=created)


def _origins(
    site_id: int, log: ledger.OpenLog, standing: Mapping[uuid.UUID, ledger.Stored]
) -> dict[int, str]:
    """Return the origins of the logs that the answers name: this one's, and older epochs' where a retry needs them."""
    if all(each.epoch == log.epoch for each in standing.values()):
        return {log.epoch: log.origin}
    rows = db.session.execute(select(Log.epoch, Log.origin).where(Log.site_id == site_id))
    return {row.epoch: row.origin for row in rows}
