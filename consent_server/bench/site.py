"""A site to measure: two languages, one basic and three additional purposes, one published version."""

from typing import Any

from flask import Flask

from consent_server import clock
from consent_server.banner import service as banner
from consent_server.db import db, transaction
from consent_server.policies import drafting, publishing
from consent_server.policies.published import site_view
from consent_server.purposes.service import replace_purposes
from consent_server.sites.api_keys import issue_api_key
from consent_server.sites.models import Site
from consent_server.sites.scopes import SCOPES
from consent_server.sites.service import create_site

ACTOR = "bench"
ORIGIN = "https://shop.example"
TEXTS = {
    "en": "# Privacy notice\n\n## What we use\n\nCookies for the basket, and others only if you agree.\n\n"
    "## Your choice\n\nYou can change it at any time, on every page.\n",
    "zh-CN": "# 隐私声明\n\n## 我们使用什么\n\n购物车所需的 Cookie；其他的只在您同意后使用。\n\n"
    "## 您的选择\n\n您可以随时在任何页面更改。\n",
}
PURPOSES = [
    ("necessary", "Necessary", "必要", "basket", "lb_basket"),
    ("analytics", "Statistics", "统计", "statistics", "stat_*"),
    ("maps", "Maps", "地图", "map", "map_view"),
    ("marketing", "Advertising", "广告", "adverts", "ad_id"),
]


def make_site(app: Flask, *, api: str) -> tuple[str, dict[str, Any], str]:
    """Make and publish the site; return its key, its banner as `api`, the server's address, will show it, and an API key."""
    with app.app_context():
        try:
            with transaction():
                site = _published_site()
                key = site.key
                _, token = issue_api_key(site, name="bench", scopes=SCOPES, now=clock.now(), actor=ACTOR)
            return key, banner.banner(site_view(key), language="en", api=api, now=clock.now()), token
        finally:
            db.session.remove()
            db.engine.dispose()


def _published_site() -> Site:
    site = create_site(name="Bench", origins=[ORIGIN], languages=list(TEXTS), now=clock.now(), actor=ACTOR)
    replace_purposes(site, [_purpose(*each) for each in PURPOSES], now=clock.now(), actor=ACTOR)
    _publish(site)
    return site


def _publish(site: Site) -> None:
    title = {"en": "Privacy notice", "zh-CN": "隐私声明"}
    policy = drafting.create_policy(site, key="privacy", title=title, now=clock.now(), actor=ACTOR)
    draft = drafting.open_draft(policy, now=clock.now(), actor=ACTOR)
    for language, source in TEXTS.items():
        drafting.save_notice(
            draft, language=language, text_format="markdown", source=source, now=clock.now(), actor=ACTOR
        )
    publishing.publish_version(draft, now=clock.now(), actor=ACTOR)


def publish_next(site: Site) -> None:
    """Publish the next version, which says the same in other words."""
    policy = drafting.policy_by_key(site, "privacy")
    draft = drafting.open_draft(policy, now=clock.now(), actor=ACTOR)
    for language, old, new in (("en", "at any time", "whenever you like"), ("zh-CN", "随时", "随时随地")):
        source = TEXTS[language].replace(old, new)
        drafting.save_notice(
            draft, language=language, text_format="markdown", source=source, now=clock.now(), actor=ACTOR
        )
    summary = {"en": "Other words.", "zh-CN": "措辞调整。"}
    drafting.set_changes(
        draft, [{"type": "wording", "purposes": None, "summary": summary}], now=clock.now(), actor=ACTOR
    )
    publishing.publish_version(draft, now=clock.now(), actor=ACTOR)


def _purpose(key: str, english: str, chinese: str, service: str, cookie: str) -> dict[str, Any]:
    basic = key == "necessary"
    described = {
        "en": {"description": f"{english}: what it is for, in a sentence of the usual length."},
        "zh-CN": {"description": f"{chinese}：用一句通常长度的话说明用途。"},
    }
    return {
        "key": key,
        "function": "basic" if basic else "additional",
        "consent_kind": "general",
        "legal_basis": "contract" if basic else "consent",
        "texts": {
            "en": {"name": english} | described["en"],
            "zh-CN": {"name": chinese} | described["zh-CN"],
        },
        "services": [
            {
                "key": service,
                "name": english,
                "provider": "Bench",
                "privacy_url": "",
                "texts": described,
                "cookies": [
                    {
                        "name": cookie,
                        "pattern": cookie.endswith("*"),
                        "store": "cookie",
                        "party": "first",
                        "lifetime": "P13M",
                        "texts": described,
                    }
                ],
            }
        ],
    }
