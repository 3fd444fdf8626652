"""GET /v1/sites/<site_key>/banner: what the widget shows, as data."""

import hashlib

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from consent_server.banner.models import BannerBuild
from consent_server.db import db
from consent_server.purposes.models import Purpose
from tests import make
from tests.contract.problems import problem


def test_it_names_at_least_what_the_contract_names(client: FlaskClient) -> None:
    site = make.ready_site()

    banner = make.banner(client, site, lang="en")

    assert banner["policy_version"] == "1.0"
    assert banner["language"] == "en"
    assert len(banner["banner_build"]) == 64
    assert [(p["key"], p["function"], p["name"]) for p in banner["purposes"]] == [
        ("essential", "basic", "Essential"),
        ("analytics", "additional", "Statistics"),
        ("maps", "additional", "Maps"),
    ]
    assert all(p["description"] for p in banner["purposes"])


@pytest.mark.parametrize(
    ("wanted", "language"),
    [
        ("en", "en"), ("zh-CN", "zh-CN"), ("zh", "zh-CN"), ("zh-Hant-TW", "zh-CN"), ("ZH_cn", "zh-CN"), ("en-GB", "en"),
        ("fr", "en"), (None, "en"),
    ],
)  # fmt: skip
def test_a_missing_language_falls_back_to_one_that_the_site_has(
    client: FlaskClient, wanted: str | None, language: str
) -> None:
    site = make.ready_site()

    banner = make.banner(client, site, **({"lang": wanted} if wanted else {}))

    assert banner["language"] == language
    assert banner["purposes"][1]["name"] == {"en": "Statistics", "zh-CN": "统计"}[language]


def test_anybody_may_read_it(client: FlaskClient) -> None:
    response = client.get(
        f"/v1/sites/{make.ready_site().key}/banner", headers={"Origin": "https://elsewhere.example"}
    )

    assert response.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    "query", ["lang=en%00", "lang=" + "e" * 36, "lang=", "lang=%E4%B8%AD", "language=en"]
)
def test_a_query_that_makes_no_sense_is_refused(client: FlaskClient, query: str) -> None:
    problem(client.get(f"/v1/sites/{make.ready_site().key}/banner?{query}"), 422, "invalid-input")


def test_what_was_served_is_kept_under_the_hash_that_receipts_name(client: FlaskClient) -> None:
    site = make.ready_site()

    build = make.banner(client, site)["banner_build"]

    kept = db.session.get_one(BannerBuild, (site.id, bytes.fromhex(build)))
    assert hashlib.sha256(kept.bundle + kept.configuration.encode()).hexdigest() == build


def test_purposes_that_are_not_published_yet_are_not_shown(client: FlaskClient) -> None:
    site = make.ready_site()
    make.purposes(site, "analytics", "maps", "ads")

    shown = [p["key"] for p in make.banner(client, site)["purposes"]]

    assert shown == ["essential", "analytics", "maps"]
    assert len(db.session.scalars(select(Purpose).where(Purpose.site_id == site.id)).all()) == 4


def test_services_and_cookies_come_in_the_visitors_language(client: FlaskClient) -> None:
    site = make.site()
    make.policy(site)
    cookie = make.cookie(
        "_c*", pattern=True, texts={"en": {"description": "Counts"}, "zh-CN": {"description": "计数"}}
    )
    service = make.service("counter", cookies=[cookie], texts={"zh-CN": {"description": "计数器"}})
    make.purposes(site, described=[make.purpose("analytics", services=[service])])
    make.published_version(site)

    (shown,) = make.banner(client, site, lang="zh")["purposes"][0]["services"]

    assert shown["description"] == "计数器"
    assert shown["privacy_url"] is None
    assert shown["cookies"] == [
        {
            "name": "_c*",
            "pattern": True,
            "store": "cookie",
            "party": "first",
            "lifetime": "P1Y",
            "description": "计数",
        }
    ]
