"""Everything that the exports of one receipt draw on, loaded once."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

import orjson

from consent_server import clock
from consent_server.consents import records
from consent_server.consents.answers import ReceiptErased
from consent_server.consents.export.events import Event, events
from consent_server.consents.export.shown import Shown, shown
from consent_server.consents.payload import SCHEMA
from consent_server.consents.search import UnknownReceipt
from consent_server.consents.timeline_service import history_of
from consent_server.db import db
from consent_server.keys import KeyRing
from consent_server.ledger import append as ledger
from consent_server.ledger import jws, proving
from consent_server.ledger.integrate import LogName, newest_checkpoint
from consent_server.ledger.models import Log, Receipt
from consent_server.policies.published import SiteView, site_view
from consent_server.problems import Problem
from consent_server.sites.models import Site
from consent_server.sites.service import site_by_key


class NoDecision(Problem):
    """The log also holds published versions, banners, keys, erasures: those have no visitor and no choices."""

    slug, status = "not-a-decision", HTTPStatus.CONFLICT
    title = "This entry of the log is not a visitor's decision"


@dataclass(frozen=True)
class Evidence:
    """One decision with what it points at. `address` is where the server is reached."""

    site: Site
    claims: dict[str, Any]
    log: str
    idx: int
    kid: str
    signed: str
    proof: str | None
    shown: Shown
    events: list[Event]
    address: str

    @property
    def receipt_id(self) -> str:
        """The receipt's id."""
        return str(self.claims["receipt_id"])

    @property
    def issued_at(self) -> datetime:
        """When the decision was stored."""
        return datetime.fromisoformat(self.claims["issued_at"])

    @property
    def expires_at(self) -> datetime:
        """When it ends to count."""
        return datetime.fromisoformat(self.claims["expires_at"])

    @property
    def notice_url(self) -> str:
        """The permanent address of the text that was shown."""
        claims = self.claims
        path = f"{self.site.key}/{claims['policy']}/{claims['policy_version']}"
        return f"{self.address}/p/{path}?lang={claims['language']}"

    def to_json(self) -> dict[str, Any]:
        """Return the receipt as plain JSON, with its signed form and its proof."""
        return {
            "receipt_id": self.receipt_id,
            "log": self.log,
            "log_index": self.idx,
            "claims": self.claims,
            "receipt": self.signed,
            "proof": self.proof,
            "events": [
                {"purpose": e.purpose, "status": e.status, "at": clock.iso(clock.from_ms(e.at))}
                for e in self.events
            ],
            "notice_url": self.notice_url,
        }


def signed_receipt(site_key: str, receipt_id: uuid.UUID, *, ring: KeyRing) -> tuple[Receipt, Log, str]:
    """Return a receipt, its log, and the JWS.

    Raises:
        UnknownReceipt, ReceiptErased: as their names say.
    """
    row = ledger.find(site_by_key(site_key).id, receipt_id)
    if row is None:
        raise UnknownReceipt("Take the id from a receipt of this site.")
    if row.payload is None:
        raise ReceiptErased("Its place in the log and its hash remain.")
    log = db.session.get_one(Log, (row.site_id, row.epoch))
    return row, log, jws.sign(row.payload, key=ring.receipt_keys[row.kid], log=log.origin, idx=row.idx)


def evidence(site_key: str, receipt_id: uuid.UUID, *, ring: KeyRing, address: str) -> Evidence:
    """Load a decision's evidence.

    Raises:
        UnknownReceipt, ReceiptErased, NoDecision: as their names say.
    """
    row, log, signed = signed_receipt(site_key, receipt_id, ring=ring)
    claims = orjson.loads(row.payload or b"{}")
    if claims.get("schema") != SCHEMA:
        raise NoDecision("Take its JWS instead.", schema=claims.get("schema"))
    return Evidence(
        site=site_by_key(site_key),
        claims=claims,
        log=log.origin,
        idx=row.idx,
        kid=row.kid,
        signed=signed,
        proof=_proof(row),
        shown=shown(row.site_id, claims),
        events=_events(site_view(site_key), row),
        address=address,
    )


def _proof(row: Receipt) -> str | None:
    """Return the receipt's `.tlog-proof`; None in the second before a checkpoint covers it."""
    log = LogName(row.site_id, row.epoch)
    checkpoint = newest_checkpoint(log)
    if checkpoint is None or row.idx >= checkpoint.size:
        return None
    return proving.inclusion_file(log, row.idx, checkpoint)


def _events(site: SiteView, row: Receipt) -> list[Event]:
    of_visitor = records.receipts_of_visitors(site.id, [row.visitor_id]) if row.visitor_id else []
    before = [each for each in of_visitor if (each.epoch, each.idx) < (row.epoch, row.idx)]
    return events(records.facts_of(row.payload or b""), history_of(before, site.facts).state, site.facts)
