"""Who stands behind a site, as exported receipts must state it: the controller, its contact, where data lies."""

from collections.abc import Iterable
from datetime import datetime
from http import HTTPStatus
from typing import Any

from marshmallow import Schema, fields, validate

from consent_server.audit import service as audit
from consent_server.db import db
from consent_server.problems import Problem
from consent_server.schema import load
from consent_server.sites.models import Site

# ISO 3166-1 and -2 codes, and EU, which the vocabularies know.
PLACE = validate.Regexp(r"\A([A-Z]{2}|[A-Z]{2}-[A-Z0-9]{1,3})\Z", error="Write it like DE, US-CA or EU.")
TEXT = validate.Length(1, 300)


class ProfileIncomplete(Problem):
    """`missing` names the fields."""

    slug, status = "profile-incomplete", HTTPStatus.CONFLICT
    title = "The site's profile lacks what this format requires"


class ProfileSchema(Schema):
    """A site's profile. All fields may be left out; a format that needs one says so when it is asked for."""

    controller = fields.String(validate=TEXT, metadata={"description": "The organisation's full name."})
    contact = fields.String(validate=TEXT, metadata={"description": "Who answers: a person or department."})
    address = fields.String(validate=validate.Length(1, 1_000))
    email = fields.Email()
    phone = fields.String(
        validate=validate.Regexp(r"\A\+?[0-9][0-9 ()./-]{3,30}\Z", error="Write it like +49 30 1234.")
    )
    url = fields.Url(schemes={"https", "http"})
    jurisdiction = fields.String(validate=PLACE)
    storage_locations = fields.List(fields.String(validate=PLACE), validate=validate.Length(1, 30))
    withdrawal_url = fields.Url(schemes={"https", "http"})


def set_profile(site: Site, data: Any, *, now: datetime, actor: str) -> None:
    """Replace a site's profile.

    Raises:
        InvalidInput: a field is unknown or wrong.
    """
    site.profile = load(ProfileSchema(), data)
    db.session.flush()
    audit.record(
        "sites.set_profile",
        actor=actor,
        now=now,
        site_id=site.id,
        target=site.key,
        fields=sorted(site.profile),
    )


def require(site: Site, names: Iterable[str], *, form: str) -> dict[str, Any]:
    """Return the profile if it holds these fields.

    Raises:
        ProfileIncomplete: it lacks some; the problem names them.
    """
    missing = [name for name in names if not site.profile.get(name)]
    if missing:
        raise ProfileIncomplete(
            f"{form} states the controller. Set {', '.join(missing)} with `consent-server site profile`.",
            missing=missing,
        )
    return site.profile
