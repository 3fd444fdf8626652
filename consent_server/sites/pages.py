"""Sites: list, create."""

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from consent_server import clock
from consent_server.accounts.access import actor
from consent_server.accounts.members import site_ids_of
from consent_server.auth import auth
from consent_server.db import transaction
from consent_server.http import public_url
from consent_server.problems import InvalidInput, Problem
from consent_server.screens import done, lines, page, require, text
from consent_server.sites import service

bp = Blueprint("sites", __name__, url_prefix="/console")
SHIPPED = ("en", "zh-CN")  # languages in which the banner's own words ship; others fall back to English


@bp.get("", strict_slashes=False)
@auth("staff", "console.enter")
def index() -> ResponseReturnValue:
    """List the sites at which the person has a role."""
    return page("sites/index.html", sites=service.all_sites(site_ids_of(g.account.id)))


@bp.get("/sites")
@auth("staff", "console.enter")
def to_index() -> ResponseReturnValue:
    """Send who shortens an address to the list."""
    return redirect(url_for("sites.index"))


@bp.get("/sites/new")
@auth("staff", "sites.create")
def new() -> ResponseReturnValue:
    """Show the form of a new site."""
    blank = {
        "name": "",
        "origins": "",
        "languages": "en\nzh-CN",
        "region_profile": "opt_in",
        "consent_days": "180",
    }
    return page("sites/new.html", values=blank, shipped=SHIPPED)


@bp.post("/sites/new")
@auth("staff", "sites.create")
def create() -> ResponseReturnValue:
    """Make a site."""
    try:
        with transaction():
            site = service.create_site(
                **site_fields(),
                now=clock.now(),
                actor=actor(),
                log_host=urlsplit(public_url()).hostname or "localhost",
            )
            key = site.key
    except Problem as problem:
        return page("sites/new.html", problem=problem, values=request.form, shipped=SHIPPED)
    return done(
        _("The site is there. Next: describe its purposes, then write its policy."),
        "overview.show",
        site_key=key,
    )


def site_fields() -> dict[str, Any]:
    """Return the checked fields of a site's form.

    Raises:
        InvalidInput: with a message for each field that is wrong.
    """
    wrong = require(name=(text("name"), 120))
    days, region = text("consent_days"), text("region_profile")
    if not days.isdecimal() or not 1 <= int(days) <= 730:
        wrong["consent_days"] = _("Write a whole number from 1 to 730.")
    if region not in ("opt_in", "opt_out"):
        wrong["region_profile"] = _("Choose one.")
    if not lines("origins"):
        wrong["origins"] = _("Fill this in.")
    for field, check in (("origins", _origins), ("languages", service.checked_languages)):
        try:
            check(lines(field))
        except InvalidInput:
            wrong.setdefault(field, _wrong_line(field))
    if wrong:
        raise InvalidInput("Look at the marked fields.", errors=wrong)
    return {
        "name": text("name"),
        "origins": lines("origins"),
        "languages": lines("languages"),
        "region_profile": region,
        "consent_days": int(days),
    }


def _origins(origins: list[str]) -> None:
    for origin in origins:
        service.origin_of(origin)


def _wrong_line(field: str) -> str:
    if field == "origins":
        return str(_("Write each origin like https://shop.example, without a path."))
    return str(_("Write each language as a tag like en or zh-CN, the default first."))
