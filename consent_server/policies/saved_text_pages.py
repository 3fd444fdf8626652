"""A draft's history: who saved what and when, word by word between any two saves, and an earlier text brought back."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from consent_server import clock
from consent_server.accounts.access import actor
from consent_server.accounts.service import names_of
from consent_server.auth import auth
from consent_server.db import transaction
from consent_server.policies import drafting, saved_texts
from consent_server.policies.models import PolicyVersion, SavedText
from consent_server.policies.redline import SectionRedline, redline_sections
from consent_server.policies.text import Document, parse
from consent_server.problems import NotFound, Problem
from consent_server.screens import done, page, text
from consent_server.sites.languages import in_order
from consent_server.sites.models import Site

bp = Blueprint(
    "saved_texts", __name__, url_prefix="/console/sites/<site_key>/policies/<policy_key>/draft/history"
)
SHOWN = 50  # saves; the rest on demand


@bp.get("")
@auth("staff", "policies.read")
def show(site_key: str, policy_key: str) -> ResponseReturnValue:
    """Show what was saved in one language, the newest first, and what changed between two of the saves."""
    return _page(site_key, policy_key, request.args.get("language", ""))


@bp.post("/bring-back")
@auth("staff", "policies.edit")
def bring_back(site_key: str, policy_key: str) -> ResponseReturnValue:
    """Save an earlier text anew; what somebody else has saved meanwhile is shown first."""
    language, number = text("language"), request.form.get("number", 0, type=int)
    try:
        with transaction():
            site, _policy, draft = drafting.draft_at(site_key, policy_key)
            if language not in _languages(site, draft):
                raise saved_texts.UnknownSavedText(
                    "The page of the draft's history lists those that there are."
                )
            is_new = drafting.bring_back(
                draft,
                saved_texts.text_of(draft, language, number),
                revision=request.form.get("revision", 0, type=int),
                now=clock.now(),
                actor=actor(),
            )
    except NotFound:
        raise
    except Problem as problem:
        return _page(site_key, policy_key, language, problem)
    words = (
        _("The earlier text is the draft's again; what stood there stays in the history.")
        if is_new
        else _("The draft says this already.")
    )
    return done(words, "saved_texts.show", site_key=site_key, policy_key=policy_key, language=language)


def _page(
    site_key: str, policy_key: str, language: str, problem: Problem | None = None
) -> ResponseReturnValue:
    site, policy, draft = drafting.draft_at(site_key, policy_key)
    languages = _languages(site, draft)
    chosen = language if language in languages else next(iter(languages), "")
    texts = saved_texts.texts_of(draft, chosen)
    before, after = _pair(texts)
    standing = next((each for each in draft.notices if each.language == chosen), None)
    return page(
        "policies/history.html",
        problem=problem,
        site=site,
        policy=policy,
        draft=draft,
        here={"site_key": site.key, "policy_key": policy.key},
        languages=languages,
        chosen=chosen,
        texts=texts if "all" in request.args else texts[:SHOWN],
        count=len(texts),
        before=before,
        after=after,
        redlines=_redlines(before, after),
        standing=None if standing is None else (standing.format, standing.sha256),
        names=names_of({each.saved_by for each in texts}),
    )


def _pair(texts: Sequence[SavedText]) -> tuple[SavedText | None, SavedText | None]:
    """Return the two saves that are compared, the older first: those of the address, else the newest and the one before."""
    by_number = {each.number: each for each in texts}
    before = by_number.get(request.args.get("from", 0, type=int)) or next(iter(texts[1:]), None)
    after = by_number.get(request.args.get("to", 0, type=int)) or next(iter(texts), None)
    if before and after and before.number > after.number:
        return after, before
    return before, after


def _redlines(before: SavedText | None, after: SavedText | None) -> dict[str, list[SectionRedline]]:
    if before is None or after is None:
        return {}
    return {after.language: redline_sections(_document(before), _document(after))}


def _document(saved: SavedText) -> Document:
    kind: Any = saved.format
    return parse(saved.source, language=saved.language, format=kind)


def _languages(site: Site, draft: PolicyVersion) -> list[str]:
    return in_order(site.languages, [each.language for each in draft.notices])
