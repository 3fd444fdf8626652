"""Who needs to be asked again: for the site's own server."""

from typing import Any

from flask.views import MethodView
from marshmallow import Schema, fields, validate

from consent_server import clock
from consent_server.auth import auth
from consent_server.consents import subjects
from consent_server.http import Blueprint
from consent_server.policies.published import site_view
from consent_server.reconsent import service

bp = Blueprint("reconsent", __name__, url_prefix="/v1/sites", description="Who must be asked again")


class DeltaOut(Schema):
    subject = fields.String(required=True)
    needed = fields.Boolean(required=True)
    delta = fields.Raw(required=True, metadata={"type": ["object", "null"]})


class FlaggedQuery(Schema):
    kind = fields.String(load_default="ask", validate=validate.OneOf(["ask", "tell"]))
    after = fields.String(load_default="", validate=validate.Regexp(r"\A[\x21-\x7e]{0,128}\Z"))
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))


class FlaggedOut(Schema):
    subject = fields.String(required=True)
    purposes = fields.List(fields.String(), required=True)
    flagged_at = fields.String(required=True, metadata={"format": "date-time"})


class FlaggedListOut(Schema):
    subjects = fields.List(fields.Nested(FlaggedOut), required=True)
    next_after = fields.String(required=True, allow_none=True)


@bp.route("/<string:site_key>/subjects/<string:ref>/reconsent")
class SubjectReconsent(MethodView):
    @bp.response(200, DeltaOut)
    @auth("server", scope="reconsent:read")
    def get(self, site_key: str, ref: str) -> dict[str, Any]:
        """Tell whether a subject must be asked again, and about what; computed now, not from a flag."""
        view = site_view(site_key)
        delta = service.delta_of(view, subjects.consent_of(view, ref), now=clock.now())
        return {
            "subject": ref,
            "needed": bool(delta and delta.ask),
            "delta": delta.to_json() if delta else None,
        }


@bp.route("/<string:site_key>/reconsent")
class FlaggedSubjects(MethodView):
    @bp.arguments(FlaggedQuery, location="query")
    @bp.response(200, FlaggedListOut)
    @auth("server", scope="reconsent:read")
    def get(self, query: dict[str, Any], site_key: str) -> dict[str, Any]:
        """List the subjects that a publication has flagged, a page at a time."""
        view = site_view(site_key)
        rows = service.flagged(
            view.id, flag_kind=query["kind"], after=query["after"], limit=query["limit"] + 1
        )
        page = rows[: query["limit"]]
        return {
            "subjects": [
                {
                    "subject": row.holder,
                    "purposes": row.flag_purposes or [],
                    "flagged_at": clock.iso(row.flagged_at or row.updated_at),
                }
                for row in page
            ],
            "next_after": page[-1].holder if len(rows) > len(page) else None,
        }
