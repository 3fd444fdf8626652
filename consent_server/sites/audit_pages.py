"""The audit log: who did what, when."""

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from consent_server.accounts.service import names_of
from consent_server.audit import service as audit
from consent_server.auth import auth
from consent_server.screens import page
from consent_server.sites import service

bp = Blueprint("audit", __name__, url_prefix="/console")
PAGE = 50


@bp.get("/audit")
@auth("staff", "audit.read")
def everything() -> ResponseReturnValue:
    """Show what was done anywhere."""
    return _log(None)


@bp.get("/sites/<site_key>/audit")
@auth("staff", "audit.read")
def of_site(site_key: str) -> ResponseReturnValue:
    """Show what was done to one site."""
    return _log(site_key)


def _log(site_key: str | None) -> ResponseReturnValue:
    site = service.site_by_key(site_key) if site_key else None
    before = request.args.get("before", type=int)
    rows = audit.newest(site_id=site.id if site else None, before=before, limit=PAGE + 1)
    shown = rows[:PAGE]
    return page(
        "audit/log.html",
        site=site,
        events=shown,
        names=names_of({event.actor for event in shown}),
        sites={each.id: each for each in service.all_sites()},
        next_before=shown[-1].id if len(rows) > len(shown) else None,
    )
