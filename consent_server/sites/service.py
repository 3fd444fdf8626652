"""Make and change sites."""

import re
import secrets
from collections.abc import Collection, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select

from consent_server.audit import service as audit
from consent_server.db import db
from consent_server.keys import KeyRing
from consent_server.ledger import names
from consent_server.problems import InvalidInput, NotFound, Problem
from consent_server.sites.models import Site

LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?")


class UnknownSite(NotFound):
    slug = "unknown-site"
    title = "There is no site with this key"


class LanguageInUse(Problem):
    slug, status = "language-in-use", HTTPStatus.CONFLICT
    title = "A language in which visitors gave consent would no longer be offered"


def create_site(
    *,
    name: str,
    origins: Sequence[str],
    languages: Sequence[str],
    now: datetime,
    actor: str,
    region_profile: str = "opt_in",
    consent_days: int = 180,
    theme: dict[str, Any] | None = None,
    four_eyes: bool | None = None,
    log_host: str = "localhost",
) -> Site:
    """Make a site with its log and return it.

    Args:
        name: for staff; visitors do not see it.
        origins: exact origins of its pages, as in `https://shop.example`.
        languages: BCP 47 tags, the default first.
        now: the instant of the action.
        actor: who does it, for the audit log.
        region_profile: `opt_in` (nothing before a yes) or `opt_out`.
        consent_days: how long a choice is remembered, a refusal as long as a consent.
        theme: tokens of the banner's look.
        four_eyes: whether a second person approves what is published; None where two people may approve.
        log_host: host name that begins the name of the site's log.

    Raises:
        InvalidInput: an origin or a language is not of the stated form.
    """
    site = Site(
        key="s_" + secrets.token_hex(8),
        name=name.strip(),
        origins=[origin_of(origin) for origin in origins],
        languages=checked_languages(languages),
        region_profile=region_profile,
        consent_days=consent_days,
        theme=theme or {},
        four_eyes=four_eyes,
        created_at=now,
    )
    db.session.add(site)
    db.session.flush()
    names.open_log(site.id, host=log_host, name=site.key)
    audit.record("sites.create", actor=actor, now=now, site_id=site.id, target=site.key, name=site.name)
    return site


def update_site(
    site: Site, *, now: datetime, actor: str, dropping: Sequence[str] = (), **changes: Any
) -> Site:
    """Change name, origins, languages, region_profile, consent_days, theme or four_eyes; the banner follows at once.

    `dropping` names the languages that somebody knows to be offered no longer. Versions and receipts keep them.

    Raises:
        InvalidInput: an origin or a language is not of the stated form, or consents would live longer than their receipts.
        LanguageInUse: a language with history would go that `dropping` does not name.
    """
    if changes.get("consent_days", 0) > site.retention_days:
        raise InvalidInput(
            "Receipts of this site would be erased before their consents end. Keep receipts for longer first.",
            errors={"consent_days": [changes["consent_days"]]},
            retention_days=site.retention_days,
        )
    if "origins" in changes:
        changes["origins"] = [origin_of(origin) for origin in changes["origins"]]
    if "languages" in changes:
        changes["languages"] = checked_languages(changes["languages"])
        gone = sorted(set(site.languages) - set(changes["languages"]))
        if set(gone) - set(dropping) and site.policy_id is not None:
            raise LanguageInUse(
                "Receipts and published versions name it. Confirm that it goes.", languages=gone
            )
    for field, value in changes.items():
        setattr(site, field, value)
    touch(site)
    audit.record(
        "sites.update", actor=actor, now=now, site_id=site.id, target=site.key, fields=sorted(changes)
    )
    return site


def touch(site: Site) -> None:
    """Count up the site's revision: every process builds its banner anew."""
    site.revision += 1
    db.session.flush()


def site_by_key(key: str) -> Site:
    """Return the site of this public key.

    Raises:
        UnknownSite: there is none.
    """
    site = db.session.scalar(select(Site).where(Site.key == key))
    if site is None:
        raise UnknownSite("Copy the tag from the console again.")
    return site


def site_id_of(key: str) -> int | None:
    """Return the id of the site of this public key, or None."""
    return db.session.scalar(select(Site.id).where(Site.key == key))


def all_sites(ids: Collection[int] | None = None) -> Sequence[Site]:
    """Return all sites, or those of these ids, by name."""
    query = select(Site).order_by(Site.name, Site.id)
    return db.session.scalars(query if ids is None else query.where(Site.id.in_(ids))).all()


def reveal_identity_secret(site: Site, *, ring: KeyRing, now: datetime, actor: str) -> str:
    """Return the site's identity secret to a person, and note who saw it."""
    audit.record("sites.reveal_identity_secret", actor=actor, now=now, site_id=site.id, target=site.key)
    return ring.identity_secret(site.key, site.identity_generation)


def rotate_identity_secret(site: Site, *, now: datetime, actor: str) -> None:
    """Replace the site's identity secret; tokens signed with the old one are void at once."""
    site.identity_generation += 1
    audit.record("sites.rotate_identity_secret", actor=actor, now=now, site_id=site.id, target=site.key)


def origin_of(text: str) -> str:
    """Return an origin in the form in which browsers send it: scheme, host, port unless default.

    Raises:
        InvalidInput: not an http or https origin, or with a path.
    """
    try:
        parts = urlsplit(text.strip().rstrip("/"))
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.path
        or parts.query
        or parts.username
    ):
        raise InvalidInput(
            f"{text!r} is not an origin; write it like https://shop.example", errors={"origins": [text]}
        )
    default = {"http": 80, "https": 443}[parts.scheme]
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + ("" if port in (None, default) else f":{port}")


def checked_languages(languages: Sequence[str]) -> list[str]:
    """Return the language tags, each once and in order.

    Raises:
        InvalidInput: none given, or one is not a BCP 47 tag such as `en` or `zh-CN`.
    """
    chosen = list(dict.fromkeys(languages))
    wrong = [tag for tag in chosen if not LANGUAGE.fullmatch(tag)]
    if wrong or not chosen:
        raise InvalidInput(
            "Name at least one language, as BCP 47 has it: en, zh-CN.",
            errors={"languages": wrong or ["none"]},
        )
    return chosen
