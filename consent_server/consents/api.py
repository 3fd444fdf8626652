"""Decisions in, receipts out; identities; what the site's own server may ask."""

from typing import Any

from flask import current_app, g, request
from flask.typing import ResponseReturnValue
from flask.views import MethodView

from consent_server import clock
from consent_server.auth import auth
from consent_server.consents import checks, recording, records, subjects, verification, wire
from consent_server.consents.answers import Acknowledgement, batch_body
from consent_server.consents.payload import Decision
from consent_server.consents.rules import effective
from consent_server.consents.schemas import (
    MOST_BATCH_BYTES,
    AtQuery,
    BatchOut,
    BatchSchema,
    ConsentOut,
    DecisionSchema,
    IdentifiedOut,
    IdentifySchema,
    PageQuery,
    ReceiptListOut,
    ReceiptOut,
    VerdictOut,
    VerifySchema,
)
from consent_server.consents.service import Submission
from consent_server.db import db, transaction
from consent_server.http import Blueprint, allow_origin, settings
from consent_server.keys import KeyRing
from consent_server.ledger.models import Log
from consent_server.policies.published import SiteView, site_view
from consent_server.problems import InvalidInput, Problem
from consent_server.rate_limit import limiter
from consent_server.schema import load
from consent_server.sites.identity import subject_of
from consent_server.sites.service import site_by_key

bp = Blueprint("consents", __name__, url_prefix="/v1", description="Decisions, receipts and known users")


def ring() -> KeyRing:
    """Return the app's keys."""
    found: KeyRing = current_app.extensions["keys"]
    return found


@bp.route("/sites/<string:site_key>/decisions")
class Decisions(MethodView):
    @limiter.limit(lambda: settings().decision_rate, name=recording.DECISIONS)
    @bp.arguments(DecisionSchema())  # an instance: of a class, webargs makes one for every request
    @bp.response(201, ReceiptOut)
    @bp.alt_response(200, schema=ReceiptOut, description="A retry: the same bytes as the first time")
    @auth("browser")
    def post(self, decision: Decision, site_key: str) -> ResponseReturnValue:
        """Store a visitor's decision and return its receipt."""
        # Who waits for the lane must not hold a connection: enough of them would leave none for the committer.
        db.session.remove()
        stored = recording.record(current_app, site_key, Submission(decision, clock.now()))
        # Signed after the commit only: a signature on what was rolled back would be a false receipt.
        status = 201 if stored.created else 200
        return current_app.response_class(stored.body(ring()), status, mimetype="application/json")


@bp.route("/sites/<string:site_key>/decisions/batch")
class DecisionBatch(MethodView):
    max_body_bytes = MOST_BATCH_BYTES

    @bp.arguments(BatchSchema)
    @bp.response(200, BatchOut)
    @auth("server", scope=recording.SCOPE)
    def post(self, data: dict[str, Any], site_key: str) -> ResponseReturnValue:
        """Store up to a hundred decisions that a relay or an import brings; each has an outcome of its own."""
        instant = clock.now()
        loaded = [wire.convert(each) or _loaded(each) for each in data["decisions"]]
        fit = [Submission(each, instant) for each in loaded if isinstance(each, Decision)]
        db.session.remove()
        stored = iter(recording.record_batch(current_app, site_key, fit))
        outcomes = [each if isinstance(each, Problem) else next(stored) for each in loaded]
        # Not through the schema, which describes it: it would look at every member of a hundred receipts again.
        return current_app.response_class(batch_body(outcomes, ring()), mimetype="application/json")


@bp.route("/sites/<string:site_key>/identify")
class Identify(MethodView):
    @limiter.limit(lambda: settings().decision_rate)
    @bp.arguments(IdentifySchema)
    @bp.response(200, IdentifiedOut)
    @auth("browser")
    def post(self, data: dict[str, Any], site_key: str) -> dict[str, Any]:
        """Tie this browser's decisions to the subject that the site's own server vouches for."""
        instant = clock.now()
        subject = subject_of(data["token"], site=site_by_key(site_key), ring=ring(), now=instant)
        view: SiteView = g.site
        with transaction():
            found = subjects.identify(view, subject, data["visitor_id"], now=instant)
        state = found.state.to_json() if found.state else None
        return {"subject_known": state is not None, "linked": found.linked, "state": state}


@bp.route("/receipts/verify")
class Verify(MethodView):
    @limiter.limit("60 per minute")
    @bp.arguments(VerifySchema)
    @bp.response(200, VerdictOut)
    @auth("public")
    def post(self, data: dict[str, Any]) -> dict[str, Any]:
        """Check a receipt and say what it says."""
        allow_origin("*")
        return verification.verify(data["receipt"], ring=ring()).to_json()


@bp.route("/sites/<string:site_key>/subjects/<string:ref>/consent")
class SubjectConsent(MethodView):
    @bp.arguments(AtQuery, location="query")
    @bp.response(200, ConsentOut)
    @auth("server", scope="consents:read")
    def get(self, query: dict[str, Any], site_key: str, ref: str) -> dict[str, Any]:
        """Return a subject's consent now, or as it was at a past instant."""
        instant = clock.now()
        at = query["at"]
        if at is not None and at > instant:
            raise InvalidInput("`at` lies in the future.", errors={"at": ["in the future"]})
        view = site_view(site_key)
        state = subjects.consent_of(view, ref, at=at)
        known = [version.facts for version in view.versions if at is None or version.published_at <= at]
        on = effective(state, known, clock.to_ms(at or instant), view.profile) if state else ()
        return {
            "subject": ref,
            "at": clock.iso(at or instant),
            "state": state.to_json() if state else None,
            "effective": list(on),
        }


@bp.route("/sites/<string:site_key>/subjects/<string:ref>/receipts")
class SubjectReceipts(MethodView):
    @bp.arguments(PageQuery, location="query")
    @bp.response(200, ReceiptListOut)
    @auth("server", scope="receipts:read")
    def get(self, query: dict[str, Any], site_key: str, ref: str) -> dict[str, Any]:
        """Return a subject's receipts, oldest first, a page at a time."""
        view = site_view(site_key)
        visitors = subjects.visitors_of(view.id, ref)
        if not visitors:
            raise subjects.UnknownSubject("The subject has not decided in any identified browser.")
        found = [
            r for r in records.receipts_of_visitors(view.id, visitors) if r.idx > query["after"] and r.payload
        ]
        page = found[: query["limit"]]
        logs = {log.epoch: log.origin for log in db.session.query(Log).filter_by(site_id=view.id)}
        return {
            "receipts": [Acknowledgement(r, logs[r.epoch], created=False).to_json(ring()) for r in page],
            "next_after": page[-1].idx if len(found) > len(page) else None,
        }


def _loaded(data: Any) -> Decision | Problem:
    try:
        decision: Decision = load(DecisionSchema(), data)
    except Problem as problem:
        return problem
    return decision


def origin_gate() -> None:
    """Let in only pages of the site's own origins; without an Origin header it is no browser's cross-site call."""
    view = site_view(str((request.view_args or {}).get("site_key")), max_age=settings().config_cache_seconds)
    g.site = view
    origin = request.headers.get("Origin")
    if origin is None:
        return
    if origin not in view.origins:
        view = g.site = site_view(view.key)  # the owner may have added it a moment ago
    if origin not in view.origins:
        raise checks.ForeignOrigin("Add this origin to the site in the console.", origin=origin[:200])
    allow_origin(origin)
