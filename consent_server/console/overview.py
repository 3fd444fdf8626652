"""A site's overview: its tag, what is left to do, its current version, its choices, and who must be asked again."""

from flask import Blueprint
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from consent_server import clock
from consent_server.auth import auth
from consent_server.banner import elements, tally
from consent_server.db import db
from consent_server.http import public_url
from consent_server.jobs import service as jobs
from consent_server.ledger.models import Log, Receipt
from consent_server.policies import drafting
from consent_server.policies.models import Policy
from consent_server.policies.published import site_view
from consent_server.policies.publishing import SWEEP
from consent_server.purposes.service import purposes_of
from consent_server.reconsent import service as reconsent
from consent_server.screens import page
from consent_server.sites.service import site_by_key

SHOWN = 8  # places where the tag was seen
bp = Blueprint("overview", __name__, url_prefix="/console/sites")


@bp.get("/<site_key>")
@auth("staff", "sites.read")
def show(site_key: str) -> ResponseReturnValue:
    """Show a site at a glance."""
    site, view = site_by_key(site_key), site_view(site_key)
    policy = db.session.get(Policy, site.policy_id) if site.policy_id is not None else None
    sweeps = jobs.newest(site_id=site.id, name=SWEEP, limit=1)
    return page(
        "console/overview.html",
        site=site,
        view=view,
        policy=policy,
        draft=drafting.draft_of(policy) if policy else None,
        purposes=purposes_of(site),
        receipts=_receipts(site.id),
        counts=reconsent.counts(site.id),
        sweep=sweeps[0] if sweeps else None,
        pinned=elements.pinned(view, api=public_url(), now=clock.now()),
        sightings=tally.sightings(site.id)[:SHOWN],
        tag=elements.evergreen(site.key, site.theme, api=public_url()),
    )


def _receipts(site_id: int) -> int:
    """Return how many receipts the site has: each log knows its own size, and what in it is no decision is little."""
    entries = db.session.scalar(select(func.sum(Log.size)).where(Log.site_id == site_id)) or 0
    no_decision = Receipt.visitor_id.is_(None) & Receipt.payload.is_not(None)
    others = db.session.scalar(select(func.count()).where(Receipt.site_id == site_id, no_decision)) or 0
    return entries - others
