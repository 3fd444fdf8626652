"""The public page where anyone drops a receipt and sees what it says, checked here and in their own browser."""

from typing import Any

from flask import Blueprint, current_app, g, make_response, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext

from consent_server import i18n
from consent_server.auth import auth
from consent_server.consents import verification
from consent_server.ledger.jws import MAX_JWS_CHARS
from consent_server.rate_limit import limiter
from consent_server.screens import page

bp = Blueprint("verify", __name__, url_prefix="/verify")

# check → what it says when it passed, and when not
CHECKS = {
    "form": (
        lazy_gettext("It has the form of a consent receipt."),
        lazy_gettext("This is not a consent receipt."),
    ),
    "signature": (
        lazy_gettext("A key of this server signed exactly these bytes."),
        lazy_gettext(
            "No key of this server signed these bytes: it was changed, or another server issued it."
        ),
    ),
    "log": (
        lazy_gettext("It stands in the site's log, at the place that it names."),
        lazy_gettext("The log has something else at the place that it names, or nothing."),
    ),
    "told": (
        lazy_gettext("The log told of that policy version and that banner before it."),
        lazy_gettext("The log had not told of that policy version and that banner before it."),
    ),
    "version": (
        lazy_gettext("The policy version that it names was published so."),
        lazy_gettext("The policy version that it names was not published so."),
    ),
    "text": (
        lazy_gettext("The text that it names was published in that language."),
        lazy_gettext("The text that it names was not published in that language."),
    ),
}


@bp.get("")
@auth("public")
def ask() -> ResponseReturnValue:
    """Show the empty form."""
    return _page(None, "")


@bp.post("")
@limiter.limit("60 per minute")
@auth("public")
def check() -> ResponseReturnValue:
    """Check a pasted or uploaded receipt; works without JavaScript."""
    text = request.form.get("receipt", "").strip()
    upload = request.files.get("file")
    if not text and upload is not None:
        text = upload.read(MAX_JWS_CHARS + 1).decode("utf-8", errors="replace").strip()
    verdict = verification.verify(text, ring=current_app.extensions["keys"]) if text else None
    return _page(verdict, text)


def _page(verdict: verification.Verdict | None, text: str) -> ResponseReturnValue:
    g.page_language = request.args.get("lang") or i18n.language()
    values: dict[str, Any] = {"verdict": verdict, "text": text[:MAX_JWS_CHARS], "checks": CHECKS}
    response = make_response(page("public/verify.html", **values))
    response.headers["Cache-Control"] = "no-store"
    return response
