"""Addresses of known users, given and taken back by the site's own server, so that campaigns need no list."""

from typing import Any

from flask import current_app, g
from flask.views import MethodView
from marshmallow import Schema, fields, post_load, validate

from consent_server import clock
from consent_server.auth import auth
from consent_server.campaigns import addresses
from consent_server.campaigns.addresses import Given
from consent_server.consents.schemas import LANGUAGE
from consent_server.db import transaction
from consent_server.http import Blueprint
from consent_server.rate_limit import limiter
from consent_server.sites.identity import SUBJECT
from consent_server.sites.service import site_by_key

MOST_ADDRESSES = 100  # a call
OUTCOMES = ("stored", "erased", "unknown", "bounced")
bp = Blueprint("addresses", __name__, url_prefix="/v1/sites", description="Where known users are written to")


class AddressSchema(Schema):
    subject = fields.String(required=True, validate=validate.Regexp(rf"\A{SUBJECT.pattern}\Z"))
    email = fields.String(
        required=True,
        allow_none=True,
        validate=validate.Regexp(addresses.MAIL, error="Not an e-mail address that letters can be sent to."),
        metadata={"description": "Where the user is written to; null erases what is stored."},
    )
    language = fields.String(
        load_default="",
        validate=LANGUAGE,
        metadata={"description": "The user's language; by default that of their last decision."},
    )

    @post_load
    def _given(self, data: dict[str, Any], **_: Any) -> Given:
        return Given(data["subject"], data["email"], data["language"])


class AddressesSchema(Schema):
    """Up to a hundred users; of one who is named twice the later counts."""

    addresses = fields.List(
        fields.Nested(AddressSchema), required=True, validate=validate.Length(1, MOST_ADDRESSES)
    )


class AddressOutcomeOut(Schema):
    """What became of one address: `unknown` users and `bounced` addresses are not stored."""

    subject = fields.String(required=True)
    outcome = fields.String(required=True, validate=validate.OneOf(OUTCOMES))


class AddressOutcomesOut(Schema):
    """Outcomes in the order of the addresses."""

    outcomes = fields.List(fields.Nested(AddressOutcomeOut), required=True)


@bp.route("/<string:site_key>/addresses")
class Addresses(MethodView):
    @limiter.limit("600 per minute")
    @bp.arguments(AddressesSchema())
    @bp.response(200, AddressOutcomesOut)
    @auth("server", scope="addresses:write")
    def post(self, data: dict[str, list[Given]], site_key: str) -> dict[str, Any]:
        """Store, change or erase the e-mail addresses of known users, which campaigns write to."""
        key_id, ring = g.api_key.id, current_app.extensions["keys"]
        with transaction():
            site = site_by_key(site_key)
            outcomes = addresses.give(
                site.id, data["addresses"], ring=ring, now=clock.now(), actor=f"api-key:{key_id}"
            )
        return {"outcomes": [{"subject": subject, "outcome": outcome} for subject, outcome in outcomes]}
