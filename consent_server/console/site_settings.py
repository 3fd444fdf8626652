"""A site's settings: general, look of the banner, signals and trackers, the controller's profile."""

from typing import Any

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from consent_server import clock, setting_labels
from consent_server.accounts.access import actor
from consent_server.auth import auth
from consent_server.banner import look, options
from consent_server.banner.configuration import phrase
from consent_server.console import dangers, option_forms
from consent_server.db import transaction
from consent_server.i18n import language
from consent_server.policies.published import site_view
from consent_server.problems import InvalidInput, Problem
from consent_server.purposes import signals as mapping
from consent_server.retention.sites import set_retention
from consent_server.screens import done, page, text
from consent_server.sites import profile, service
from consent_server.sites.models import Site
from consent_server.sites.pages import SHIPPED, site_fields

bp = Blueprint("site_settings", __name__, url_prefix="/console/sites/<site_key>/settings")
LONGEST_RETENTION = 36_525  # days, as the table has it


@bp.get("")
@auth("staff", "sites.read")
def general(site_key: str) -> ResponseReturnValue:
    """Show name, origins, languages, region profile and how long things are kept."""
    site = service.site_by_key(site_key)
    values = {
        "name": site.name,
        "origins": "\n".join(site.origins),
        "languages": "\n".join(site.languages),
        "region_profile": site.region_profile,
        "consent_days": str(site.consent_days),
        "retention_days": str(site.retention_days),
    }
    return _general(site, values)


@bp.post("")
@auth("staff", "sites.configure")
def save_general(site_key: str) -> ResponseReturnValue:
    """Change a site; its banner follows at once. What takes something away is asked about first."""
    site = service.site_by_key(site_key)
    try:
        wanted = _wanted(site)
        losses = dangers.dangers(site, wanted)
        if losses and text("sure") != dangers.fingerprint(losses):
            return _general(site, request.form, losses=losses)
        with transaction():
            site = service.site_by_key(site_key)
            _save(site, wanted)
    except Problem as problem:
        return _general(service.site_by_key(site_key), request.form, problem=problem)
    return done(
        _("The settings are saved. The banner follows at once."), "site_settings.general", site_key=site_key
    )


@bp.get("/look")
@auth("staff", "sites.read")
def banner_look(site_key: str) -> ResponseReturnValue:
    """Show the banner's look with a preview."""
    site = service.site_by_key(site_key)
    return _look(site, options.look(site.theme))


@bp.post("/look")
@auth("staff", "sites.configure")
def save_look(site_key: str) -> ResponseReturnValue:
    """Change the banner's look; a colour that hides a text is refused."""
    site = service.site_by_key(site_key)
    tokens = option_forms.look_of(request.form)
    try:
        with transaction():
            site = service.site_by_key(site_key)
            before = options.options(site)
            options.set_options(site, before | {"theme": tokens}, now=clock.now(), actor=actor())
    except InvalidInput as problem:
        errors = option_forms.fault_words(tokens)
        return _look(service.site_by_key(site_key), tokens, problem=problem, errors=errors)
    return done(
        _("The look is saved. The banner follows at once."), "site_settings.banner_look", site_key=site_key
    )


@bp.get("/look/check")
@auth("staff", "sites.read")
def check_look(site_key: str) -> Response:
    """Return what is wrong with a look that is being tried, by token; the preview asks while somebody types."""
    return jsonify(option_forms.fault_words(option_forms.look_of(request.args)))


@bp.get("/look.css")
@auth("staff", "sites.read")
def look_css(site_key: str) -> Response:
    """Return the saved look for the preview, so that it is there without a script."""
    css = option_forms.preview_css(options.look(service.site_by_key(site_key).theme))
    return Response(css, content_type="text/css; charset=utf-8", headers={"Cache-Control": "no-store"})


@bp.get("/signals")
@auth("staff", "sites.read")
def signals(site_key: str) -> ResponseReturnValue:
    """Show which vendors are told, and which known trackers wait."""
    site = service.site_by_key(site_key)
    return _signals(site, option_forms.signal_values(options.options(site)))


@bp.post("/signals")
@auth("staff", "sites.configure")
def save_signals(site_key: str) -> ResponseReturnValue:
    """Change signals and trackers; what only a file can say is kept."""
    try:
        with transaction():
            site = service.site_by_key(site_key)
            wanted = option_forms.signals_of(request.form, options.options(site))
            options.set_options(site, wanted, now=clock.now(), actor=actor())
    except InvalidInput as problem:
        errors = {"also": _("Write a host in each line, such as stats.partner.example, or analytics: stats.partner.example.")}  # fmt: skip
        return _signals(service.site_by_key(site_key), request.form, problem=problem, errors=errors)
    return done(_("The signals are saved."), "site_settings.signals", site_key=site_key)


@bp.get("/profile")
@auth("staff", "sites.read")
def controller(site_key: str) -> ResponseReturnValue:
    """Show who stands behind the site, as receipts and policies state it."""
    site = service.site_by_key(site_key)
    return _profile(site, option_forms.profile_values(site.profile))


@bp.post("/profile")
@auth("staff", "sites.configure")
def save_profile(site_key: str) -> ResponseReturnValue:
    """Change the controller's profile."""
    try:
        with transaction():
            site = service.site_by_key(site_key)
            profile.set_profile(site, option_forms.profile_of(request.form), now=clock.now(), actor=actor())
    except InvalidInput as problem:
        return _profile(service.site_by_key(site_key), request.form, problem=problem)
    return done(_("The profile is saved."), "site_settings.controller", site_key=site_key)


def _wanted(site: Site) -> dict[str, Any]:
    """Return the checked fields of the general form.

    Raises:
        InvalidInput: with a message for each field that is wrong.
    """
    days = text("retention_days") or str(site.retention_days)
    if not days.isdecimal() or not 1 <= int(days) <= LONGEST_RETENTION:
        words = _("Write a whole number from 1 to %(most)s.", most=LONGEST_RETENTION)
        raise InvalidInput("Look at the marked fields.", errors={"retention_days": words})
    wanted = site_fields() | {"retention_days": int(days)}
    if wanted["retention_days"] < wanted["consent_days"]:
        words = _("Not less than a choice is remembered: %(days)s days.", days=wanted["consent_days"])
        raise InvalidInput("Look at the marked fields.", errors={"retention_days": words})
    current = site_view(site.key).current
    if current is not None and wanted["languages"][0] not in current.notices:
        words = _("The first language must be one in which the policy is published.")
        raise InvalidInput("Look at the marked fields.", errors={"languages": words})
    return wanted


def _save(site: Site, wanted: dict[str, Any]) -> None:
    changes = {name: value for name, value in wanted.items() if name != "retention_days"}
    gone = [each for each in site.languages if each not in wanted["languages"]]
    instant, who, days = clock.now(), actor(), wanted["retention_days"]
    if days > site.retention_days:  # first, since consents may not outlive their receipts
        set_retention(site, days, now=instant, actor=who)
    service.update_site(site, now=instant, actor=who, dropping=gone, **changes)
    if days < site.retention_days:
        set_retention(site, days, now=instant, actor=who)


def _general(site: Site, values: Any, *, losses: list[str] | None = None, **more: Any) -> ResponseReturnValue:
    return page(
        "settings/general.html",
        site=site,
        values=values,
        shipped=SHIPPED,
        losses=losses or [],
        sure=dangers.fingerprint(losses or []),
        **more,
    )


def _look(site: Site, tokens: dict[str, str], **more: Any) -> ResponseReturnValue:
    view = site_view(site.key)
    words = {tag: option_forms.preview_words(view, tag) for tag in site.languages}
    return page(
        "settings/look.html", site=site, tokens=tokens, words=words, colours=look.COLOURS,
        choices=look.CHOICES, **more,
    )  # fmt: skip


def _signals(site: Site, values: Any, **more: Any) -> ResponseReturnValue:
    current = site_view(site.key).current
    waiting = mapping.waiting(site.theme, current.purposes) if current else []
    names = phrase(language(), [str(setting_labels.VENDOR[vendor]) for vendor in waiting])
    return page(
        "settings/signals.html",
        site=site,
        values=values,
        vendors=list(mapping.VENDORS),
        waiting=names,
        **more,
    )


def _profile(site: Site, values: Any, **more: Any) -> ResponseReturnValue:
    return page("settings/profile.html", site=site, values=values, **more)
