"""The public page behind a letter's link: no more mail, with one click, also from within a mail program (RFC 8058)."""

from flask import Blueprint, current_app, g, request
from flask.typing import ResponseReturnValue
from itsdangerous import BadData

from consent_server import clock, i18n
from consent_server.auth import auth
from consent_server.campaigns import service
from consent_server.db import db, transaction
from consent_server.keys import KeyRing
from consent_server.problems import NotFound
from consent_server.screens import page
from consent_server.sites.models import Site

bp = Blueprint("unsubscribe", __name__, url_prefix="/mail")


class UnknownLetter(NotFound):
    slug = "unknown-letter"
    title = "This link belongs to no letter"


@bp.get("/<token>")
@auth("public")
def show(token: str) -> ResponseReturnValue:
    """Ask once: mail scanners open links, and must not unsubscribe anybody."""
    return page("campaigns/unsubscribe.html", token=token, site=_site(_read(token)[0]), is_done=False)


@bp.post("/<token>")
@auth("public")
def unsubscribe(token: str) -> ResponseReturnValue:
    """Send this user no more mail."""
    site_id, subject = _read(token)
    with transaction():
        service.refuse(site_id, subject, now=clock.now())
    return page("campaigns/unsubscribe.html", token=token, site=_site(site_id), is_done=True)


def _read(token: str) -> tuple[int, str]:
    g.page_language = i18n.closest(request.args.get("lang") or str(request.accept_languages))
    ring: KeyRing = current_app.extensions["keys"]
    try:
        site_id, subject = ring.serializer(service.UNSUBSCRIBE).loads(token)
    except BadData as error:
        raise UnknownLetter("Copy all of the link.") from error
    return int(site_id), str(subject)


def _site(site_id: int) -> Site:
    return db.session.get_one(Site, site_id)
