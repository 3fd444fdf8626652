"""What the demo needs in the database: site, purposes, policy version 1.0, a draft of 2.0, an account, an API key.

All of it is made in one transaction on the first run; later runs keep what is there and only follow the port.
"""

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from flask import current_app

from consent_server.accounts import service as accounts
from consent_server.accounts.members import grant
from consent_server.accounts.roles import Role
from consent_server.policies import drafting, publishing
from consent_server.policies.models import Policy, PolicyVersion
from consent_server.policies.text import read_sources
from consent_server.problems import NotSignedIn
from consent_server.purposes.schemas import PurposesSchema
from consent_server.purposes.service import replace_purposes
from consent_server.schema import load
from consent_server.sites import api_keys
from consent_server.sites import service as sites
from consent_server.sites.models import Site
from consent_server.sites.scopes import SCOPES

TEXTS = Path(__file__).parent / "texts"
NAME = "Lantern Books"
LANGUAGES = ("zh-CN", "en")
POLICY_KEY = "privacy"
TITLE = {"zh-CN": "灯下书店隐私政策", "en": "Privacy policy of Lantern Books"}
EMAIL = "demo@example.org"
ACTOR = "demo"
# The shop's lamp: a warm accent that has enough contrast on white and, in its light form, on black.
THEME = {
    "accent": "#8a4b08",
    "on-accent": "#ffffff",
    "dark-accent": "#ffc76b",
    "dark-on-accent": "#2a1a02",
}


@dataclass(frozen=True)
class Demo:
    """What a run of the demo hands out. `sign_in_token` works once; the API key stays the same from run to run."""

    site_key: str
    identity_secret: str
    api_key: str
    sign_in_token: str


def prepare(key_file: Path, *, origins: list[str], now: datetime) -> Demo:
    """Make what is missing and return what the visitor of the demo needs. Call it inside a transaction.

    Args:
        key_file: where the demo keeps its API key, readable by its owner only.
        origins: the origins of the demo site's pages in this run.
        now: the instant of the run.
    """
    site = next((each for each in sites.all_sites() if each.name == NAME), None)
    if site is None:
        site = make_site(origins, now=now)
    elif set(site.origins) != set(origins):
        sites.update_site(site, origins=origins, now=now, actor=ACTOR)
    account = accounts.account_by_email(EMAIL) or accounts.create_account(
        email=EMAIL, name="Demo", password=None, now=now, actor=ACTOR
    )
    grant(account, role=Role.OWNER, site_id=None, now=now, actor=ACTOR)
    secret = current_app.extensions["keys"].identity_secret(site.key, site.identity_generation)
    return Demo(
        site_key=site.key,
        identity_secret=secret,
        api_key=_api_key(site, key_file, now=now),
        sign_in_token=accounts.make_sign_in_link(account, now=now, actor=ACTOR),
    )


def make_site(origins: list[str], *, now: datetime, four_eyes: bool | None = None) -> Site:
    """Make a demo site: version 1.0 published, 2.0 as a draft with its typed changes."""
    site = sites.create_site(
        name=NAME,
        origins=origins,
        languages=LANGUAGES,
        theme=THEME,
        now=now,
        actor=ACTOR,
        four_eyes=four_eyes,
    )
    policy = drafting.create_policy(site, key=POLICY_KEY, title=TITLE, now=now, actor=ACTOR)
    _describe(site, "purposes.json", now=now)
    publishing.publish_version(_draft(policy, "v1", now=now), now=now, actor=ACTOR)
    # The next version is ready to go out; until it does, visitors see 1.0 with the purposes frozen in it.
    _describe(site, "purposes-v2.json", now=now)
    draft = _draft(policy, "v2", now=now)
    drafting.set_changes(draft, _json("v2/changes.json"), now=now, actor=ACTOR)
    return site


def _draft(policy: Policy, folder: str, *, now: datetime) -> PolicyVersion:
    draft = drafting.open_draft(policy, now=now, actor=ACTOR)
    for file in read_sources([TEXTS / folder]).files:
        drafting.save_notice(
            draft, language=file.language, text_format=file.format, source=file.text, now=now, actor=ACTOR
        )
    return draft


def _describe(site: Site, file: str, *, now: datetime) -> None:
    purposes = load(PurposesSchema(), {"purposes": _json(file)})["purposes"]
    replace_purposes(site, purposes, now=now, actor=ACTOR)


def _json(file: str) -> Any:
    return orjson.loads((TEXTS / file).read_bytes())


def _api_key(site: Site, file: Path, *, now: datetime) -> str:
    """Return the key that an earlier run wrote down, or a new one if it was lost or revoked."""
    try:
        known = file.read_text(encoding="ascii").strip()
        api_keys.authenticate(site, known, now=now)
        return known
    except (FileNotFoundError, NotSignedIn):
        _, token = api_keys.issue_api_key(site, name="demo", scopes=SCOPES, now=now, actor=ACTOR)
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(token + "\n")
    return token
