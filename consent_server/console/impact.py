"""Impact before publishing: who would be asked again or told, two classifications side by side, and what they would see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from consent_server import clock
from consent_server.accounts.access import actor
from consent_server.audit import service as audit
from consent_server.auth import auth
from consent_server.banner.configuration import words_for
from consent_server.banner.words import locales
from consent_server.console.drafts import Draft, candidate_of, load_draft, purpose_texts
from consent_server.db import transaction
from consent_server.jobs import service as jobs
from consent_server.policies import drafting, publishing
from consent_server.policies.changes import ChangeClass, next_number
from consent_server.policies.facts import Change, VersionFacts
from consent_server.policies.published import SiteView, site_view
from consent_server.reconsent import census
from consent_server.reconsent.cards import CardWords, delta_card
from consent_server.reconsent.census import Counted
from consent_server.reconsent.impact import Card, Impact, impact_of
from consent_server.screens import done, page

bp = Blueprint("impact", __name__, url_prefix="/console/sites/<site_key>/policies/<policy_key>/draft/impact")
CARDS = 12  # kinds of cards that the page shows; all are counted


@dataclass(frozen=True)
class Row:
    """One line of a comparison: what is counted, under the classification as saved, and under the other."""

    words: str
    saved: int
    other: int

    @property
    def difference(self) -> int:
        """How many more the other classification touches."""
        return self.other - self.saved


@bp.get("")
@auth("staff", "policies.read")
def show(site_key: str, policy_key: str) -> ResponseReturnValue:
    """Show whom the draft would touch; with classes in the query, compared with that classification."""
    draft, view = load_draft(site_key, policy_key), site_view(site_key)
    ready = publishing.readiness(draft.version)
    before = drafting.newest_of(draft.policy)
    found = census.counted(draft.site.id, now=clock.now()) if is_judged(draft, view) else None
    names = purpose_texts(draft, before)
    other = _reclassified(ready.changes)
    values: dict[str, Any] = {}
    if found is not None:
        impact = impact_with(draft, view, found, ready.number, ready.changes)
        facts = (*view.facts, candidate_of(draft, ready.number, ready.changes))
        values = {
            "impact": impact,
            "counted": found,
            "cards": [(each, _in_words(each, draft, view, facts, names)) for each in impact.cards[:CARDS]],
        }
        if other is not None and before is not None:
            number = next_number(before.number, [change.change_class for change in other])
            then = impact_with(draft, view, found, number, other)
            values["rows"] = list(_compared(impact, then, draft, names))
            values["other_number"] = number
    return page(
        "policies/impact.html",
        site=draft.site,
        policy=draft.policy,
        ready=ready,
        here=draft.names,
        judged=is_judged(draft, view),
        chosen=[change.change_class.value for change in other or ready.changes],
        classes=[each.value for each in reversed(ChangeClass)],
        names=names,
        job=_job(draft),
        small=census.is_small(draft.site.id),
        **values,
    )


@bp.post("/count")
@auth("staff", "reconsent.count")
def count(site_key: str, policy_key: str) -> ResponseReturnValue:
    """Have a job count a site that is too large for a page to wait."""
    with transaction():
        draft = load_draft(site_key, policy_key)
        job = census.ask_count(draft.site.id, now=clock.now())
        audit.record(
            "reconsent.count", actor=actor(), now=clock.now(), site_id=draft.site.id, target=f"job:{job.id}"
        )
    return done(_("Counting has begun."), "impact.show", site_key=site_key, policy_key=policy_key)


def is_judged(draft: Draft, view: SiteView) -> bool:
    """Return whether anybody can be touched: the banner asks about this policy, and a version is published."""
    return draft.is_asked and view.current is not None


def impact_with(
    draft: Draft, view: SiteView, found: Counted, number: str, changes: Sequence[Change]
) -> Impact:
    """Return the impact of a draft with these changes on those who were counted."""
    candidate = candidate_of(draft, number, changes)
    at = clock.to_ms(found.taken_at)
    return impact_of(found.groups, view.facts, candidate, now_ms=at, profile=view.profile)


def _reclassified(changes: Sequence[Change]) -> list[Change] | None:
    """Return the changes with the classes of the query, or None where it names none."""
    chosen = [request.args.get(f"class-{at}", "") for at in range(len(changes))]
    if not any(chosen):
        return None
    return [
        replace(change, change_class=ChangeClass(name)) if name in list(ChangeClass) else change
        for change, name in zip(changes, chosen, strict=True)
    ]


def _compared(
    impact: Impact, then: Impact, draft: Draft, names: Mapping[str, Mapping[str, Any]]
) -> list[Row]:
    rows = [
        Row(_("Asked again"), impact.asked, then.asked),
        Row(_("Only told"), impact.told, then.told),
    ]
    for key in dict.fromkeys([*impact.purposes, *then.purposes]):
        saved, other = (sum(each.purposes.get(key, {}).values()) for each in (impact, then))
        words = _("Asked about “%(purpose)s”", purpose=_name(names, key, draft.site.default_language))
        rows.append(Row(words, saved, other))
    return rows


def _name(names: Mapping[str, Mapping[str, Any]], key: str, language: str) -> str:
    found: str = names.get(key, {}).get(language, {}).get("name", "")
    return found or key


def _in_words(
    card: Card,
    draft: Draft,
    view: SiteView,
    facts: Sequence[VersionFacts],
    names: Mapping[str, Mapping[str, Any]],
) -> list[CardWords]:
    """Return what a card says in each language of the site."""
    asked = facts[-1].purposes
    return [
        delta_card(
            card.delta,
            facts,
            words_for(language, view, locales()),
            {key: _name(names, key, language) for key in asked},
            language,
        )
        for language in draft.site.languages
    ]


def _job(draft: Draft) -> Any:
    newest = jobs.newest(site_id=draft.site.id, name=census.COUNT, limit=1)
    return newest[0] if newest and newest[0].state != "done" else None
