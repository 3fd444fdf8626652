"""Receipts: search, one receipt with everything that it proves, and its signed form to take away."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from consent_server.auth import auth
from consent_server.banner.models import BannerBuild
from consent_server.consents import search, service, verification
from consent_server.consents.api import ring
from consent_server.consents.payload import SCHEMA
from consent_server.consents.search import UnknownReceipt
from consent_server.db import db
from consent_server.http import public_url
from consent_server.ledger import append as ledger
from consent_server.ledger import jws
from consent_server.ledger.models import Log, Receipt
from consent_server.policies.published import PublishedVersion, SiteView, site_view
from consent_server.screens import page
from consent_server.sites.service import site_by_key

bp = Blueprint("receipts", __name__, url_prefix="/console/sites/<site_key>/receipts")


@bp.get("")
@auth("staff", "receipts.read")
def index(site_key: str) -> ResponseReturnValue:
    """Search the site's receipts."""
    site, view = site_by_key(site_key), site_view(site_key)
    wanted, wrong = _filter()
    found = (
        search.Found([], None)
        if wrong
        else search.find_receipts(site.id, wanted, cursor=request.args.get("cursor"))
    )
    rows = [
        (receipt, orjson.loads(receipt.payload) if receipt.payload else None) for receipt in found.receipts
    ]
    asked = {name: value for name, value in request.args.items() if name != "cursor" and value}
    return page(
        "receipts/index.html",
        site=site,
        view=view,
        rows=rows,
        subjects=search.subjects_of(site.id, found.receipts),
        next_cursor=found.next_cursor,
        asked=asked,
        errors=wrong,
    )


@bp.get("/<uuid:receipt_id>")
@auth("staff", "receipts.read")
def show(site_key: str, receipt_id: uuid.UUID) -> ResponseReturnValue:
    """Show what one receipt says, what was on the screen, and whether it verifies."""
    site, view = site_by_key(site_key), site_view(site_key)
    receipt = _find(site.id, receipt_id)
    if receipt.payload is None:
        return page("receipts/erased.html", site=site, receipt=receipt)
    claims = orjson.loads(receipt.payload)
    signed = _signed(receipt)
    if claims.get("schema") != SCHEMA:
        raw = orjson.dumps(claims, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode()
        return page("receipts/leaf.html", site=site, receipt=receipt, raw=raw)
    version = view.version(claims["policy_version"])
    return page(
        "receipts/show.html",
        site=site,
        receipt=receipt,
        claims=claims,
        subject=next(iter(search.subjects_of(site.id, [receipt]).values()), None),
        signed=signed,
        verdict=verification.verify(signed, ring=ring()),
        version=version,
        purposes=_purposes(version, claims),
        shown=_shown(view, claims),
        permalink=f"{public_url()}/p/{site.key}/{claims['policy']}/{claims['policy_version']}?lang={claims['language']}",
        raw=orjson.dumps(claims, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode(),
        instants={name: _instant(claims.get(name)) for name in ("issued_at", "expires_at", "decided_at")},
    )


@bp.get("/<uuid:receipt_id>.jws")
@auth("staff", "receipts.read")
def download(site_key: str, receipt_id: uuid.UUID) -> Response:
    """Return the signed receipt as a file that anyone can verify."""
    receipt = _find(site_by_key(site_key).id, receipt_id)
    response = Response(_signed(receipt) + "\n", mimetype="application/jose")
    response.headers["Content-Disposition"] = f'attachment; filename="receipt-{receipt_id}.jws"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _find(site_id: int, receipt_id: uuid.UUID) -> Receipt:
    receipt = ledger.find(site_id, receipt_id)
    if receipt is None:
        raise UnknownReceipt("Search for it by its id, or by visitor or date.")
    return receipt


def _signed(receipt: Receipt) -> str:
    if receipt.payload is None:
        raise service.ReceiptErased("Its place in the log and its hash remain.")
    log = db.session.get_one(Log, (receipt.site_id, receipt.epoch))
    return jws.sign(receipt.payload, key=ring().receipt_keys[receipt.kid], log=log.origin, idx=receipt.idx)


def _purposes(version: PublishedVersion | None, claims: dict[str, Any]) -> list[dict[str, Any]]:
    """Return each purpose as it was named then, with the choice; basic ones have none."""
    language, choices = claims["language"], claims["choices"]
    if version is None:
        return [
            {"key": key, "name": key, "choice": choice, "asked": key in claims["asked"]}
            for key, choice in choices.items()
        ]
    return [
        {
            "key": purpose["key"],
            "name": purpose["texts"].get(language, {}).get("name", purpose["key"]),
            "description": purpose["texts"].get(language, {}).get("description", ""),
            "choice": choices.get(purpose["key"]),
            "asked": purpose["key"] in claims["asked"],
        }
        for purpose in version.purposes
    ]


def _shown(view: SiteView, claims: dict[str, Any]) -> dict[str, Any] | None:
    """Return the banner's words in the receipt's language, from the very build that it names."""
    build = db.session.get(BannerBuild, (view.id, bytes.fromhex(claims["banner_build"])))
    if build is None:
        return None
    pack = orjson.loads(build.configuration)["languages"].get(claims["language"], {})
    names = pack.get("names", {})
    joined = "、".join(names.values()) if claims["language"].startswith("zh") else ", ".join(names.values())
    texts = {key: str(words).replace("{purposes}", joined) for key, words in pack.get("texts", {}).items()}
    return {"texts": texts, "names": names, "dir": pack.get("dir", "ltr")}


def _filter() -> tuple[search.Filter, dict[str, str]]:
    """Return what the address asks for, and a message for each field that cannot be read."""
    wrong: dict[str, str] = {}
    values: dict[str, Any] = {
        "receipt_id": _uuid("receipt", wrong),
        "visitor_id": _uuid("visitor", wrong),
        "subject": request.args.get("subject", "").strip()[:128] or None,
        "version": request.args.get("version", "").strip() or None,
        "since": _date("from", wrong),
        "before": _date("to", wrong),
    }
    if values["before"] is not None:
        values["before"] += timedelta(days=1)  # the last day counts in full
    return search.Filter(**values), wrong


def _uuid(name: str, wrong: dict[str, str]) -> uuid.UUID | None:
    value = request.args.get(name, "").strip()
    try:
        return uuid.UUID(value) if value else None
    except ValueError:
        wrong[name] = _("This is not an id; copy all of it, like 8c1f0f5e-….")
        return None


def _date(name: str, wrong: dict[str, str]) -> datetime | None:
    value = request.args.get(name, "").strip()
    try:
        return datetime.fromisoformat(value).replace(tzinfo=UTC) if value else None
    except ValueError:
        wrong[name] = _("Write the date as year-month-day, like 2026-01-31.")
        return None


def _instant(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None
