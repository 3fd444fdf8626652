"""What the site's own server may take away: receipts in several forms, what was shown, and past states."""

import uuid
from datetime import datetime
from typing import Any

from flask import Response, current_app
from flask.views import MethodView

from consent_server import clock
from consent_server.auth import auth
from consent_server.consents import timeline_service
from consent_server.consents.export.evidence import evidence
from consent_server.consents.export.forms import File, export
from consent_server.consents.export.schemas import (
    FormQuery,
    ReceiptExportOut,
    ShownOut,
    SubjectAtOut,
    VisitorAtOut,
)
from consent_server.consents.schemas import AtQuery
from consent_server.http import Blueprint, public_url
from consent_server.keys import KeyRing
from consent_server.policies.published import site_view
from consent_server.problems import InvalidInput

bp = Blueprint("exports", __name__, url_prefix="/v1", description="Receipts to take away, and past states")
RECEIPT = "/sites/<string:site_key>/receipts/<uuid:receipt_id>"


@bp.route(RECEIPT)
class OneReceipt(MethodView):
    @bp.response(200, ReceiptExportOut)
    @auth("server", scope="receipts:read")
    def get(self, site_key: str, receipt_id: uuid.UUID) -> dict[str, Any]:
        """Return a receipt: what it says, its signed form, its proof."""
        return evidence(site_key, receipt_id, ring=ring(), address=public_url()).to_json()


@bp.route(RECEIPT + '.<any("json","jsonld","kantara.json","pdf","jws"):form>')
class ReceiptFile(MethodView):
    @bp.arguments(FormQuery, location="query")
    @bp.response(200)
    @auth("server", scope="receipts:read")
    def get(self, query: dict[str, Any], site_key: str, receipt_id: uuid.UUID, form: str) -> Response:
        """Return a receipt as a file: json, jsonld (ISO/IEC TS 27560), kantara.json, pdf, or jws."""
        return as_response(
            export(site_key, receipt_id, form, ring=ring(), address=public_url(), language=query["lang"])
        )


@bp.route(RECEIPT + "/shown")
class ReceiptShown(MethodView):
    @bp.response(200, ShownOut)
    @auth("server", scope="receipts:read")
    def get(self, site_key: str, receipt_id: uuid.UUID) -> dict[str, Any]:
        """Return the banner and the notice as they were shown, with their hashes computed anew."""
        return evidence(site_key, receipt_id, ring=ring(), address=public_url()).shown.to_json()


@bp.route("/sites/<string:site_key>/visitors/<uuid:visitor_id>/consent")
class VisitorAt(MethodView):
    @bp.arguments(AtQuery, location="query")
    @bp.response(200, VisitorAtOut)
    @auth("server", scope="consents:read")
    def get(self, query: dict[str, Any], site_key: str, visitor_id: uuid.UUID) -> dict[str, Any]:
        """Return every purpose's state for a browser, now or at a past instant, with the receipts that decided."""
        found = timeline_service.of_visitor(site_view(site_key), visitor_id, at=_instant(query["at"]))
        return {"visitor_id": visitor_id, "moments": found.moments(), **found.to_json()}


@bp.route("/sites/<string:site_key>/subjects/<string:ref>/timeline")
class SubjectAt(MethodView):
    @bp.arguments(AtQuery, location="query")
    @bp.response(200, SubjectAtOut)
    @auth("server", scope="consents:read")
    def get(self, query: dict[str, Any], site_key: str, ref: str) -> dict[str, Any]:
        """Return every purpose's state for a known user, now or at a past instant, with the receipts that decided."""
        found = timeline_service.of_subject(site_view(site_key), ref, at=_instant(query["at"]))
        return {"subject": ref, "moments": found.moments(), **found.to_json()}


def ring() -> KeyRing:
    """Return the app's keys."""
    found: KeyRing = current_app.extensions["keys"]
    return found


def as_response(file: File) -> Response:
    """Return a file for download. It is about a person: no cache may keep it."""
    response = Response(file.body, content_type=file.kind)
    response.headers["Content-Disposition"] = f'attachment; filename="{file.name}"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _instant(at: datetime | None) -> datetime:
    instant = clock.now()
    if at is not None and at > instant:
        raise InvalidInput("`at` lies in the future.", errors={"at": ["in the future"]})
    return at or instant
