"""Public pages of policy versions; the address of a version never changes, and neither does what it shows."""

from typing import Any

from flask import Blueprint, g, make_response, request
from flask.typing import ResponseReturnValue

from consent_server import clock, i18n
from consent_server.auth import auth
from consent_server.http import public_url
from consent_server.policies.announcing import announced
from consent_server.policies.api import UnknownVersionPage, find_text
from consent_server.policies.drafting import policy_by_key
from consent_server.policies.published import published_versions
from consent_server.policies.text import parse
from consent_server.screens import page
from consent_server.sites.languages import choose_language, in_order
from consent_server.sites.service import site_by_key

bp = Blueprint("public", __name__, url_prefix="/p")


@bp.get("/<site_key>/<policy_key>/<number>")
@auth("public")
def notice(site_key: str, policy_key: str, number: str) -> ResponseReturnValue:
    """Show one version of a policy in one language."""
    g.page_language = _wanted()  # errors speak it too
    version, text = find_text(site_key, policy_key, number, _wanted())
    g.page_language = i18n.closest(text.language)
    document = parse(text.source, language=text.language, format=text.format)  # type: ignore[arg-type]  # the table allows these two only
    site = site_by_key(site_key)
    policy = policy_by_key(site, policy_key)
    versions = published_versions(policy.id)
    later = [each for each in versions if each.facts.order > version.facts.order]
    return _public(
        "public/notice.html",
        site_key=site_key,
        policy_key=policy_key,
        version=version,
        languages=in_order(site.languages, version.notices),
        language=text.language,
        document=document,
        outline=[entry for entry in document.outline() if entry.level <= 2 and entry.heading],
        text_sha256=text.sha256.hex(),
        newest=later[-1] if later else None,
        coming=None if later else announced(policy),
        permalink=f"{public_url()}/p/{site_key}/{policy_key}/{number}?lang={text.language}",
        published=clock.iso(version.published_at),
    )


@bp.get("/<site_key>/<policy_key>")
@auth("public")
def history(site_key: str, policy_key: str) -> ResponseReturnValue:
    """List a policy's versions, newest first, with what changed in each."""
    g.page_language = _wanted()
    site = site_by_key(site_key)
    policy = policy_by_key(site, policy_key)
    versions = published_versions(policy.id)[::-1]
    if not versions:
        raise UnknownVersionPage("Nothing is published yet.")
    language = choose_language(_wanted(), tuple(site.languages))
    g.page_language = i18n.closest(language)
    return _public(
        "public/history.html",
        site_key=site_key,
        policy_key=policy_key,
        versions=versions,
        coming=announced(policy),
        languages=site.languages,
        language=language,
        title=policy.title.get(language) or next(iter(policy.title.values()), policy.key),
    )


def _wanted() -> str | None:
    asked = request.args.get("lang")
    return asked or (request.accept_languages[0][0] if request.accept_languages else None)


def _public(template: str, **values: Any) -> ResponseReturnValue:
    response = make_response(page(template, **values))
    response.headers["Cache-Control"] = "public, max-age=300"
    response.headers["Vary"] = "Accept-Language"
    return response
