"""What a site's owner pastes: the script element of the tag, evergreen or pinned to the build of now."""

from datetime import datetime

from consent_server.banner import pins, service
from consent_server.policies.published import SiteView


def address_of(site_key: str, *, api: str) -> str:
    """Return where the evergreen tag is served; `api` is the server's address without a path."""
    return f"{api}/w/{site_key}.js"


def evergreen(site_key: str, *, api: str) -> str:
    """Return the element of the tag that follows every publication."""
    return f'<script src="{address_of(site_key, api=api)}"></script>'


def pinned(view: SiteView, *, api: str, now: datetime) -> str:
    """Return the element that pins the tag as it is now; empty before the first publication."""
    if view.current is None:
        return ""
    tag = service.build(view, api=api, now=now)
    return pins.element(tag.bodies[""], site_key=view.key, api=api)
