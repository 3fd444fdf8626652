"""Purposes with their services and cookies: what visitors are told and asked."""

import hashlib
from http import HTTPStatus
from typing import Any

import orjson
from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from consent_server import clock
from consent_server.accounts.access import actor
from consent_server.auth import auth
from consent_server.db import transaction
from consent_server.problems import InvalidInput, NotFound, Problem
from consent_server.purposes import service
from consent_server.purposes.forms import blank, changed, described
from consent_server.purposes.schemas import PurposesSchema
from consent_server.schema import load
from consent_server.screens import confirm, done, page
from consent_server.sites.models import Site
from consent_server.sites.service import site_by_key

bp = Blueprint("purposes", __name__, url_prefix="/console/sites/<site_key>/purposes")


class PurposeChanged(Problem):
    slug, status = "purpose-changed", HTTPStatus.CONFLICT
    title = "Somebody else has saved this purpose since you opened it"


@bp.get("")
@auth("staff", "purposes.read")
def index(site_key: str) -> ResponseReturnValue:
    """List the site's purposes in the order in which visitors see them."""
    site = site_by_key(site_key)
    return page("purposes/index.html", site=site, purposes=service.describe(site))


@bp.get("/new")
@auth("staff", "purposes.edit")
def new(site_key: str) -> ResponseReturnValue:
    """Show the form of a new purpose."""
    site = site_by_key(site_key)
    return _form(site, blank(site.languages), key=None)


@bp.post("/new")
@auth("staff", "purposes.edit")
def create(site_key: str) -> ResponseReturnValue:
    """Add a purpose at the end."""
    return _save(site_key, None)


@bp.get("/<key>")
@auth("staff", "purposes.read")
def edit(site_key: str, key: str) -> ResponseReturnValue:
    """Show the form of a purpose."""
    site = site_by_key(site_key)
    purpose = _find(service.describe(site), key)
    return _form(site, purpose, key=key, seen=_hash(purpose))


@bp.post("/<key>")
@auth("staff", "purposes.edit")
def save(site_key: str, key: str) -> ResponseReturnValue:
    """Replace a purpose."""
    return _save(site_key, key)


@bp.post("/<key>/move")
@auth("staff", "purposes.edit")
def move(site_key: str, key: str) -> ResponseReturnValue:
    """Move a purpose one place up."""
    with transaction():
        site = site_by_key(site_key)
        purposes = service.describe(site)
        at = purposes.index(_find(purposes, key))
        if at > 0:
            purposes[at - 1], purposes[at] = purposes[at], purposes[at - 1]
            service.replace_purposes(site, purposes, now=clock.now(), actor=actor())
    return done(_("The order is saved."), "purposes.index", site_key=site_key)


@bp.get("/<key>/remove")
@auth("staff", "purposes.edit")
def ask_remove(site_key: str, key: str) -> ResponseReturnValue:
    """Ask whether a purpose shall go."""
    site = site_by_key(site_key)
    _find(service.describe(site), key)
    return confirm(
        title=_("Remove the purpose “%(key)s”?", key=key),
        text=_("Published versions keep it. Visitors see it until the next version is published."),
        button=_("Remove the purpose"),
        back=url_for("purposes.index", site_key=site_key),
        site=site,
        active="purposes",
    )


@bp.post("/<key>/remove")
@auth("staff", "purposes.edit")
def remove(site_key: str, key: str) -> ResponseReturnValue:
    """Remove a purpose."""
    with transaction():
        site = site_by_key(site_key)
        purposes = service.describe(site)
        purposes.remove(_find(purposes, key))
        service.replace_purposes(site, purposes, now=clock.now(), actor=actor())
    return done(_("The purpose is removed."), "purposes.index", site_key=site_key)


def _save(site_key: str, key: str | None) -> ResponseReturnValue:
    purpose = described(request.form)
    step = request.form.get("do", "save")
    if step != "save":
        changed(purpose, step)
        return _form(site_by_key(site_key), purpose, key=key, seen=request.form.get("seen", ""), unsaved=True)
    try:
        with transaction():
            site = site_by_key(site_key)
            purposes = service.describe(site)
            at = len(purposes)
            if key is not None:
                standing = _find(purposes, key)
                if _hash(standing) != request.form.get("seen"):
                    raise PurposeChanged(
                        "Your entries are kept below. Open the purpose again to see what is saved now."
                    )
                at = purposes.index(standing)
            purposes[at : at + 1] = [_checked(purpose)]
            load(PurposesSchema(), {"purposes": purposes})
            service.replace_purposes(site, purposes, now=clock.now(), actor=actor())
    except Problem as problem:
        return _form(
            site_by_key(site_key), purpose, key=key, seen=request.form.get("seen", ""), problem=problem
        )
    return done(
        _("The purpose is saved. Visitors see it with the next published version."),
        "purposes.index",
        site_key=site_key,
    )


def _checked(purpose: dict[str, Any]) -> dict[str, Any]:
    """Return a purpose that fits the schema.

    Raises:
        InvalidInput: its errors are named as the form's fields are.
    """
    try:
        loaded: list[dict[str, Any]] = load(PurposesSchema(), {"purposes": [purpose]})["purposes"]
    except InvalidInput as problem:
        inner = problem.extra["errors"].get("purposes", {})
        raise InvalidInput("Look at the marked fields.", errors={"p": inner.get(0, inner)}) from problem
    return loaded[0]


def _form(site: Site, purpose: dict[str, Any], *, key: str | None, **values: Any) -> ResponseReturnValue:
    # A form that something has made and no person may lack a part; the page shows every field all the same.
    return page("purposes/edit.html", site=site, p=blank(site.languages) | purpose, key=key, **values)


def _find(purposes: list[dict[str, Any]], key: str) -> dict[str, Any]:
    found = next((each for each in purposes if each["key"] == key), None)
    if found is None:
        raise NotFound("The site's page of purposes lists them.")
    return found


def _hash(purpose: dict[str, Any]) -> str:
    return hashlib.sha256(orjson.dumps(purpose, option=orjson.OPT_SORT_KEYS)).hexdigest()
