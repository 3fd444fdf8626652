"""The draft as visitors will meet it: as a page, as the banner's card, and as the text of the privacy center."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from consent_server import clock
from consent_server.auth import auth
from consent_server.banner.configuration import words_for
from consent_server.banner.words import locales
from consent_server.consents.facts import ConsentState, Entry
from consent_server.console.drafts import Draft, candidate_of, load_draft, purpose_texts
from consent_server.policies import drafting, publishing
from consent_server.policies.facts import VersionFacts
from consent_server.policies.in_step import documents_of
from consent_server.policies.published import SiteView, site_view
from consent_server.purposes.service import freeze
from consent_server.reconsent.cards import CardWords, delta_card, first_card
from consent_server.reconsent.rules import Delta, needs_reconsent
from consent_server.screens import page

bp = Blueprint(
    "preview", __name__, url_prefix="/console/sites/<site_key>/policies/<policy_key>/draft/preview"
)


@bp.get("")
@auth("staff", "policies.read")
def show(site_key: str, policy_key: str) -> ResponseReturnValue:
    """Show what is saved of the draft in every form in which visitors see it."""
    draft, view = load_draft(site_key, policy_key), site_view(site_key)
    site, version = draft.site, draft.version
    ready = publishing.readiness(version)
    candidate = candidate_of(draft, ready.number, ready.changes)
    names = purpose_texts(draft, drafting.newest_of(draft.policy))
    delta = _delta(view, candidate) if draft.is_asked else None
    return page(
        "policies/preview.html",
        site=site,
        policy=draft.policy,
        here=draft.names,
        ready=ready,
        documents=documents_of(version.notices, site.languages, site.profile),
        first=[_first(draft, view, language) for language in site.languages] if draft.is_asked else [],
        changed=[
            delta_card(
                delta,
                (*view.facts, candidate),
                words_for(language, view, locales()),
                {key: names.get(key, {}).get(language, {}).get("name") or key for key in candidate.purposes},
                language,
            )
            for language in site.languages
        ]
        if delta
        else [],
        purposes=freeze(site) if draft.is_asked else [],
        now=clock.now(),
    )


def _first(draft: Draft, view: SiteView, language: str) -> CardWords:
    names = {
        purpose["key"]: purpose["texts"].get(language, {}).get("name") or purpose["key"]
        for purpose in freeze(draft.site)
        if purpose["function"] == "additional"
    }
    return first_card(words_for(language, view, locales()), names, language)


def _delta(view: SiteView, candidate: VersionFacts) -> Delta | None:
    """Return what somebody will be asked or told who has agreed to everything in the version of now."""
    if view.current is None:
        return None
    number, ever = view.current.number, 2**53 - 1
    entries = {key: Entry("granted", number, 0, ever, "accept_all") for key in view.current.facts.purposes}
    return needs_reconsent(ConsentState(number, entries), (*view.facts, candidate), 0, view.profile)
