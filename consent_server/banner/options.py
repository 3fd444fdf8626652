"""What an owner switches on beside the banner's texts: its look, signals to vendors, known trackers. Kept in the site's `theme`."""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates

from consent_server.banner.look import faults
from consent_server.purposes.signals import VENDORS, in_effect
from consent_server.schema import StrictBoolean, load
from consent_server.sites.models import Site
from consent_server.sites.service import update_site

# What stands in a theme and is no token of its look.
BESIDE = ("signals", "trackers", "report", "cookie", "sisters")
TOKEN = re.compile(r"[a-z]+(-[a-z]+)*")
KEY = validate.Regexp(r"\A[A-Za-z0-9_-]{1,40}\Z")
REGION = validate.Regexp(
    r"\A(?!EU|UK)[A-Z]{2}(-[A-Z0-9]{1,3})?\Z",
    error="A code of ISO 3166-2 such as DE or US-CA; instead of EU list its countries, instead of UK write GB.",
)
HOST = validate.Regexp(
    r"\A[a-z0-9-]+(\.[a-z0-9-]+)+(/[^\s]*)?\Z", error="A host, with a path behind it if need be."
)
VALUE = validate.Regexp(
    r"\A[^;{}<>]{1,200}\Z", error="A single CSS value: no semicolon, brace or angle bracket."
)


class SignalSchema(Schema):
    """One vendor: `purposes` replaces the usual keys of purposes, signal by signal."""

    purposes = fields.Dict(
        keys=fields.String(validate=KEY),
        values=fields.List(fields.String(validate=KEY), validate=validate.Length(max=20)),
    )


class RegionSchema(Schema):
    """What holds before a choice in some regions: ISO 3166-2, a country or one of its parts. `EU` is no code."""

    region = fields.List(fields.String(validate=REGION), required=True, validate=validate.Length(1, 100))
    granted = fields.List(fields.String(validate=validate.OneOf(VENDORS["google"])), load_default=list)


class GoogleSchema(SignalSchema):
    """Google Consent Mode v2. Sending identifiers in addresses (`url_passthrough`) is off unless asked for."""

    regions = fields.List(fields.Nested(RegionSchema), validate=validate.Length(max=20))

    advanced = StrictBoolean()
    ads_data_redaction = StrictBoolean()
    url_passthrough = StrictBoolean()
    developer_id = fields.String(validate=validate.Regexp(r"\A[A-Za-z0-9]{1,20}\Z"))


class MatomoSchema(SignalSchema):
    """`cookies_only`: Matomo counts without cookies before a choice, and consent is about its cookies."""

    cookies_only = StrictBoolean()


class SignalsSchema(Schema):
    google = fields.Nested(GoogleSchema)
    clarity = fields.Nested(SignalSchema)
    uet = fields.Nested(SignalSchema)
    matomo = fields.Nested(MatomoSchema)
    meta = fields.Nested(SignalSchema)
    wordpress = fields.Nested(SignalSchema)


class TrackersSchema(Schema):
    """Known trackers wait too. `purposes` says which purpose a kind of the list belongs to, where it is not the usual key."""

    purposes = fields.Dict(keys=fields.String(validate=KEY), values=fields.String(validate=KEY))
    also = fields.Dict(
        keys=fields.String(validate=KEY),
        values=fields.List(fields.String(validate=HOST), validate=validate.Length(max=200)),
    )
    except_ = fields.List(fields.String(validate=HOST), data_key="except", attribute="except")


class ReportSchema(Schema):
    """Errors of the tag itself are reported by this share of page views."""

    percent = fields.Integer(required=True, strict=True, validate=validate.Range(1, 100))


class CookieSchema(Schema):
    """The site's own web server sets a short cookie under this path (docs/recipes)."""

    path = fields.String(required=True, validate=validate.Regexp(r"\A/[A-Za-z0-9/_.-]{1,100}\Z"))


class OptionsSchema(Schema):
    """What `site banner` takes. What is left out is off."""

    theme = fields.Dict(
        keys=fields.String(validate=validate.Regexp(TOKEN.pattern + r"\Z")),
        values=fields.String(validate=VALUE),
    )
    signals = fields.Nested(SignalsSchema)
    trackers = fields.Nested(TrackersSchema, allow_none=True)
    report = fields.Nested(ReportSchema, allow_none=True)
    cookie = fields.Nested(CookieSchema, allow_none=True)
    sisters = StrictBoolean(metadata={"description": "Links between the site's origins take a choice along."})

    @validates("theme")
    def _theme_can_be_read(self, value: dict[str, str], **_: Any) -> None:
        if found := faults(value):
            raise ValidationError({name: [text] for name, text in found.items()})


def set_options(site: Site, data: Any, *, now: datetime, actor: str) -> None:
    """Replace what the owner has switched on; the banner follows at once.

    Raises:
        InvalidInput: a field is unknown or wrong.
    """
    checked = load(OptionsSchema(), data)
    kept = {name: checked[name] for name in BESIDE if checked.get(name) is not None}
    update_site(site, now=now, actor=actor, theme=checked.get("theme", {}) | kept)


def options(site: Site) -> dict[str, Any]:
    """Return what is switched on, in the form that `set_options` takes."""
    return {"theme": look(site.theme)} | {name: site.theme[name] for name in BESIDE if name in site.theme}


def warnings(chosen: Mapping[str, Any]) -> list[str]:
    """Return what an owner should know about what is switched on (in the form of `options`)."""
    google = chosen.get("signals", {}).get("google", {})
    found = []
    if google.get("advanced"):
        found.append(
            "advanced mode lets Google's tags send requests before a choice; the EDPB's guidelines 2/2023 treat that as"
            " access to the visitor's device."
        )
    if google.get("url_passthrough"):
        found.append("url_passthrough puts identifiers into the addresses of your pages.")
    return found


def look(theme: Mapping[str, Any]) -> dict[str, str]:
    """Return the tokens of the banner's look: the rest of a theme is no matter of style."""
    return {key: value for key, value in theme.items() if isinstance(value, str)}


def beside(theme: Mapping[str, Any], origins: Collection[str]) -> dict[str, Any]:
    """Return what the tag's configuration says only where it is switched on.

    Args:
        theme: the site's.
        origins: of its pages, on however many domains.
    """
    found: dict[str, Any] = {}
    if "report" in theme:
        found["report"] = theme["report"]["percent"]
    if "cookie" in theme:
        found["cookie"] = theme["cookie"]["path"]
    if theme.get("sisters"):
        found["sisters"] = sorted(origins)
    return found


def signals(theme: Mapping[str, Any], purposes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return by vendor its signals with the purposes that grant them, and what is set beside them.

    Args:
        theme: the site's.
        purposes: of the version that visitors are asked about, as it has frozen them.
    """
    return {
        vendor: {"signals": in_effect(vendor, chosen, purposes)}
        | ({"commands": _google_commands(chosen)} if vendor == "google" else {})
        for vendor, chosen in theme.get("signals", {}).items()
    }


def _google_commands(chosen: Mapping[str, Any]) -> list[list[Any]]:
    """What follows the default that denies everything everywhere: of several defaults the most specific region's counts."""
    commands: list[list[Any]] = []
    for default in chosen.get("regions", []):
        granted = {"security_storage", *default.get("granted", [])}
        state = {
            signal: "granted" if signal in granted else "denied"
            for signal in ("security_storage", *VENDORS["google"])
        }
        commands.append(["consent", "default", state | {"region": default["region"], "wait_for_update": 500}])
    if chosen.get("ads_data_redaction", True):
        commands.append(["set", "ads_data_redaction", True])
    if chosen.get("url_passthrough", False):
        commands.append(["set", "url_passthrough", True])
    if issued := chosen.get("developer_id"):
        commands.append(["set", f"developer_id.{issued}", True])
    return commands
