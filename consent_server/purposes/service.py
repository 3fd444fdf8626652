"""Describe a site's purposes, services and cookies, and freeze them for a policy version."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from consent_server.audit import service as audit
from consent_server.db import db
from consent_server.purposes import signals
from consent_server.purposes.models import Cookie, Purpose, Service
from consent_server.sites.models import Site


def purposes_of(site: Site) -> Sequence[Purpose]:
    """Return the site's purposes in the order in which visitors see them."""
    return db.session.scalars(
        select(Purpose).where(Purpose.site_id == site.id).order_by(Purpose.position)
    ).all()


def replace_purposes(
    site: Site, described: Sequence[dict[str, Any]], *, now: datetime, actor: str
) -> Sequence[Purpose]:
    """Replace the site's purposes by those described (shape: `PurposeSchema`); visitors see them once published."""
    for purpose in purposes_of(site):
        db.session.delete(purpose)
    db.session.flush()  # the old keys must be gone before the new rows take them
    for position, data in enumerate(described):
        db.session.add(_purpose(site, position, data))
    db.session.flush()
    keys = [data["key"] for data in described]
    audit.record("purposes.replace", actor=actor, now=now, site_id=site.id, target=site.key, purposes=keys)
    return purposes_of(site)


def freeze(site: Site) -> list[dict[str, Any]]:
    """Return all purposes as a version's snapshot keeps them: as described, with the signals to vendors that each grants."""
    described = describe(site)
    granting = signals.of_purposes(site.theme, [purpose["key"] for purpose in described])
    return [
        purpose | ({"signals": granting[purpose["key"]]} if purpose["key"] in granting else {})
        for purpose in described
    ]


def describe(site: Site) -> list[dict[str, Any]]:
    """Return all purposes as plain data, in the shape that `replace_purposes` takes."""
    return [
        {
            "key": purpose.key,
            "function": purpose.function,
            "consent_kind": purpose.consent_kind,
            "legal_basis": purpose.legal_basis,
            "texts": purpose.texts,
            "services": [_frozen_service(service) for service in purpose.services],
        }
        for purpose in purposes_of(site)
    ]


def _frozen_service(service: Service) -> dict[str, Any]:
    return {
        "key": service.key,
        "name": service.name,
        "provider": service.provider,
        "privacy_url": service.privacy_url,
        "texts": service.texts,
        "cookies": [
            {
                "name": cookie.name,
                "pattern": cookie.pattern,
                "store": cookie.store,
                "party": cookie.party,
                "lifetime": cookie.lifetime,
                "texts": cookie.texts,
            }
            for cookie in service.cookies
        ],
    }


def _purpose(site: Site, position: int, data: dict[str, Any]) -> Purpose:
    plain = {name: value for name, value in data.items() if name != "services"}
    services = [_service(place, each) for place, each in enumerate(data.get("services", []))]
    return Purpose(site_id=site.id, position=position, services=services, **plain)


def _service(position: int, data: dict[str, Any]) -> Service:
    plain = {name: value for name, value in data.items() if name != "cookies"}
    cookies = [Cookie(position=place, **each) for place, each in enumerate(data.get("cookies", []))]
    return Service(position=position, cookies=cookies, **plain)
