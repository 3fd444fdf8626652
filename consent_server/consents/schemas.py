"""The JSON of decisions, receipts and identities."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from consent_server.consents.payload import Decision
from consent_server.schema import StrictBoolean

ACTIONS = ("accept_all", "reject_all", "custom", "withdraw", "expire", "gpc", "dnt")
LAYERS = ("banner", "preferences", "delta", "frame", "api")
CHOICES = ("granted", "denied")
MOST_PURPOSES = 60
MOST_DECISIONS = 100  # a batch call
MOST_BATCH_BYTES = 512 * 1024  # a hundred decisions with sixty purposes each
VERSION = validate.Regexp(r"\A[1-9][0-9]{0,5}\.(0|[1-9][0-9]{0,5})\Z", error="Write it like 2.0.")
LANGUAGE = validate.Regexp(r"\A[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}\Z", error="Write it like zh-CN.")
PURPOSE = validate.Regexp(r"\A[a-z][a-z0-9_-]{0,39}\Z", error="Not a purpose's key.")
# Within these years an instant has a UTC form whatever its zone. A browser's clock may be wrong by much.
INSTANT = validate.Range(
    datetime(2, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC), error="Not an instant of our calendar."
)
HASH = validate.Regexp(r"\A[0-9a-f]{64}\Z", error="Not a SHA-256 in lower-case hex.")
# Grants only come from an act of the visitor; these actions can only refuse.
REFUSING = ("reject_all", "expire", "gpc", "dnt")


def misfit(action: str, choices: Mapping[str, str], asked: Iterable[str]) -> str | None:
    """Say why an action cannot have made these choices of what was asked, or None when it can."""
    answers = {choices.get(purpose) for purpose in asked}
    if action in REFUSING and "granted" in answers:
        return f"{action} cannot grant what it was asked."
    if action == "accept_all" and "denied" in answers:
        return "accept_all cannot deny what it was asked."
    return None


class SignalsSchema(Schema):
    gpc = StrictBoolean()
    dnt = StrictBoolean()


class DecisionSchema(Schema):
    """A visitor's decision. `choices` states every additional purpose; a denial is explicit."""

    receipt_id = fields.UUID(
        required=True, metadata={"description": "Made by the browser; repeat it on a retry."}
    )
    visitor_id = fields.UUID(
        required=True, metadata={"description": "Made by the browser with its first decision."}
    )
    policy_version = fields.String(required=True, validate=VERSION)
    language = fields.String(required=True, validate=LANGUAGE)
    action = fields.String(required=True, validate=validate.OneOf(ACTIONS))
    layer = fields.String(required=True, validate=validate.OneOf(LAYERS))
    choices = fields.Dict(
        keys=fields.String(validate=PURPOSE),
        values=fields.String(validate=validate.OneOf(CHOICES)),
        required=True,
        validate=validate.Length(max=MOST_PURPOSES),
    )
    banner_build = fields.String(required=True, validate=HASH)
    asked = fields.List(
        fields.String(validate=PURPOSE),
        validate=validate.Length(max=MOST_PURPOSES),
        metadata={"description": "Purposes that were really put to the visitor; all by default."},
    )
    decided_at = fields.AwareDateTime(
        validate=INSTANT, metadata={"description": "Time of the click by the browser's clock."}
    )
    signals = fields.Nested(SignalsSchema)

    @validates_schema
    def _action_fits(self, data: dict[str, Any], **_: Any) -> None:
        why = misfit(data["action"], data["choices"], data.get("asked", data["choices"]))
        if why is not None:
            raise ValidationError(why, "choices")

    @post_load
    def _decision(self, data: dict[str, Any], **_: Any) -> Decision:
        return Decision(**{"asked": sorted(data["choices"]), "decided_at": None, "signals": {}} | data)


class BatchSchema(Schema):
    """Up to a hundred decisions; each is checked on its own, so that a bad one does not harm the others."""

    decisions = fields.List(
        fields.Raw(metadata={"type": "object"}), required=True, validate=validate.Length(1, MOST_DECISIONS)
    )


class ReceiptOut(Schema):
    """An acknowledged decision. `receipt` is a JWS (RFC 7515) that anyone can verify with the published keys."""

    receipt_id = fields.UUID(required=True)
    visitor_id = fields.UUID(required=True)
    issued_at = fields.String(required=True, metadata={"format": "date-time"})
    expires_at = fields.String(required=True, metadata={"format": "date-time"})
    choices = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    log_index = fields.Integer(required=True)
    receipt = fields.String(required=True)


class OutcomeOut(Schema):
    """What became of one decision: `receipt` when it is stored, `problem` when it was refused."""

    status = fields.Integer(required=True)
    receipt = fields.Nested(ReceiptOut)
    problem = fields.Raw(metadata={"type": "object"})


class BatchOut(Schema):
    """Outcomes in the order of the decisions."""

    outcomes = fields.List(fields.Nested(OutcomeOut), required=True)


class IdentifySchema(Schema):
    token = fields.String(required=True, validate=validate.Length(1, 4096))
    visitor_id = fields.UUID(load_default=None, allow_none=True)


class IdentifiedOut(Schema):
    subject_known = fields.Boolean(required=True)
    linked = fields.Boolean(required=True)
    state = fields.Raw(required=True, metadata={"type": ["object", "null"]})


class VerifySchema(Schema):
    receipt = fields.String(required=True, validate=validate.Length(1, 65_536))


class CheckOut(Schema):
    check = fields.String(required=True)
    ok = fields.Boolean(required=True)
    detail = fields.String(required=True)


class VerdictOut(Schema):
    valid = fields.Boolean(required=True)
    checks = fields.List(fields.Nested(CheckOut), required=True)
    claims = fields.Raw(required=True, metadata={"type": ["object", "null"]})


class AtQuery(Schema):
    at = fields.AwareDateTime(
        load_default=None,
        validate=INSTANT,
        metadata={"description": "A past instant, RFC 3339 with its zone."},
    )


class PageQuery(Schema):
    after = fields.Integer(load_default=-1, strict=False, validate=validate.Range(-1, 2**53))
    limit = fields.Integer(load_default=100, validate=validate.Range(1, 500))


class ConsentOut(Schema):
    subject = fields.String(required=True)
    at = fields.String(required=True, metadata={"format": "date-time"})
    state = fields.Raw(required=True, metadata={"type": ["object", "null"]})
    effective = fields.List(fields.String(), required=True)


class ReceiptListOut(Schema):
    receipts = fields.List(fields.Nested(ReceiptOut), required=True)
    next_after = fields.Integer(required=True, allow_none=True)
