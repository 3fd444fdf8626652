"""What a site's owner pastes: the script element of the tag, evergreen or pinned to the build of now."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from consent_server.banner import pins, service
from consent_server.policies.published import SiteView

# Stands behind a tag that holds known trackers. While a page waits for its first script, Chromium looks ahead in the source
# and asks for what it finds; with a policy to come it cannot know what may be asked for, and waits. An empty one forbids
# nothing (HTML, "Content security policy state": of an empty string nothing follows).
NO_LOOKING_AHEAD = '<meta http-equiv="Content-Security-Policy" content="">'


def address_of(site_key: str, *, api: str) -> str:
    """Return where the evergreen tag is served; `api` is the server's address without a path."""
    return f"{api}/w/{site_key}.js"


def evergreen(site_key: str, theme: Mapping[str, Any], *, api: str) -> str:
    """Return what embeds the tag that follows every publication."""
    return f'<script src="{address_of(site_key, api=api)}"></script>{_behind(theme)}'


def pinned(view: SiteView, *, api: str, now: datetime) -> str:
    """Return what embeds the tag pinned as it is now; empty before the first publication."""
    if view.current is None:
        return ""
    tag = service.build(view, api=api, now=now)
    return pins.element(tag.bodies[""], site_key=view.key, api=api) + _behind(view.theme)


def holds_trackers(theme: Mapping[str, Any]) -> bool:
    """Tell whether a site's tag holds known trackers that nobody has marked."""
    return "trackers" in theme


def _behind(theme: Mapping[str, Any]) -> str:
    return NO_LOOKING_AHEAD if holds_trackers(theme) else ""
