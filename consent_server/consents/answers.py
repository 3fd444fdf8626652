"""What is answered to decisions once they are durable. Here receipts are signed, so call this after the commit only."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, NamedTuple, Protocol

import msgspec
import orjson
from msgspec import Raw, Struct

from consent_server.keys import KeyRing
from consent_server.ledger import jws
from consent_server.problems import Problem


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


class _Shown(Struct):
    """What an answer repeats of a payload, as it stands there."""

    receipt_id: Raw
    visitor_id: Raw
    issued_at: Raw
    expires_at: Raw
    choices: Raw


_shown = msgspec.json.Decoder(_Shown)


class Acknowledgement(NamedTuple):
    """A stored receipt with all that the answer needs."""

    receipt: StoredReceipt
    log: str
    created: bool

    def to_json(self, ring: KeyRing) -> dict[str, Any]:
        """Return the answer's members. Call it after the commit: it signs."""
        members: dict[str, Any] = orjson.loads(self.body(ring))
        return members

    def body(self, ring: KeyRing) -> bytes:
        """Return the answer as it is sent: a retry gets the same bytes, whichever way it took. It signs, too."""
        receipt = self.receipt
        if receipt.payload is None:
            raise ReceiptErased("Its place in the log and its hash remain.")
        shown = _shown.decode(receipt.payload)
        jws_ = jws.compact(receipt.payload, key=ring.receipt_keys[receipt.kid], log=self.log, idx=receipt.idx)
        return (
            b'{"receipt_id":%b,"visitor_id":%b,"issued_at":%b,"expires_at":%b,"choices":%b,"log_index":%d,"receipt":"%b"}'
            % (
                shown.receipt_id, shown.visitor_id, shown.issued_at, shown.expires_at, shown.choices, receipt.idx, jws_,
            )
        )  # fmt: skip


Outcome = Acknowledgement | Problem


def batch_body(outcomes: Sequence[Outcome], ring: KeyRing) -> bytes:
    """Return the answer to a batch call: the outcome of each decision, in their order."""
    return b'{"outcomes":[%b]}' % b",".join([_outcome(each, ring) for each in outcomes])


def _outcome(outcome: Outcome, ring: KeyRing) -> bytes:
    try:
        if isinstance(outcome, Problem):
            raise outcome
        return b'{"status":%d,"receipt":%b}' % (201 if outcome.created else 200, outcome.body(ring))
    except Problem as problem:
        return orjson.dumps({"status": int(problem.status), "problem": problem.to_json()})
