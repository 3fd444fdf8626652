"""Build the tag: bundle and configuration as one response, precompressed, with an ETag; kept per process."""

import gzip
import hashlib
import threading
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from http import HTTPStatus
from typing import Any

import brotli
import orjson

from consent_server import assets
from consent_server.banner import builds, configuration, pins, trackers
from consent_server.banner.words import locales
from consent_server.db import transaction
from consent_server.policies.published import PublishedVersion, SiteView
from consent_server.problems import Problem
from consent_server.sites.languages import choose_language


class NothingPublished(Problem):
    slug, status = "nothing-published", HTTPStatus.CONFLICT
    title = "The site has no published policy version yet"


@dataclass(frozen=True, eq=False)
class Tag:
    """The tag's response. `build` is the hash that receipts name; `bodies` maps encoding to bytes."""

    build: str
    etag: str
    bodies: dict[str, bytes]


_tags: dict[tuple[str, str, int], Tag] = {}
_lock = threading.Lock()


def build(site: SiteView, *, api: str, now: datetime) -> Tag:
    """Return the site's tag, made anew when the site has changed; stores what it is before it goes out.

    Raises:
        NothingPublished: there is nothing to ask about yet.
    """
    made = kept(site, api=api)
    if made is not None:
        return made
    tag = _make(site, current(site), api=api, now=now)
    with _lock:
        for key in [key for key in _tags if key[0] == site.key and key[2] != site.revision]:
            del _tags[key]
        _tags[site.key, api, site.revision] = tag
    return tag


def kept(site: SiteView, *, api: str) -> Tag | None:
    """Return the site's tag if this process has made it; asks no database."""
    return _tags.get((site.key, api, site.revision))


def banner(site: SiteView, *, language: str | None, api: str, now: datetime) -> dict[str, Any]:
    """Return what the widget shows in one language, as data."""
    version = current(site)
    there = tuple(each for each in site.languages if each in version.notices)
    chosen = choose_language(language, there or tuple(version.notices))
    tag = build(site, api=api, now=now)
    return configuration.full(site, version, language=chosen, build=tag.build, api=api, locales=locales())


def current(site: SiteView) -> PublishedVersion:
    """Return the version that the banner asks about."""
    if site.current is None:
        raise NothingPublished("Publish a version in the console, then reload the page.")
    return site.current


@lru_cache(maxsize=64)
def compressed(body: bytes) -> dict[str, bytes]:
    """Return a file by encoding: brotli, gzip, and plain under the empty name."""
    return {
        "br": brotli.compress(body, quality=11, mode=brotli.MODE_TEXT),
        "gzip": gzip.compress(body, 9, mtime=0),
        "": body,
    }


def forget() -> None:
    """Empty the cache: for tests."""
    with _lock:
        _tags.clear()


def _make(site: SiteView, version: PublishedVersion, *, api: str, now: datetime) -> Tag:
    bundle = assets.core_bundle()
    modules, later = assets.module_bundles()
    config = configuration.baked(site, version, api=api, modules=modules, locales=locales())
    canonical = orjson.dumps(config, option=orjson.OPT_SORT_KEYS).decode()
    digest = builds.build_hash(bundle, canonical)
    body = assets.bound_core(bundle, _script_safe(configuration.wire(config, build=digest)), site.key)
    if config["trackers"]:
        body = assets.bound(assets.guard_bundle(), _script_safe(trackers.wire(config["trackers"]))) + body
    if "report" in config:
        body += assets.bound(
            assets.reporter_bundle(), _script_safe([api, site.key, digest, config["report"]])
        )
    if not builds.is_kept(site.id, digest):
        # Stored before it is served: a receipt can only name what is kept, a page pin only what stays.
        with transaction():
            builds.keep_build(site.id, digest, bundle=bundle, modules=later, configuration=canonical, now=now)
            pins.keep(site.id, body, build=digest, now=now)
        builds.remember(site.id, digest)
    return Tag(digest, hashlib.sha256(body).hexdigest()[:32], compressed(body))


def _script_safe(config: list[Any]) -> bytes:
    """Return JSON that may also stand inside a script element or an old JavaScript string."""
    text = orjson.dumps(config).decode()
    return text.replace("</", "<\\/").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").encode()
