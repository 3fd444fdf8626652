"""Policies: list, create, and one policy with its versions."""

import re

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from consent_server import clock
from consent_server.accounts.access import actor
from consent_server.auth import auth
from consent_server.db import db, transaction
from consent_server.http import public_url
from consent_server.policies import drafting
from consent_server.policies.api import UnknownVersionPage
from consent_server.policies.models import PolicyVersion
from consent_server.policies.published import PublishedVersion, published_versions
from consent_server.problems import InvalidInput, Problem
from consent_server.screens import done, page, require, text
from consent_server.sites.languages import in_order
from consent_server.sites.models import Site
from consent_server.sites.service import site_by_key

bp = Blueprint("policy_pages", __name__, url_prefix="/console/sites/<site_key>/policies")
KEY = re.compile(r"[a-z][a-z0-9-]{0,39}")


@bp.get("")
@auth("staff", "policies.read")
def index(site_key: str) -> ResponseReturnValue:
    """List the site's policies."""
    site = site_by_key(site_key)
    rows = [
        (policy, published_versions(policy.id), drafting.draft_of(policy))
        for policy in drafting.policies_of(site)
    ]
    return page("policies/index.html", site=site, rows=rows)


@bp.get("/new")
@auth("staff", "policies.edit")
def new(site_key: str) -> ResponseReturnValue:
    """Show the form of a new policy."""
    site = site_by_key(site_key)
    return page(
        "policies/new.html", site=site, values={"key": "" if drafting.policies_of(site) else "privacy"}
    )


@bp.post("/new")
@auth("staff", "policies.edit")
def create(site_key: str) -> ResponseReturnValue:
    """Make a policy."""
    try:
        with transaction():
            site = site_by_key(site_key)
            key, titles = text("key"), {tag: text(f"title-{tag}") for tag in site.languages}
            _check(key, titles)
            drafting.create_policy(site, key=key, title=titles, now=clock.now(), actor=actor())
    except Problem as problem:
        return page("policies/new.html", problem=problem, site=site_by_key(site_key), values=request.form)
    return done(
        _("The policy is there. Write its first version."),
        "policy_pages.show",
        site_key=site_key,
        policy_key=key,
    )


@bp.get("/<policy_key>")
@auth("staff", "policies.read")
def show(site_key: str, policy_key: str) -> ResponseReturnValue:
    """Show a policy: its draft and its versions, newest first."""
    site = site_by_key(site_key)
    policy = drafting.policy_by_key(site, policy_key)
    return page(
        "policies/show.html",
        site=site,
        policy=policy,
        draft=drafting.draft_of(policy),
        versions=published_versions(policy.id)[::-1],
        is_asked=site.policy_id == policy.id,
        base=public_url(),
    )


@bp.get("/<policy_key>/versions/<number>")
@auth("staff", "policies.read")
def version(site_key: str, policy_key: str, number: str) -> ResponseReturnValue:
    """Show one published version: its changes, waivers, languages, purposes and hash."""
    site = site_by_key(site_key)
    policy = drafting.policy_by_key(site, policy_key)
    found = next((each for each in published_versions(policy.id) if each.number == number), None)
    if found is None:
        raise UnknownVersionPage("The policy's page lists those that there are.")
    return page(
        "policies/version.html",
        site=site,
        policy=policy,
        version=found,
        row=db.session.get_one(PolicyVersion, found.id),
        let_pass={waiver.get("fingerprint") for waiver in found.waivers} - {None},
        base=public_url(),
        languages=_languages(site, found),
    )


def _languages(site: Site, version: PublishedVersion) -> list[str]:
    return in_order(site.languages, version.notices)


def _check(key: str, titles: dict[str, str]) -> None:
    wrong = require(**{f"title-{tag}": (title, 200) for tag, title in titles.items()})
    if not KEY.fullmatch(key):
        wrong["key"] = _("Use 1 to 40 of a-z, 0-9 and -, a letter first.")
    if wrong:
        raise InvalidInput("Look at the marked fields.", errors=wrong)
