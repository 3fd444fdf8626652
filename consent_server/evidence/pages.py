"""The evidence desk: search, one receipt with everything that it proves and where its text comes from, and archives."""

import uuid
from datetime import datetime
from typing import Any

import orjson
from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from consent_server import clock, downloads
from consent_server.accounts.access import actor
from consent_server.accounts.service import names_of
from consent_server.auth import auth
from consent_server.banner.configuration import phrase
from consent_server.banner.models import BannerBuild
from consent_server.consents import verification
from consent_server.consents.answers import ReceiptErased
from consent_server.consents.api import ring
from consent_server.consents.payload import SCHEMA
from consent_server.consents.search import UnknownReceipt, subjects_of
from consent_server.db import db, transaction
from consent_server.evidence import archive, search, trace
from consent_server.evidence.query import Query, read
from consent_server.http import public_url
from consent_server.ledger import append as ledger
from consent_server.ledger import jws
from consent_server.ledger.models import Log, Receipt
from consent_server.policies.models import Policy
from consent_server.policies.published import PublishedVersion, SiteView, published_versions, site_view
from consent_server.problems import InvalidInput, Problem
from consent_server.screens import page
from consent_server.sites.models import Site
from consent_server.sites.service import site_by_key

bp = Blueprint("receipts", __name__, url_prefix="/console/sites/<site_key>/receipts")
ARCHIVE_LIMIT = 5_000  # receipts: about as many seconds as a person waits for a file
IN_MEMORY = 8 * 1024 * 1024  # bytes of an archive; a larger one lies on the disk meanwhile


@bp.get("")
@auth("staff", "receipts.read")
def index(site_key: str) -> ResponseReturnValue:
    """Search the site's receipts; the address carries the question."""
    return _results(site_by_key(site_key), read(request.args))


@bp.post("/archive")
@auth("staff", "receipts.read")
def export(site_key: str) -> ResponseReturnValue:
    """Return a signed archive of everything that fits the question."""
    query, instant = read(request.form), clock.now()
    site = site_by_key(site_key)
    if query.errors:
        return _results(site, query, problem=InvalidInput("Look at the marked fields.", errors=query.errors))
    who = names_of({actor()}).get(actor(), actor())
    order = archive.Order(site, query.wanted, who=who, now=instant, limit=ARCHIVE_LIMIT)
    file = downloads.open_file(in_memory=IN_MEMORY)
    try:
        count = archive.write(file, order, ring=ring())  # type: ignore[arg-type]  # it is a file in all but name
        with transaction():
            archive.note(order, count, actor=actor())
    except Problem as problem:
        file.close()
        return _results(site_by_key(site_key), query, problem=problem)
    name = f"evidence-{site_key}-{instant:%Y%m%d-%H%M%S}.zip"
    return downloads.download(file, name=name, content_type="application/zip")


def _results(site: Site, query: Query, *, problem: Problem | None = None) -> ResponseReturnValue:
    view = site_view(site.key)
    found = (
        search.Found([], None)
        if query.errors
        else search.find_receipts(site.id, query.wanted, cursor=request.args.get("cursor"))
    )
    rows = [
        (receipt, orjson.loads(receipt.payload) if receipt.payload else None) for receipt in found.receipts
    ]
    return page(
        "receipts/index.html",
        problem=problem,
        site=site,
        options=_options(site, view),
        rows=rows,
        subjects=subjects_of(site.id, found.receipts),
        found=found,
        asked=query.asked,
        errors=query.errors,
        limit=ARCHIVE_LIMIT,
    )


def _options(site: Site, view: SiteView) -> dict[str, list[str]]:
    """Return what can be chosen: everything that a version of any of the site's policies ever had."""
    policies = db.session.scalars(select(Policy.id).where(Policy.site_id == site.id)).all()
    versions = [version for policy in policies for version in published_versions(policy)]
    purposes = {p["key"] for each in versions for p in each.purposes if p["function"] == "additional"}
    languages = {tag for each in versions for tag in each.notices} | set(site.languages)
    return {
        "version": list(dict.fromkeys(each.number for each in (*view.versions[::-1], *versions[::-1]))),
        "language": sorted(languages),
        "purpose": sorted(purposes),
    }


@bp.get("/<uuid:receipt_id>/trace")
@auth("staff", "receipts.read")
def origin(site_key: str, receipt_id: uuid.UUID) -> ResponseReturnValue:
    """Show where a receipt's text comes from: version, who approved it, and what it changed word by word."""
    site = site_by_key(site_key)
    receipt = _find(site.id, receipt_id)
    claims = orjson.loads(receipt.payload) if receipt.payload else {}
    version = trace.version_of(site.id, str(claims.get("policy")), str(claims.get("policy_version")))
    if version is None:
        raise UnknownReceipt("It has been erased, or it is not a visitor's decision.")
    return page("receipts/trace.html", site=site, receipt=receipt, claims=claims, trace=trace.trace(version))


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
        subject=next(iter(subjects_of(site.id, [receipt]).values()), None),
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
        raise ReceiptErased("Its place in the log and its hash remain.")
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
    joined = phrase(claims["language"], list(names.values()))
    texts = {key: str(words).replace("{purposes}", joined) for key, words in pack.get("texts", {}).items()}
    return {"texts": texts, "names": names, "dir": pack.get("dir", "ltr")}


def _instant(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None
