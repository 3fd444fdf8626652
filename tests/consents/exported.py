"""What the tests of exports share: a site with a full profile, services and cookies, and receipts of it."""

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from consent_server.db import db, transaction
from consent_server.ledger.tasks import integrate_logs
from consent_server.sites.models import Site
from consent_server.sites.profile import set_profile
from tests import make

PROFILE = {
    "controller": "Example Books Ltd",
    "contact": "Privacy desk",
    "address": "1 Sample Street, 10115 Berlin, Germany",
    "email": "privacy@shop.example",
    "phone": "+49 30 1234567",
    "jurisdiction": "DE",
    "storage_locations": ["DE", "IE"],
    "withdrawal_url": "https://shop.example/privacy",
}


def full_site(**profile: Any) -> Site:
    """Make a published site whose purposes have services, and whose profile is complete unless told otherwise."""
    site = make.site()
    make.policy(site)
    counter = make.service(
        "counter",
        cookies=[make.cookie("_count*", pattern=True)],
        privacy_url="https://counter.example/privacy",
    )
    make.purposes(
        site,
        described=[
            make.purpose("essential", "basic"),
            make.purpose("analytics", services=[counter]),
            make.purpose("maps", consent_kind="separate"),
        ],
    )
    make.published_version(site)
    chosen = {key: value for key, value in (PROFILE | profile).items() if value is not None}
    with transaction():
        set_profile(site, chosen, now=make.NOW, actor=make.STAFF)
    return site


def get(client: FlaskClient, site: Site, path: str, **query: str) -> TestResponse:
    """Ask as the site's own server."""
    headers = {"Authorization": f"Bearer {make.api_key(site)}"}
    return client.get(f"/v1/sites/{site.key}/{path}", query_string=query, headers=headers)


def receipt(
    client: FlaskClient, site: Site, made: dict[str, Any], form: str = "", **query: str
) -> TestResponse:
    """Return a receipt in a form."""
    return get(client, site, f"receipts/{made['receipt_id']}{form}", **query)


def integrate() -> None:
    """Sign a checkpoint over what there is."""
    db.session.commit()
    integrate_logs()
