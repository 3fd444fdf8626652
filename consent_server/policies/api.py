"""A policy's history and texts as JSON. A version's address and its content never change."""

from typing import Any

from flask.views import MethodView
from marshmallow import Schema, fields, validate

from consent_server import clock
from consent_server.auth import auth
from consent_server.db import db
from consent_server.http import Blueprint, allow_origin, public_url
from consent_server.policies.drafting import policy_by_key
from consent_server.policies.models import Notice
from consent_server.policies.published import PublishedVersion, published_versions
from consent_server.policies.text import parse
from consent_server.problems import NotFound
from consent_server.sites.languages import choose_language, in_order
from consent_server.sites.service import site_by_key

bp = Blueprint("policies", __name__, url_prefix="/v1/sites", description="Policy versions and their texts")


class UnknownVersionPage(NotFound):
    slug = "unknown-policy-version"
    title = "The policy has no version with this number in this language"


class LanguageQuery(Schema):
    lang = fields.String(load_default=None, validate=validate.Regexp(r"\A[A-Za-z0-9_-]{1,35}\Z"))


class VersionOut(Schema):
    number = fields.String(required=True)
    published_at = fields.String(required=True, metadata={"format": "date-time"})
    published_elsewhere = fields.Boolean(required=True)
    sha256 = fields.String(required=True)
    languages = fields.List(fields.String(), required=True)
    changes = fields.List(fields.Raw(metadata={"type": "object"}), required=True)
    waivers = fields.List(fields.Raw(metadata={"type": "object"}), required=True)
    url = fields.String(required=True)


class VersionListOut(Schema):
    policy = fields.String(required=True)
    title = fields.Raw(required=True, metadata={"type": "object"})
    versions = fields.List(fields.Nested(VersionOut), required=True)


class VersionTextOut(VersionOut):
    language = fields.String(required=True)
    title = fields.String(required=True)
    text_sha256 = fields.String(required=True)
    format = fields.String(required=True)
    source = fields.String(required=True)
    html = fields.String(required=True)
    purposes = fields.List(fields.Raw(metadata={"type": "object"}), required=True)


@bp.route("/<string:site_key>/policies/<string:policy_key>/versions")
class Versions(MethodView):
    @bp.arguments(LanguageQuery, location="query")
    @bp.response(200, VersionListOut)
    @auth("public")
    def get(self, query: dict[str, Any], site_key: str, policy_key: str) -> dict[str, Any]:
        """Return a policy's published versions, newest first."""
        allow_origin("*")
        policy = policy_by_key(site_by_key(site_key), policy_key)
        versions = reversed(published_versions(policy.id))
        return {
            "policy": policy.key,
            "title": policy.title,
            "versions": [facts(each, site_key, policy_key) for each in versions],
        }


@bp.route("/<string:site_key>/policies/<string:policy_key>/versions/<string:number>")
class Version(MethodView):
    @bp.arguments(LanguageQuery, location="query")
    @bp.response(200, VersionTextOut)
    @auth("public")
    def get(self, query: dict[str, Any], site_key: str, policy_key: str, number: str) -> dict[str, Any]:
        """Return one version's text in one language, as source and as safe HTML."""
        allow_origin("*")
        version, notice = find_text(site_key, policy_key, number, query["lang"])
        document = parse(notice.source, language=notice.language, format=notice.format)  # type: ignore[arg-type]  # the table allows these two only
        return facts(version, site_key, policy_key) | {
            "language": notice.language,
            "title": document.title,
            "text_sha256": notice.sha256.hex(),
            "format": notice.format,
            "source": notice.source,
            "html": document.html,
            "purposes": list(version.purposes),
        }


def find_text(
    site_key: str, policy_key: str, number: str, wanted: str | None
) -> tuple[PublishedVersion, Notice]:
    """Return a version and its text in the wanted language, else in the site's first that it has.

    Raises:
        UnknownSite, UnknownPolicy, UnknownVersionPage: as their names say.
    """
    site = site_by_key(site_key)
    policy = policy_by_key(site, policy_key)
    version = next((each for each in published_versions(policy.id) if each.number == number), None)
    if version is None or not version.notices:
        raise UnknownVersionPage("`…/versions` lists those that there are.")
    there = in_order(site.languages, version.notices)
    language = choose_language(wanted, tuple(there))
    notice = db.session.query(Notice).filter_by(version_id=version.id, language=language).one()
    return version, notice


def facts(version: PublishedVersion, site_key: str, policy_key: str) -> dict[str, Any]:
    """Return what lists show of a version."""
    return {
        "number": version.number,
        "published_at": clock.iso(version.published_at),
        "published_elsewhere": version.elsewhere,
        "sha256": version.sha256,
        "languages": sorted(version.notices),
        "changes": [change.to_json() for change in version.facts.changes],
        "waivers": list(version.waivers),
        "url": f"{public_url()}/p/{site_key}/{policy_key}/{version.number}",
    }
