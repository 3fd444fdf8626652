"""The tag, its modules, and the banner as data. Public and cacheable: no visitor is in any of it."""

import re
from typing import Any

from flask import Blueprint as PlainBlueprint
from flask import Response, current_app, make_response, request
from flask.views import MethodView
from marshmallow import Schema, fields, validate

from consent_server import assets, clock
from consent_server.auth import auth
from consent_server.banner import builds, pins, service, tally
from consent_server.banner.outlet import SCRIPT, encoding_for, etag_of, page_of
from consent_server.http import Blueprint, allow_origin, public_url, settings
from consent_server.policies.published import site_view
from consent_server.problems import NotFound
from consent_server.rate_limit import limiter

tag_pages = PlainBlueprint("tag", __name__, url_prefix="/w")
bp = Blueprint("banner", __name__, url_prefix="/v1/sites", description="What the widget shows, as data")
MODULE = re.compile(r"([a-z]+)-([0-9a-f]{16})")
PINNED = re.compile(rf"([^@]+)@([0-9a-f]{{{pins.SHORT}}})")
FOR_EVER = "public, max-age=31536000, immutable"


class BannerQuery(Schema):
    lang = fields.String(
        load_default=None,
        validate=validate.Regexp(r"\A[A-Za-z0-9_-]{1,35}\Z"),
        metadata={
            "description": "Wanted language, BCP 47; another language of the site when it has not this one."
        },
    )


class PurposeOut(Schema):
    key = fields.String(required=True)
    function = fields.String(required=True, validate=validate.OneOf(["basic", "additional"]))
    consent_kind = fields.String(required=True)
    legal_basis = fields.String(required=True)
    name = fields.String(required=True)
    description = fields.String(required=True)
    services = fields.List(fields.Raw(metadata={"type": "object"}), required=True)


class BannerOut(Schema):
    site = fields.String(required=True)
    policy = fields.String(required=True)
    policy_version = fields.String(required=True)
    policy_sha256 = fields.String(required=True)
    policy_title = fields.String(required=True)
    policy_url = fields.String(required=True)
    language = fields.String(required=True)
    languages = fields.List(fields.String(), required=True)
    default_language = fields.String(required=True)
    text_sha256 = fields.String(required=True)
    banner_build = fields.String(required=True)
    region_profile = fields.String(required=True)
    consent_days = fields.Integer(required=True)
    texts = fields.Raw(required=True, metadata={"type": "object"})
    purposes = fields.List(fields.Nested(PurposeOut), required=True)
    versions = fields.List(fields.Raw(metadata={"type": "object"}), required=True)
    popups = fields.List(fields.String(), required=True)
    theme = fields.Raw(required=True, metadata={"type": "object"})


@tag_pages.get("/<string:name>.js")
@auth("public")
def script(name: str) -> Response:
    """Serve a site's tag, or a module that is loaded later, under the hash of them all."""
    allow_origin("*")
    if found := MODULE.fullmatch(name):
        return _module(*found.groups())
    if found := PINNED.fullmatch(name):
        return _pinned(*found.groups())
    view = site_view(name, max_age=settings().config_cache_seconds)
    tag = service.build(view, api=public_url(), now=clock.now())
    origin = page_of(request.headers.get("Referer", ""), view)
    tally.tally_of(current_app).seen(view.id, origin, tag.build)
    encoding = _encoding()
    control = f"public, max-age={settings().tag_max_age}"
    return _cacheable(tag.bodies[encoding], etag_of(tag.etag, encoding), encoding, control)


@bp.route("/<string:site_key>/banner")
class Banner(MethodView):
    @bp.arguments(BannerQuery, location="query")
    @bp.response(200, BannerOut)
    @auth("public")
    def get(self, query: dict[str, Any], site_key: str) -> dict[str, Any]:
        """Return what the widget shows in one language."""
        allow_origin("*")
        view = site_view(site_key, max_age=settings().config_cache_seconds)
        return service.banner(view, language=query["lang"], api=public_url(), now=clock.now())


class ErrorSchema(Schema):
    kind = fields.String(required=True, validate=validate.OneOf(tally.KINDS))
    build = fields.String(required=True, validate=validate.Regexp(r"\A[0-9a-f]{64}\Z"))


@bp.route("/<string:site_key>/errors")
class Errors(MethodView):
    @limiter.limit("30 per minute")
    @bp.arguments(ErrorSchema())
    @bp.response(204)
    @auth("browser")
    def post(self, data: dict[str, str], site_key: str) -> None:
        """Count an error of the tag itself: what kind, of which build, and nothing else."""
        view = site_view(site_key, max_age=settings().config_cache_seconds)
        tally.tally_of(current_app).failed(view.id, data["kind"], data["build"])


def _module(name: str, digest: str) -> Response:
    if digest == assets.module_bundles()[0]:
        body = assets.module_source(name)
    else:
        # A page that has cached the tag from before an upgrade still asks for the modules that belong to it.
        kept = (builds.kept_modules(digest) or {}).get(name)
        body = kept.encode() if kept else None
    if body is None:
        raise NotFound("Reload the page; its tag names the modules that are there.")
    encoding = _encoding()
    etag = etag_of(f"{name}-{digest}", encoding)
    return _cacheable(service.compressed(body)[encoding], etag, encoding, FOR_EVER)


def _pinned(site_key: str, digest: str) -> Response:
    """Answer a page that has pinned its tag by hash: the same bytes, for ever."""
    view = site_view(site_key, max_age=settings().config_cache_seconds)
    body = pins.kept(view.id, digest)
    if body is None:
        raise NotFound("No tag of this site has this hash; `consent-server site show` prints the one to pin.")
    encoding = _encoding()
    return _cacheable(service.compressed(body)[encoding], etag_of(digest, encoding), encoding, FOR_EVER)


def _encoding() -> str:
    """Return the best encoding that the browser takes; "" for none."""
    return encoding_for(request.headers.get("Accept-Encoding", ""))


def _cacheable(body: bytes, etag: str, encoding: str | None, control: str) -> Response:
    response = make_response(body)
    response.content_type = SCRIPT
    response.headers["Cache-Control"] = control
    response.headers["Vary"] = "Accept-Encoding"
    if encoding:
        response.headers["Content-Encoding"] = encoding
    response.set_etag(etag)
    response.make_conditional(request)
    return response
