"""Published versions, read fast: what consents, banner and the re-consent rule need to know of them.

A published version never changes, so what was parsed once is kept by its row id for the life of the process.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

import orjson
from sqlalchemy import select

from consent_server.bulk import Answer, Line, Sql
from consent_server.columns import INTEGER
from consent_server.db import db
from consent_server.policies.facts import VersionFacts
from consent_server.policies.models import Policy, PolicyVersion
from consent_server.sites.models import Site
from consent_server.sites.service import UnknownSite, site_by_key

Profile = Literal["opt_in", "opt_out"]


@dataclass(frozen=True)
class PublishedVersion:
    """One published version. `notices` maps language to the hash and title of its text; `waivers` are the findings let pass."""

    id: int
    facts: VersionFacts
    sha256: str
    published_at: datetime
    elsewhere: bool
    notices: Mapping[str, Mapping[str, str]]
    purposes: tuple[Mapping[str, Any], ...]
    waivers: tuple[Mapping[str, str], ...] = ()

    @property
    def number(self) -> str:
        """`major.minor`."""
        return self.facts.number


@dataclass(frozen=True)
class SiteView:
    """A site with the versions of the policy that its banner asks about, oldest first.

    `popups` are the numbers of those whose changes are told in a dialog. `forms` is for what others compute from the view and keep as long as it (`consents/forms.py`).
    """

    id: int
    key: str
    revision: int
    origins: frozenset[str]
    languages: tuple[str, ...]
    region_profile: str
    lifetime: timedelta
    theme: Mapping[str, Any]
    texts: Mapping[str, Mapping[str, str]]
    policy_key: str
    versions: tuple[PublishedVersion, ...]
    popups: tuple[str, ...] = ()
    forms: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def profile(self) -> Profile:
        """The region profile as the rules name it."""
        return "opt_out" if self.region_profile == "opt_out" else "opt_in"

    @property
    def current(self) -> PublishedVersion | None:
        """The newest version, which the banner shows; None before the first publication."""
        return self.versions[-1] if self.versions else None

    @property
    def facts(self) -> tuple[VersionFacts, ...]:
        """What the re-consent rule reads."""
        return tuple(version.facts for version in self.versions)

    def version(self, number: str) -> PublishedVersion | None:
        """Return the version of this number, or None."""
        return next((version for version in self.versions if version.number == number), None)


_REVISION = Sql("SELECT revision FROM site WHERE id = :site_id", site_id=INTEGER)
_versions: dict[int, PublishedVersion] = {}
_views: dict[str, tuple[float, SiteView]] = {}
_lock = threading.Lock()


def published_versions(policy_id: int) -> tuple[PublishedVersion, ...]:
    """Return all published versions of a policy, oldest first."""
    ids = db.session.scalars(
        select(PolicyVersion.id)
        .where(PolicyVersion.policy_id == policy_id, PolicyVersion.state == "published")
        .order_by(PolicyVersion.major, PolicyVersion.minor)
    ).all()
    missing = [each for each in ids if each not in _versions]
    if missing:
        for row in db.session.scalars(select(PolicyVersion).where(PolicyVersion.id.in_(missing))):
            _versions[row.id] = _parse(row)
    return tuple(_versions[each] for each in ids)


def site_view(site_key: str, *, max_age: float = 0) -> SiteView:
    """Return the site as visitors meet it; at most `max_age` seconds old.

    Raises:
        UnknownSite: there is no such site.
    """
    kept = recent_view(site_key, max_age=max_age)
    if kept is not None:
        return kept
    _hold(site_key, max_age)
    instant = time.monotonic()
    try:
        view = _build(site_by_key(site_key))
    except Exception:
        with _lock:
            _views.pop(site_key, None)
        raise
    with _lock:
        _views[site_key] = (instant, view)
    return view


def recent_view(site_key: str, *, max_age: float) -> SiteView | None:
    """Return the site if this process has read it at most `max_age` seconds ago; asks no database."""
    kept = _views.get(site_key)
    return kept[1] if kept is not None and time.monotonic() - kept[0] < max_age else None


def _hold(site_key: str, max_age: float) -> None:
    """Let others have the old view while whoever found it too old reads it anew."""
    with _lock:
        if max_age > 0 and site_key in _views:
            _views[site_key] = (time.monotonic(), _views[site_key][1])


def ask_refreshed(line: Line, view: SiteView) -> Answer[SiteView]:
    """Ask whether the site has changed since; the answer is the view, read anew if it has."""
    rows = line.ask(_REVISION, site_id=view.id)

    def refreshed() -> SiteView:
        [(revision,)] = rows()
        return view if revision == view.revision else site_view(view.key)

    return refreshed


def forget() -> None:
    """Empty the caches: for tests, which reuse row ids after a rollback."""
    with _lock:
        _versions.clear()
        _views.clear()


def _build(site: Site) -> SiteView:
    policy = db.session.get(Policy, site.policy_id) if site.policy_id is not None else None
    return SiteView(
        id=site.id,
        key=site.key,
        revision=site.revision,
        origins=frozenset(site.origins),
        languages=tuple(site.languages),
        region_profile=site.region_profile,
        lifetime=timedelta(days=site.consent_days),
        theme=site.theme,
        texts=site.texts,
        policy_key=policy.key if policy else "",
        versions=published_versions(policy.id) if policy else (),
        popups=tuple(site.popups),
    )


def _parse(row: PolicyVersion) -> PublishedVersion:
    if row.snapshot is None or row.sha256 is None or row.published_at is None:
        raise ValueError(f"version {row.id} is not published")
    snapshot = orjson.loads(row.snapshot)
    additional = [p["key"] for p in snapshot["purposes"] if p["function"] == "additional"]
    facts = VersionFacts.from_json(
        {"number": snapshot["number"], "changes": snapshot["changes"], "purposes": additional}
    )
    return PublishedVersion(
        id=row.id,
        facts=facts,
        sha256=row.sha256.hex(),
        published_at=row.published_at,
        elsewhere=row.elsewhere,
        notices=snapshot["notices"],
        purposes=tuple(snapshot["purposes"]),
        waivers=tuple(snapshot["waivers"]),
    )


__all__ = [
    "PublishedVersion",
    "SiteView",
    "UnknownSite",
    "ask_refreshed",
    "forget",
    "published_versions",
    "recent_view",
    "site_view",
]
