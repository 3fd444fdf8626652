"""The audit log: who did what, when, narrowed down by an address that can be kept; a page at a time, or all as a table."""

import io
from collections.abc import Iterator, Sequence
from typing import Any

import orjson
from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from consent_server import audit_labels, clock, spreadsheets
from consent_server.accounts.service import names_of
from consent_server.audit import service as audit
from consent_server.audit.models import AuditEvent
from consent_server.auth import auth
from consent_server.downloads import download, open_file
from consent_server.problems import InvalidInput
from consent_server.screens import page
from consent_server.sites import service
from consent_server.sites.audit_query import Query, read, read_place
from consent_server.sites.models import Site

bp = Blueprint("audit", __name__, url_prefix="/console")
PAGE = 50
IN_MEMORY = 1024 * 1024  # bytes of a table; a larger one lies on the disk meanwhile


@bp.get("/audit")
@auth("staff", "audit.read")
def everything() -> ResponseReturnValue:
    """Show what was done anywhere."""
    return _log(None)


@bp.get("/audit.csv")
@auth("staff", "audit.read")
def table_of_everything() -> ResponseReturnValue:
    """Return all that fits, of any site, for a spreadsheet."""
    return _table(None)


@bp.get("/sites/<site_key>/audit")
@auth("staff", "audit.read")
def of_site(site_key: str) -> ResponseReturnValue:
    """Show what was done to one site."""
    return _log(service.site_by_key(site_key))


@bp.get("/sites/<site_key>/audit.csv")
@auth("staff", "audit.read")
def table_of_site(site_key: str) -> ResponseReturnValue:
    """Return all that fits, of one site, for a spreadsheet."""
    return _table(service.site_by_key(site_key))


def _log(site: Site | None) -> ResponseReturnValue:
    sites = service.all_sites()
    query = _read(site, sites)
    older_than = read_place(request.args.get("before", ""))
    rows = [] if query.errors else audit.newest(query.wanted, older_than=older_than, limit=PAGE + 1)
    shown = rows[:PAGE]
    actors = audit.actors(site.id if site else None)
    return page(
        "audit/log.html",
        site=site,
        events=shown,
        count=0 if query.errors else audit.count(query.wanted),
        names=names_of({*actors, *(event.target for event in shown)}),
        actors=actors,
        sites={each.id: each for each in sites},
        asked=query.asked,
        link=query.asked | (request.view_args or {}),
        errors=query.errors,
        next_before=shown[-1].id if len(rows) > len(shown) else None,
        older_than=older_than,
    )


def _table(site: Site | None) -> Response:
    sites = service.all_sites()
    query = _read(site, sites)
    if query.errors:
        raise InvalidInput("Take an address from the page of the audit log.", errors=query.errors)
    file = open_file(in_memory=IN_MEMORY)
    text = io.TextIOWrapper(file, encoding=spreadsheets.ENCODING, newline="")
    spreadsheets.write(text, _rows(query, {each.id: each.key for each in sites}))
    text.detach()
    name = f"audit-{site.key if site else 'all'}-{clock.now():%Y%m%d-%H%M%S}.csv"
    return download(file, name=name, content_type="text/csv; charset=utf-8")


def _read(site: Site | None, sites: Sequence[Site]) -> Query:
    return read(request.args, site_id=site.id if site else None, sites={each.key: each.id for each in sites})


def _rows(query: Query, keys: dict[int, str]) -> Iterator[list[Any]]:
    """Yield the table: codes beside the words, for those who count with it."""
    yield [
        _("Number"),
        _("When"),
        _("Who"),
        _("Code of who"),
        _("What"),
        _("Code of what"),
        _("Site"),
        _("What it was done to"),
        _("Details"),
    ]
    for batch in audit.all_events(query.wanted):
        names = names_of({event.actor for event in batch})
        for event in batch:
            detail = orjson.dumps(event.detail, option=orjson.OPT_SORT_KEYS).decode() if event.detail else ""
            where = keys.get(event.site_id or 0, "")
            yield [event.id, clock.iso(event.at), *_words(event, names), where, event.target, detail]


def _words(event: AuditEvent, names: dict[str, str]) -> list[str]:
    who = names.get(event.actor) or str(audit_labels.ACTOR.get(event.actor, event.actor))
    return [who, event.actor, str(audit_labels.ACTION.get(event.action, event.action)), event.action]
