"""The tag to paste, a live test of a page that embeds it, and of an address of the site's own that leads to this server."""

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from consent_server import clock, fetching, setting_labels
from consent_server.auth import auth
from consent_server.banner import elements, embedding
from consent_server.banner import service as banner
from consent_server.http import public_url, settings
from consent_server.policies.published import site_view
from consent_server.problems import InvalidInput, Problem
from consent_server.rate_limit import limiter
from consent_server.screens import page, text
from consent_server.sites import service
from consent_server.sites.models import Site

bp = Blueprint("snippet", __name__, url_prefix="/console/sites/<site_key>/settings/tag")


@bp.get("")
@auth("staff", "sites.read")
def show(site_key: str) -> ResponseReturnValue:
    """Show the tag, and the forms that test it."""
    return _page(service.site_by_key(site_key))


@bp.post("")
@limiter.limit("20 per minute")
@auth("staff", "sites.read")
def test(site_key: str) -> ResponseReturnValue:
    """Fetch a page of the site and say whether it embeds the tag as it should. Changes nothing."""
    site = service.site_by_key(site_key)
    try:
        fetched = _fetched(text("address"), site, field="address")
    except InvalidInput as problem:
        return _page(site, problem=problem)
    html = fetched.body.decode("utf-8", "replace")
    policies = fetched.headers.get("content-security-policy", [])
    found = embedding.check(
        html,
        page=fetched.address,
        tag=_tag(site),
        policies=policies,
        holds_trackers=elements.holds_trackers(site.theme),
    )
    return _page(site, tested=fetched, found=found)


@bp.post("/first-party")
@limiter.limit("20 per minute")
@auth("staff", "sites.read")
def test_first_party(site_key: str) -> ResponseReturnValue:
    """Ask an address of the site's own for the tag and compare it with what this server makes. Changes nothing."""
    site = service.site_by_key(site_key)
    try:
        base = text("own").rstrip("/")
        fetched = _fetched(elements.address_of(site.key, api=base) if base else "", site, field="own")
    except InvalidInput as problem:
        return _page(site, problem=problem)
    return _page(site, own=fetched, own_found=[embedding.Finding("same", _same(site, fetched))])


def _fetched(address: str, site: Site, *, field: str) -> fetching.Fetched:
    """Fetch an address of the site.

    Raises:
        InvalidInput: it is none, or it was not fetched; the message says why.
    """
    try:
        return fetching.fetch(
            address, origins=site.origins, origin_of=service.origin_of, allow_private=settings().fetch_private
        )
    except fetching.NotFetched as error:
        raise InvalidInput(
            "The page was not fetched.", errors={field: str(setting_labels.NOT_FETCHED[error.reason])}
        ) from error
    except InvalidInput as error:
        words = str(_("Write an address such as https://shop.example/page."))
        raise InvalidInput("The page was not fetched.", errors={field: words}) from error


def _same(site: Site, fetched: fetching.Fetched) -> str:
    try:
        made = banner.build(site_view(site.key), api=public_url(), now=clock.now()).bodies[""]
    except Problem:
        return "unknown"
    kind = fetched.headers.get("content-type", [""])[0]
    return "good" if fetched.status == 200 and "javascript" in kind and fetched.body == made else "bad"


def _tag(site: Site) -> str:
    return elements.address_of(site.key, api=public_url())


def _page(site: Site, **shown: Any) -> ResponseReturnValue:
    first = urlsplit(site.origins[0])
    return page(
        "settings/tag.html",
        site=site,
        tag=elements.evergreen(site.key, site.theme, api=public_url()),
        holds_trackers=elements.holds_trackers(site.theme),
        first=f"{first.scheme}://{first.netloc}/",
        **shown,
    )
