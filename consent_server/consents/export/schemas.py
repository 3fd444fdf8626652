"""The JSON of exports and of the time machine."""

from marshmallow import Schema, fields

from consent_server.consents.schemas import LANGUAGE


class FormQuery(Schema):
    lang = fields.String(
        load_default=None,
        validate=LANGUAGE,
        metadata={"description": "Language of the PDF's own words; by default the receipt's."},
    )


class EventOut(Schema):
    purpose = fields.String(required=True)
    status = fields.String(
        required=True, metadata={"description": "As the Data Privacy Vocabulary names it: ConsentGiven, …"}
    )
    at = fields.String(required=True, metadata={"format": "date-time"})


class ReceiptExportOut(Schema):
    """A receipt with what it says, its signed form and its proof (null until a checkpoint covers it)."""

    receipt_id = fields.UUID(required=True)
    log = fields.String(required=True)
    log_index = fields.Integer(required=True)
    claims = fields.Raw(required=True, metadata={"type": "object"})
    receipt = fields.String(required=True)
    proof = fields.String(required=True, allow_none=True)
    events = fields.List(fields.Nested(EventOut), required=True)
    notice_url = fields.String(required=True)


class ShownOut(Schema):
    """What was on the screen; each part with the hash that the receipt names and that of the stored bytes."""

    genuine = fields.Boolean(required=True)
    language = fields.String(required=True)
    banner = fields.Raw(required=True, metadata={"type": "object"})
    policy = fields.Raw(required=True, metadata={"type": "object"})
    notice = fields.Raw(required=True, metadata={"type": "object"})


class DecidedByOut(Schema):
    receipt_id = fields.UUID(required=True)
    epoch = fields.Integer(required=True)
    log_index = fields.Integer(required=True)


class PurposeAtOut(Schema):
    """A purpose at an instant; `choice` is null where the visitor was never asked."""

    purpose = fields.String(required=True)
    on = fields.Boolean(required=True)
    choice = fields.String(required=True, allow_none=True)
    action = fields.String()
    policy_version = fields.String()
    decided_at = fields.String(metadata={"format": "date-time"})
    expires_at = fields.String(metadata={"format": "date-time"})
    decided_by = fields.Nested(DecidedByOut, required=True, allow_none=True)


class MomentOut(Schema):
    receipt_id = fields.UUID(required=True)
    epoch = fields.Integer(required=True)
    log_index = fields.Integer(required=True)
    at = fields.String(required=True, metadata={"format": "date-time"})
    action = fields.String(required=True)
    policy_version = fields.String(required=True)
    changed = fields.List(
        fields.String(), required=True, metadata={"description": "Purposes that this receipt decided anew."}
    )


class StateAtOut(Schema):
    at = fields.String(required=True, metadata={"format": "date-time"})
    state = fields.Raw(required=True, metadata={"type": ["object", "null"]})
    purposes = fields.List(fields.Nested(PurposeAtOut), required=True)
    effective = fields.List(fields.String(), required=True)
    moments = fields.List(fields.Nested(MomentOut), required=True)


class VisitorAtOut(StateAtOut):
    visitor_id = fields.UUID(required=True)


class SubjectAtOut(StateAtOut):
    subject = fields.String(required=True)
