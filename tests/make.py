"""Factories. Each calls the services that the product itself calls; none builds rows by hand.

All take `now` where the services do, and open a transaction of their own, so that what they made is committed.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from flask import current_app
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import OctKey
from sqlalchemy import func, or_, select
from werkzeug.test import TestResponse

from consent_server import clock
from consent_server.accounts import factors, members, totp
from consent_server.accounts import service as accounts
from consent_server.accounts.models import Account
from consent_server.db import db, transaction
from consent_server.jobs.runner import run_all
from consent_server.ledger.models import Receipt
from consent_server.policies import drafting, history, publishing, waiving
from consent_server.policies.changes import ChangeType
from consent_server.policies.models import Policy, PolicyVersion
from consent_server.policies.parity import Finding
from consent_server.policies.published import SiteView, site_view
from consent_server.purposes.schemas import PurposesSchema
from consent_server.purposes.service import replace_purposes
from consent_server.schema import load
from consent_server.sites import api_keys
from consent_server.sites import service as sites
from consent_server.sites.models import Site
from consent_server.sites.scopes import SCOPES

Json = dict[str, Any]

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
ORIGIN = "https://shop.example"
STAFF = "account:1"
LANGUAGES = ("en", "zh-CN")
NAMES = {
    "essential": ("Essential", "必要"),
    "analytics": ("Statistics", "统计"),
    "maps": ("Maps", "地图"),
    "video": ("Video", "视频"),
    "marketing": ("Marketing", "营销"),
}


def site(
    *,
    name: str = "Shop",
    origins: Sequence[str] = (ORIGIN,),
    languages: Sequence[str] = LANGUAGES,
    now: datetime = NOW,
    four_eyes: bool | None = False,
    **more: Any,
) -> Site:
    """Make a site that publishes without a second person unless told otherwise; `more` goes to the service."""
    with transaction():
        return sites.create_site(
            name=name,
            origins=origins,
            languages=languages,
            now=now,
            actor=STAFF,
            four_eyes=four_eyes,
            **more,
        )


def api_key(of: Site, *scopes: str, now: datetime = NOW, life: timedelta | None = None) -> str:
    """Issue an API key of a site, with all scopes unless told which, and return its token."""
    with transaction():
        return api_keys.issue_api_key(
            of, name="shop server", scopes=scopes or SCOPES, life=life, now=now, actor=STAFF
        )[1]


def purpose(key: str, function: str = "additional", **more: Any) -> Json:
    """Describe a purpose in the shape of purpose files, with texts in English and Chinese."""
    english, chinese = NAMES.get(key, (key.capitalize(), key))
    basis = "consent" if function == "additional" else "contract"
    texts = {
        "en": {"name": english, "description": f"What {english.lower()} is for."},
        "zh-CN": {"name": chinese, "description": f"{chinese}的用途。"},
    }
    return {"key": key, "function": function, "legal_basis": basis, "texts": texts} | more


def service(key: str, *, cookies: Sequence[Json] = (), **more: Any) -> Json:
    """Describe a service in the shape of purpose files."""
    return {
        "key": key,
        "name": key.capitalize(),
        "provider": f"{key.capitalize()} Ltd",
        "cookies": list(cookies),
    } | more


def cookie(name: str, **more: Any) -> Json:
    """Describe a cookie in the shape of purpose files."""
    return {"name": name, "lifetime": "P1Y"} | more


def purposes(of: Site, *keys: str, described: Sequence[Json] | None = None, now: datetime = NOW) -> None:
    """Give a site one basic purpose and these additional ones (or exactly those described)."""
    wanted = described if described is not None else [purpose("essential", "basic"), *map(purpose, keys)]
    checked = load(PurposesSchema(), {"purposes": list(wanted)})["purposes"]
    with transaction():
        replace_purposes(of, checked, now=now, actor=STAFF)


def policy(of: Site, *, key: str = "privacy", now: datetime = NOW) -> Policy:
    """Return a site's policy of this key, made if need be."""
    with transaction():
        try:
            return drafting.policy_by_key(of, key)
        except drafting.UnknownPolicy:
            title = {"en": "Privacy policy", "zh-CN": "隐私政策"}
            return drafting.create_policy(of, key=key, title=title, now=now, actor=STAFF)


def text(language: str, mark: str = "first") -> str:
    """Return a short policy text; texts of one mark have the same outline in every language."""
    if language == "zh-CN":
        return f"# 隐私政策\n\n## 我们收集什么\n\n本店说明其用途（{mark}）。\n\n## 您的权利\n\n您可以随时撤回同意。\n"
    return f"# Privacy policy\n\n## What we collect\n\nThis shop says what for ({mark}).\n\n## Your rights\n\nWithdraw at any time.\n"


def unheard() -> str:
    """Return a word that no text has yet, of letters alone: the parity check would read digits as facts."""
    return uuid.uuid4().hex.translate(str.maketrans("0123456789", "ghijkmnpqr"))[:8]


def change(type: str = "recipients", *touched: str, **more: Any) -> Json:
    """Describe a typed change as the console sends it; without purposes it touches all."""
    return {"type": type, "purposes": list(touched) or None, "summary": {"en": type, "zh-CN": type}} | more


def draft(
    of: Site,
    *,
    key: str = "privacy",
    texts: Mapping[str, str] | None = None,
    changes: Sequence[Json] = (),
    now: datetime = NOW,
    actor: str = STAFF,
) -> PolicyVersion:
    """Open a draft with a text in every language of the site."""
    found = policy(of, key=key, now=now)
    mark = unheard()
    with transaction():
        opened = drafting.open_draft(found, now=now, actor=actor)
        for language, source in (texts or {each: text(each, mark) for each in of.languages}).items():
            drafting.save_notice(
                opened, language=language, text_format="markdown", source=source, now=now, actor=actor
            )
        if changes:
            drafting.set_changes(opened, changes, now=now, actor=actor)
        return opened


def findings(of: PolicyVersion) -> list[Finding]:
    """Return what stands in the way of a draft's languages: the errors that nobody has waived."""
    return [finding for finding in publishing.readiness(of).findings if finding.is_open]


def waive(of: PolicyVersion, *, reason: str = "same meaning", actor: str = "account:2") -> None:
    """Waive every finding of a draft that stands in the way."""
    with transaction():
        for finding in findings(of):
            waiving.waive(of, fingerprint=finding.fingerprint, reason=reason, now=NOW, actor=actor)


def published_version(
    of: Site,
    *,
    change: str | Sequence[Json] | None = None,
    touched: Sequence[str] = (),
    key: str = "privacy",
    texts: Mapping[str, str] | None = None,
    now: datetime = NOW,
    actor: str = STAFF,
) -> PolicyVersion:
    """Publish a new version: `change` is a type (touching `touched`, or all), a list of changes, or None."""
    changes = [_change(change, *touched)] if isinstance(change, str) else (change or ())
    opened = draft(of, key=key, texts=texts, changes=changes, now=now, actor=actor)
    with transaction():
        return publishing.publish_version(opened, now=now, actor=actor)


_change = change  # `published_version` has an argument of this name


def imported_version(
    of: Site,
    *,
    published_at: datetime,
    now: datetime = NOW,
    change: ChangeType = ChangeType.UNCLASSIFIED,
    **more: Any,
) -> PolicyVersion:
    """Store a version as published elsewhere."""
    found = policy(of, now=now)
    texts = {each: ("markdown", text(each, unheard())) for each in of.languages}
    with transaction():
        return history.import_published(
            found, of, texts=texts, published_at=published_at, now=now, actor=STAFF, change=change, **more
        )


def ready_site(*keys: str, now: datetime = NOW, **more: Any) -> Site:
    """Make a site with purposes (analytics and maps by default) and a published version 1.0."""
    made = site(now=now, **more)
    policy(made, now=now)
    purposes(made, *(keys or ("analytics", "maps")), now=now)
    published_version(made, now=now)
    return made


def view(of: Site) -> SiteView:
    """Return the site as visitors meet it."""
    return site_view(of.key)


def decision_body(of: Site, banner_build: str, **changes: Any) -> Json:
    """Return the body of a decision: accept everything in English on the current version, unless told otherwise."""
    current = view(of).current
    assert current is not None
    body = {
        "receipt_id": str(uuid.uuid4()),
        "visitor_id": str(uuid.uuid4()),
        "policy_version": current.number,
        "language": "en",
        "action": "accept_all",
        "layer": "banner",
        "choices": dict.fromkeys(current.facts.purposes, "granted"),
        "banner_build": banner_build,
    } | changes
    return {name: value for name, value in body.items() if value is not None}


def banner(client: FlaskClient, of: Site, **query: str) -> Json:
    """Return the banner's data as the API gives it."""
    response = client.get(f"/v1/sites/{of.key}/banner", query_string=query)
    assert response.status_code == 200, response.text
    data: Json = response.get_json()
    return data


def body(client: FlaskClient, of: Site, **changes: Any) -> Json:
    """Return the body of a decision on the banner that the server shows now; None leaves a member out."""
    return decision_body(of, **{"banner_build": banner(client, of)["banner_build"]} | changes)


def post(
    client: FlaskClient, of: Site | str, data: Any, *, origin: str | None = ORIGIN, **more: Any
) -> TestResponse:
    """Post a decision as a browser does: JSON as text/plain, with an Origin."""
    key = of if isinstance(of, str) else of.key
    headers = {"Origin": origin} if origin else {}
    sent = data if isinstance(data, bytes) else orjson.dumps(data)
    more = {"content_type": "text/plain;charset=UTF-8"} | more
    return client.post(f"/v1/sites/{key}/decisions", data=sent, headers=headers, **more)


def decide(client: FlaskClient, of: Site, **changes: Any) -> Json:
    """Make a decision through HTTP and return the receipt's JSON."""
    response = post(client, of, body(client, of, **changes))
    assert response.status_code == 201, response.text
    data: Json = response.get_json()
    return data


def first_index(of: Site, *, epoch: int = 1) -> int:
    """Return the index of the first decision in a site's log: before it, the log tells of keys, version and banner."""
    decision = or_(Receipt.visitor_id.is_not(None), Receipt.payload.is_(None))
    query = select(func.min(Receipt.idx)).where(Receipt.site_id == of.id, Receipt.epoch == epoch, decision)
    found = db.session.scalar(query)
    assert found is not None
    return found


def refusal(of: Site) -> Json:
    """Return the members of a decision that refuses everything."""
    current = view(of).current
    assert current is not None
    return {"action": "reject_all", "choices": dict.fromkeys(current.facts.purposes, "denied")}


def identity_secret(of: Site) -> str:
    """Return the secret with which the site's own server signs identity tokens."""
    secret: str = current_app.extensions["keys"].identity_secret(of.key, of.identity_generation)
    return secret


def subject_token(of: Site, subject: str = "user-1", *, secret: str | None = None, **claims: Any) -> str:
    """Sign an identity token as the site's own server does; None leaves a claim out."""
    at = int(clock.now().timestamp())
    members = {"sub": subject, "aud": of.key, "iat": at, "exp": at + 300} | claims
    key = OctKey.import_key((secret or identity_secret(of)).encode())
    return jwt.encode({"alg": "HS256"}, {k: v for k, v in members.items() if v is not None}, key)


def identify(client: FlaskClient, of: Site, token: str, visitor_id: str | None = None) -> TestResponse:
    """Identify a browser through HTTP."""
    data = {"token": token} | ({"visitor_id": visitor_id} if visitor_id else {})
    return client.post(f"/v1/sites/{of.key}/identify", json=data, headers={"Origin": ORIGIN})


def account(
    email: str = "lin@example.org",
    *,
    password: str | None = "correct horse battery",
    role: str | None = "owner",
    of: Site | None = None,
    now: datetime = NOW,
) -> Account:
    """Make a console account with a role at a site, by default the owner of all."""
    with transaction():
        made = accounts.create_account(email=email, name="", password=password, now=now, actor="command")
        if role is not None:
            members.grant(made, role=role, site_id=of.id if of else None, now=now, actor="command")
        return made


def signed_in(client: FlaskClient, who: Account | None = None) -> Account:
    """Sign a client in to the console and return its account."""
    found = who or account(now=clock.now())
    with transaction():
        token = accounts.start_session(found, now=clock.now())
    client.set_cookie("console_session", token)
    return found


def account_of(client: FlaskClient) -> Account:
    """Return the account that a client is signed in with."""
    cookie = client.get_cookie("console_session")
    assert cookie is not None
    session = accounts.session_of(cookie.value, now=clock.now(), idle=timedelta(hours=1))
    assert session is not None
    return session.account


def app_of(who: Account, *, now: datetime | None = None) -> bytes:
    """Set up an authenticator app for an account and return its secret."""
    instant, ring = now or NOW, current_app.extensions["keys"]
    with transaction():
        secret = factors.start_app(who, ring=ring, now=instant)
        code = totp.code_at(secret, totp.step_of(instant))
        factors.confirm_app(who, code, ring=ring, now=instant, actor=accounts.actor_of(who))
    return secret


def run_jobs() -> int:
    """Run all due jobs; return how many ran."""
    db.session.commit()
    with current_app._get_current_object().app_context():  # a worker has a session of its own
        return run_all(current_app.extensions["settings"])


def later(days: float = 0, **more: float) -> datetime:
    """Return an instant after `NOW`."""
    return NOW + timedelta(days=days, **more)
