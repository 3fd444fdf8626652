"""A site's secrets: API keys of its own server, and the secret that signs identity tokens."""

from datetime import timedelta
from typing import Any

from flask import Blueprint, current_app, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from consent_server import clock, labels
from consent_server.accounts.access import actor
from consent_server.accounts.step_up import proven
from consent_server.auth import auth
from consent_server.db import transaction
from consent_server.problems import InvalidInput
from consent_server.screens import confirm, done, page, require, text
from consent_server.sites import api_keys, service
from consent_server.sites.models import Site
from consent_server.sites.scopes import unknown_scopes

bp = Blueprint("site_keys", __name__, url_prefix="/console/sites/<site_key>/keys")


@bp.get("")
@auth("staff", "keys.read")
def index(site_key: str) -> ResponseReturnValue:
    """List the site's API keys and offer its identity secret."""
    return _keys(service.site_by_key(site_key))


@bp.post("")
@proven
@auth("staff", "keys.manage")
def issue(site_key: str) -> ResponseReturnValue:
    """Make an API key and show it, this once."""
    try:
        asked = _asked()
        with transaction():
            site = service.site_by_key(site_key)
            _key, token = api_keys.issue_api_key(site, **asked, now=clock.now(), actor=actor())
    except InvalidInput as problem:
        return _keys(service.site_by_key(site_key), problem=problem, values=request.form)
    return _keys(service.site_by_key(site_key), token=token)


@bp.get("/<int:key_id>/revoke")
@auth("staff", "keys.manage")
def ask_revoke(site_key: str, key_id: int) -> ResponseReturnValue:
    """Ask whether an API key shall end."""
    site = service.site_by_key(site_key)
    key = api_keys.api_key_of(site, key_id)
    return confirm(
        title=_("Revoke the API key “%(name)s”?", name=key.name),
        text=_("Calls with this key are refused at once. This cannot be undone."),
        button=_("Revoke the key"),
        back=url_for("site_keys.index", site_key=site_key),
        site=site,
        active="keys",
    )


@bp.post("/<int:key_id>/revoke")
@proven
@auth("staff", "keys.manage")
def revoke(site_key: str, key_id: int) -> ResponseReturnValue:
    """End an API key."""
    with transaction():
        key = api_keys.api_key_of(service.site_by_key(site_key), key_id)
        api_keys.revoke_api_key(key, now=clock.now(), actor=actor())
    return done(_("The key is revoked."), "site_keys.index", site_key=site_key)


@bp.post("/identity")
@proven
@auth("staff", "keys.manage")
def reveal(site_key: str) -> ResponseReturnValue:
    """Show the identity secret; the audit log notes who saw it."""
    with transaction():
        secret = service.reveal_identity_secret(
            service.site_by_key(site_key), ring=current_app.extensions["keys"], now=clock.now(), actor=actor()
        )
    return _keys(service.site_by_key(site_key), secret=secret)


@bp.get("/identity/rotate")
@auth("staff", "keys.manage")
def ask_rotate(site_key: str) -> ResponseReturnValue:
    """Ask whether the identity secret shall be replaced."""
    return confirm(
        title=_("Replace the identity secret?"),
        text=_(
            "Tokens signed with the old secret are refused at once. Known users are recognised again when the site's "
            "server signs with the new one."
        ),
        button=_("Replace the secret"),
        back=url_for("site_keys.index", site_key=site_key),
        site=service.site_by_key(site_key),
        active="keys",
    )


@bp.post("/identity/rotate")
@proven
@auth("staff", "keys.manage")
def rotate(site_key: str) -> ResponseReturnValue:
    """Replace the identity secret."""
    with transaction():
        service.rotate_identity_secret(service.site_by_key(site_key), now=clock.now(), actor=actor())
    return done(
        _("The identity secret is replaced. Reveal it and give it to the site's server."),
        "site_keys.index",
        site_key=site_key,
    )


def _asked() -> dict[str, Any]:
    """Return what the form asks for.

    Raises:
        InvalidInput: with a message for each field that is wrong.
    """
    wrong = require(name=(text("name"), 120))
    scopes = request.form.getlist("scopes")
    if not scopes or unknown_scopes(scopes):
        wrong["scopes"] = _("Choose at least one.")
    if text("days") not in labels.KEY_LIFE:
        wrong["days"] = _("Choose one.")
    if wrong:
        raise InvalidInput("Look at the marked fields.", errors=wrong)
    days = int(text("days"))
    return {"name": text("name"), "scopes": scopes, "life": timedelta(days=days) if days else None}


def _keys(site: Site, **shown: Any) -> ResponseReturnValue:
    instant, keys = clock.now(), api_keys.api_keys(site)
    states = {key.id: api_keys.state_of(key, now=instant) for key in keys}
    blank = MultiDict({"days": "365"})
    return page("sites/keys.html", site=site, keys=keys, states=states, **{"values": blank} | shown)
