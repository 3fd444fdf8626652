"""The shape of purposes in files and in the console: a list of objects, each with services and cookies."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from consent_server.schema import StrictBoolean

KEY = validate.Regexp(r"\A[a-z][a-z0-9_-]{0,39}\Z", error="Use 1 to 40 of a-z, 0-9, - and _, a letter first.")
LIFETIME = validate.Regexp(
    r"\A(session|P(?=\d|T\d)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+S)?)?)\Z",
    error="Write `session` or an ISO 8601 duration such as P13M.",
)
LEGAL_BASES = (
    "consent",
    "contract",
    "legal_obligation",
    "vital_interests",
    "public_task",
    "legitimate_interests",
    "hr_management",
    "public_emergency",
    "disclosed_information",
)  # GDPR article 6(1) and PIPL article 13, which adds the last three
CONSENT_KINDS = ("general", "explicit", "separate", "written", "guardian")


def _texts(*names: str) -> fields.Dict:
    inner = fields.Dict(
        keys=fields.String(validate=validate.OneOf(names)),
        values=fields.String(validate=validate.Length(max=2000)),
    )
    return fields.Dict(keys=fields.String(), values=inner, load_default=dict)


class CookieSchema(Schema):
    name = fields.String(required=True, validate=validate.Length(1, 120))
    pattern = StrictBoolean(load_default=False)
    store = fields.String(
        load_default="cookie", validate=validate.OneOf(["cookie", "local_storage", "session_storage"])
    )
    party = fields.String(load_default="first", validate=validate.OneOf(["first", "third"]))
    lifetime = fields.String(required=True, validate=LIFETIME)
    texts = _texts("description")


class ServiceSchema(Schema):
    key = fields.String(required=True, validate=KEY)
    name = fields.String(required=True, validate=validate.Length(1, 120))
    provider = fields.String(required=True, validate=validate.Length(1, 200))
    privacy_url = fields.String(
        load_default="", validate=validate.Regexp(r"\A(https?://\S{1,480})?\Z", error="Start with https://")
    )
    texts = _texts("description")
    cookies = fields.List(fields.Nested(CookieSchema), load_default=list, validate=validate.Length(max=200))


class PurposeSchema(Schema):
    key = fields.String(required=True, validate=KEY)
    function = fields.String(required=True, validate=validate.OneOf(["basic", "additional"]))
    consent_kind = fields.String(load_default="general", validate=validate.OneOf(CONSENT_KINDS))
    legal_basis = fields.String(required=True, validate=validate.OneOf(LEGAL_BASES))
    texts = _texts("name", "description")
    services = fields.List(fields.Nested(ServiceSchema), load_default=list, validate=validate.Length(max=100))

    @validates_schema
    def _basis_fits(self, data: dict[str, Any], **_: Any) -> None:
        # Consent is asked where consent is the legal basis, and nowhere else (PIPL article 13). An additional
        # purpose on an opt-out site may rest on legitimate interests, to which visitors object.
        asked = data["legal_basis"] in ("consent", "legitimate_interests")
        if data["function"] == "additional" and not asked:
            raise ValidationError(
                "An additional purpose rests on consent or legitimate_interests.", "legal_basis"
            )
        if data["function"] == "basic" and data["legal_basis"] == "consent":
            raise ValidationError(
                "A basic purpose is never asked, so it cannot rest on consent.", "legal_basis"
            )


class PurposesSchema(Schema):
    purposes = fields.List(fields.Nested(PurposeSchema), required=True, validate=validate.Length(1, 60))

    @validates_schema
    def _keys_differ(self, data: dict[str, Any], **_: Any) -> None:
        keys = [purpose["key"] for purpose in data["purposes"]]
        if len(keys) != len(set(keys)):
            raise ValidationError("Two purposes have the same key.", "purposes")
