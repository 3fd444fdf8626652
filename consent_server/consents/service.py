"""Store decisions, many of one site in one transaction. What is returned is acknowledged only after its commit."""

import secrets
import uuid
from collections.abc import Callable, Container, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import NamedTuple

from sqlalchemy import select

from consent_server.bulk import Line
from consent_server.consents import payload, projection
from consent_server.consents.answers import Acknowledgement, Outcome, ReceiptErased
from consent_server.consents.forms import Form, form_of
from consent_server.consents.payload import Decision
from consent_server.consents.records import look_again
from consent_server.db import db
from consent_server.keys import KeyRing
from consent_server.ledger import append as ledger
from consent_server.ledger import leaves
from consent_server.ledger.models import Log
from consent_server.policies.published import SiteView, ask_refreshed
from consent_server.problems import Problem
from consent_server.sites.api_keys import no_good_key
from consent_server.sites.keys_let_in import ask_unrevoked


class ReceiptConflict(Problem):
    slug, status = "receipt-conflict", HTTPStatus.CONFLICT
    title = "Another decision is stored under this receipt id"


class Submission(NamedTuple):
    """A decision with the instant at which it reached this server.

    `key` is the SHA-256 of the API key under which it was sent, where that was not looked up yet.
    """

    decision: Decision
    at: datetime
    key: bytes | None = None


# Gives the decisions to store. Asked once there is a connection: what came in while it was waited for shares the commit.
Draw = Callable[[], Sequence[Submission]]


def store(site: SiteView, draw: Draw, *, ring: KeyRing) -> list[Outcome]:
    """Store the decisions of one site in the caller's transaction; a bad one does not harm its neighbours.

    Order of effects: lock the log → see what is there already → append → bring the records up to date. The caller
    commits, and only then may an acknowledgement be signed.
    """
    line = Line()
    submissions = draw()
    with line.together():
        locked = ledger.ask_locked(line, site.id)
        # Publishing takes the same lock: what is read from here on cannot be superseded before this commits.
        newest = ask_refreshed(line, site)
        there = ledger.ask_standing(line, site.id, [each.decision.receipt_id for each in submissions])
        known = projection.ask_known(line, site.id, [each.decision for each in submissions])
        keyed = any(each.key is not None for each in submissions)
        keys = ask_unrevoked(line, site.id) if keyed else set
    log = locked()
    leaves.tell(log, now=submissions[-1].at)
    batch = _Batch(newest(), there(), keys(), ring.receipt_key.kid)
    problems = batch.admit(submissions)
    appended = ledger.append_many(log, list(batch.entries.values()))
    rows = [
        projection.Appended(each.decision, form, each.at, stored.idx)
        for stored, (form, each) in zip(appended, batch.admitted, strict=True)
    ]
    stale = projection.apply(log, rows, known())
    if stale:
        look_again(site.id, list(stale), now=max(stale.values()))
    return _outcomes(log, batch, submissions, problems, appended)


class _Batch:
    """Decisions of one site on their way into its log."""

    def __init__(
        self, site: SiteView, standing: Mapping[uuid.UUID, ledger.Stored], keys: Container[bytes], kid: str
    ) -> None:
        self.site, self.standing, self._keys, self._kid = site, standing, keys, kid
        self.entries: dict[uuid.UUID, ledger.Entry] = {}
        self.admitted: list[tuple[Form, Submission]] = []  # one for each entry
        self.new: set[int] = set()  # the places of what is not a retry

    def admit(self, submissions: Sequence[Submission]) -> dict[int, Problem]:
        """Take in what fits; return the problems of the others, by place."""
        problems: dict[int, Problem] = {}
        nonces = secrets.token_bytes(payload.NONCE_BYTES * len(submissions))
        for place, submission in enumerate(submissions):
            nonce = nonces[place * payload.NONCE_BYTES : (place + 1) * payload.NONCE_BYTES]
            try:
                if self._admit(submission, nonce):
                    self.new.add(place)
            except Problem as problem:
                problems[place] = problem
        return problems

    def _admit(self, submission: Submission, nonce: bytes) -> bool:
        """Take in a new decision; say no to a retry, which has its receipt already; refuse everything else."""
        decision, at, key = submission
        if key is not None and key not in self._keys:
            raise no_good_key()
        number = decision.receipt_id
        there = self.standing.get(number) if self.standing else None
        if there is not None and there.payload is None:
            raise ReceiptErased("Make a new receipt id for a new decision.")
        before = there or self.entries.get(number)
        if before is not None and before.payload is not None:
            if not payload.same_decision(decision, before.payload):
                raise ReceiptConflict(
                    "Make a new receipt id for a new decision; repeat an old one unchanged."
                )
            return False
        form = form_of(self.site, decision)
        self.entries[number] = ledger.Entry(
            number, decision.visitor_id, at, self._kid, *form.write(decision, at=at, nonce=nonce)
        )
        self.admitted.append((form, submission))
        return True


def _outcomes(
    log: ledger.OpenLog,
    batch: _Batch,
    submissions: Sequence[Submission],
    problems: Mapping[int, Problem],
    appended: Sequence[ledger.Stored],
) -> list[Outcome]:
    origins = _origins(log, batch.standing)
    receipts = {**batch.standing, **{each.receipt_id: each for each in appended}}
    found: list[Outcome] = []
    for place, submission in enumerate(submissions):
        problem = problems.get(place)
        if problem is not None:
            found.append(problem)
            continue
        receipt = receipts[submission.decision.receipt_id]
        found.append(Acknowledgement(receipt, origins[receipt.epoch], place in batch.new))
    return found


def _origins(log: ledger.OpenLog, standing: Mapping[uuid.UUID, ledger.Stored]) -> dict[int, str]:
    """Return the origins of the logs that the answers name: this one's, and older epochs' where a retry needs them."""
    if all(each.epoch == log.epoch for each in standing.values()):
        return {log.epoch: log.origin}
    rows = db.session.execute(select(Log.epoch, Log.origin).where(Log.site_id == log.site_id))
    return {row.epoch: row.origin for row in rows}
