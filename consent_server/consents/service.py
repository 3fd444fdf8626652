"""Record decisions. What is returned here is acknowledged only after the caller's transaction has committed."""

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

import orjson

from consent_server import clock
from consent_server.banner.builds import is_known_build
from consent_server.consents import payload, records
from consent_server.consents.facts import DecisionFacts
from consent_server.consents.payload import Decision
from consent_server.db import db
from consent_server.keys import KeyRing
from consent_server.ledger import append as ledger
from consent_server.ledger import jws
from consent_server.ledger.models import Log, Receipt
from consent_server.policies.published import PublishedVersion, SiteView, refreshed
from consent_server.problems import Forbidden, Problem


class UnknownVersion(Problem):
    slug, status = "unknown-version", HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The site's policy has no published version with this number"


class UnknownLanguage(Problem):
    slug, status = "unknown-language", HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The policy version has no text in this language"


class UnknownPurpose(Problem):
    slug, status = "unknown-purpose", HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The choices are not those that the policy version asks for"


class UnknownBuild(Problem):
    slug, status = "unknown-banner-build", HTTPStatus.UNPROCESSABLE_ENTITY
    title = "This site never served a banner with this hash"


class ForeignOrigin(Forbidden):
    slug = "foreign-origin"
    title = "Pages of this origin may not decide for this site"


class ReceiptConflict(Problem):
    slug, status = "receipt-conflict", HTTPStatus.CONFLICT
    title = "Another decision is stored under this receipt id"


class ReceiptErased(Problem):
    slug, status = "receipt-erased", HTTPStatus.GONE
    title = "The receipt's personal content has been erased"


@dataclass(frozen=True)
class Acknowledgement:
    """A stored receipt with all that the answer needs."""

    receipt: Receipt
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


def record_decision(site: SiteView, decision: Decision, *, ring: KeyRing, now: datetime) -> Acknowledgement:
    """Store a decision as a receipt, once however often it is sent.

    A decision for a version that has been superseded meanwhile is stored all the same: it is good evidence of what
    was seen, and the next page asks again if it must.

    Raises:
        UnknownVersion, UnknownLanguage, UnknownPurpose, UnknownBuild: the decision does not fit what was published.
        ReceiptConflict: the id is taken by another decision.
        ReceiptErased: the id is that of an erased receipt.
    """
    log = ledger.lock_log(site.id)
    # Publishing takes the same lock: what is read from here on cannot be superseded before this commits.
    site = refreshed(site)
    version = _version(site, decision)
    _check(site, version, decision)
    standing = ledger.find(site.id, decision.receipt_id)
    if standing is not None:
        return _retry(standing, decision)
    receipt = _append(site, version, decision, log=log, ring=ring, now=now)
    until = now + site.lifetime
    facts = DecisionFacts(
        version=version.number,
        action=decision.action,
        choices=decision.choices,
        asked=frozenset(decision.asked),
        at=clock.to_ms(now),
        until=clock.to_ms(until),
    )
    records.apply(site, receipt, facts, language=decision.language, now=now)
    return Acknowledgement(receipt, log.origin, created=True)


def _append(
    site: SiteView,
    version: PublishedVersion,
    decision: Decision,
    *,
    log: Log,
    ring: KeyRing,
    now: datetime,
) -> Receipt:
    body = payload.build(
        decision,
        site=site.key,
        policy=site.policy_key,
        policy_sha256=version.sha256,
        text_sha256=version.notices[decision.language]["sha256"],
        issued_at=now,
        expires_at=now + site.lifetime,
    )
    entry = ledger.Entry(
        receipt_id=decision.receipt_id,
        visitor_id=decision.visitor_id,
        issued_at=now,
        kid=ring.receipt_key.kid,
        payload=body,
    )
    return ledger.append(log, entry)


def _retry(standing: Receipt, decision: Decision) -> Acknowledgement:
    if standing.payload is None:
        raise ReceiptErased("Make a new receipt id for a new decision.")
    if not payload.same_decision(decision, standing.payload):
        raise ReceiptConflict("Make a new receipt id for a new decision; repeat an old one unchanged.")
    log = db.session.get_one(Log, (standing.site_id, standing.epoch))
    return Acknowledgement(standing, log.origin, created=False)


def _version(site: SiteView, decision: Decision) -> PublishedVersion:
    version = site.version(decision.policy_version)
    if version is None:
        raise UnknownVersion(
            "Load the banner again; it names the current version.", version=decision.policy_version
        )
    return version


def _check(site: SiteView, version: PublishedVersion, decision: Decision) -> None:
    if decision.language not in version.notices:
        raise UnknownLanguage("Show the notice in one of these.", languages=sorted(version.notices))
    asked = set(version.facts.purposes)
    given = set(decision.choices)
    if given != asked or not set(decision.asked) <= asked:
        raise UnknownPurpose(
            "State a choice for every additional purpose and for nothing else.",
            unknown=sorted((given | set(decision.asked)) - asked),
            missing=sorted(asked - given),
        )
    if not is_known_build(site.id, decision.banner_build):
        raise UnknownBuild("Load the banner again and send its `banner_build`.")
