"""Publish a draft: what changed, what kind of change each is, whom it touches, and what stands in the way."""

from collections import Counter
from typing import Any

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from consent_server import clock
from consent_server.accounts.access import actor
from consent_server.accounts.service import names_of
from consent_server.accounts.step_up import proven
from consent_server.auth import auth
from consent_server.console.change_forms import (
    GROUPS,
    REASONS,
    described,
    empty_row,
    row_of,
    row_of_facts,
    row_of_suggestion,
    typed,
)
from consent_server.console.drafts import Draft, load_draft, purpose_texts, require_seen, seen_of
from consent_server.console.impact import impact_with, is_judged
from consent_server.console.review_values import review_values
from consent_server.db import transaction
from consent_server.policies import drafting, proposing, publishing, waiving
from consent_server.policies.changes import ChangeClass, ChangeType, is_downgrade, proposed_class
from consent_server.policies.models import PolicyVersion
from consent_server.policies.published import site_view
from consent_server.problems import Problem
from consent_server.reconsent import census
from consent_server.reconsent.impact import Impact
from consent_server.screens import done, page, text

bp = Blueprint(
    "publish", __name__, url_prefix="/console/sites/<site_key>/policies/<policy_key>/draft/publish"
)


@bp.get("")
@auth("staff", "policies.read")
def show(site_key: str, policy_key: str) -> ResponseReturnValue:
    """Show what publishing would do."""
    return _page(load_draft(site_key, policy_key))


@bp.post("/changes")
@auth("staff", "policies.edit")
def classify(site_key: str, policy_key: str) -> ResponseReturnValue:
    """Save the typed changes, or add and remove rows of the form."""
    rows = described(request.form)
    step, _colon, at = request.form.get("do", "save").partition(":")
    draft = load_draft(site_key, policy_key)
    if step == "add":
        return _page(draft, rows=[*rows, empty_row(draft.site.languages)], unsaved=True)
    if step == "adopt":
        found = publishing.readiness(draft.version).detected
        return _page(
            draft, rows=[*rows, *(row_of_facts(each, draft.site.languages) for each in found)], unsaved=True
        )
    if step == "propose":
        return _page(draft, rows=[*rows, *_proposed(draft)], unsaved=True)
    if step == "remove" and at.isdecimal() and int(at) < len(rows):
        return _page(draft, rows=[*rows[: int(at)], *rows[int(at) + 1 :]], unsaved=True)
    try:
        with transaction():
            draft = load_draft(site_key, policy_key)
            drafting.set_changes(
                draft.version,
                typed(rows),
                now=clock.now(),
                actor=actor(),
                revision=request.form.get("revision", type=int),
            )
    except Problem as problem:
        return _page(load_draft(site_key, policy_key), rows=rows, problem=problem, unsaved=True)
    return done(_("The changes are saved."), "publish.show", site_key=site_key, policy_key=policy_key)


@bp.post("/approve/<int:change_id>")
@auth("staff", "policies.approve")
def approve(site_key: str, policy_key: str, change_id: int) -> ResponseReturnValue:
    """Approve, as the second person, that a change counts as less than its type proposes."""
    try:
        with transaction():
            draft = load_draft(site_key, policy_key)
            drafting.approve_downgrade(draft.version, change_id, now=clock.now(), actor=actor())
    except Problem as problem:
        return _page(load_draft(site_key, policy_key), problem=problem)
    return done(
        _("You have approved the lower class."), "publish.show", site_key=site_key, policy_key=policy_key
    )


@bp.post("/waive")
@auth("staff", "policies.waive")
def waive(site_key: str, policy_key: str) -> ResponseReturnValue:
    """Let one finding pass, with a reason that the version keeps."""
    try:
        with transaction():
            draft = load_draft(site_key, policy_key)
            waiving.waive(
                draft.version,
                fingerprint=text("fingerprint"),
                reason=text("reason"),
                now=clock.now(),
                actor=actor(),
            )
    except Problem as problem:
        return _page(load_draft(site_key, policy_key), problem=problem)
    return done(_("The waiver is noted."), _from_where(), site_key=site_key, policy_key=policy_key)


@bp.post("/waivers/<int:waiver_id>/withdraw")
@auth("staff", "policies.waive")
def withdraw_waiver(site_key: str, policy_key: str, waiver_id: int) -> ResponseReturnValue:
    """Take a waiver back."""
    try:
        with transaction():
            draft = load_draft(site_key, policy_key)
            waiving.withdraw_waiver(draft.version, waiver_id, now=clock.now(), actor=actor())
    except Problem as problem:
        return _page(load_draft(site_key, policy_key), problem=problem)
    return done(_("The waiver is taken back."), "publish.show", site_key=site_key, policy_key=policy_key)


def _from_where() -> str:
    """Return the page on which the person looked at the findings."""
    return "drafts.edit" if text("back") == "editor" else "publish.show"


@bp.post("")
@proven
@auth("staff", "policies.publish")
def publish(site_key: str, policy_key: str) -> ResponseReturnValue:
    """Publish exactly what the person has looked at."""
    try:
        with transaction():
            draft = load_draft(site_key, policy_key)
            require_seen(draft, request.form.get("seen"))
            version = publishing.publish_version(draft.version, now=clock.now(), actor=actor())
            number, is_asked = version.number, draft.is_asked
    except Problem as problem:
        return _page(load_draft(site_key, policy_key), problem=problem)
    message = _("Version %(number)s is published.", number=number)
    if is_asked:
        return done(message, "reconsent_pages.show", site_key=site_key)
    return done(message, "policy_pages.show", site_key=site_key, policy_key=policy_key)


@bp.errorhandler(drafting.Immutable)
def _published_meanwhile(_problem: Problem) -> ResponseReturnValue:
    """Send to the policy who works on a draft that was published meanwhile."""
    return redirect(url_for("policy_pages.show", **(request.view_args or {})))


def _page(
    draft: Draft, *, rows: list[dict[str, Any]] | None = None, problem: Problem | None = None, **values: Any
) -> ResponseReturnValue:
    version, site = draft.version, draft.site
    ready = publishing.readiness(version)
    before = drafting.newest_of(draft.policy)
    step = proposing.redline_of(version, site, before)
    return page(
        "policies/publish.html",
        problem=problem,
        site=site,
        policy=draft.policy,
        draft=version,
        ready=ready,
        before=before,
        sections=step.redlines,
        proposals=proposing.answered(step.suggestions, ready.typed),
        fallen=waiving.fallen(version, ready.findings),
        rows=[row_of(change, site.languages) for change in version.changes] if rows is None else rows,
        purposes=purpose_texts(draft, before),
        groups=GROUPS,
        reasons=REASONS,
        approvals=_approvals(version),
        names=names_of(
            {
                actor(),
                *(w.waived_by for w in version.waivers),
                *(c.approved_by or "" for c in version.changes),
            }
        ),
        impact=_impact(draft, ready),
        judged=is_judged(draft, site_view(site.key)),
        tally=Counter(change.change_class.value for change in ready.changes),
        seen=seen_of(draft),
        **review_values(draft),
        **values,
    )


def _impact(draft: Draft, ready: publishing.Readiness) -> Impact | None:
    """Return whom the version would touch; None where nobody can be, or where a large site has not been counted yet."""
    view = site_view(draft.site.key)
    if not is_judged(draft, view):
        return None
    found = census.counted(draft.site.id, now=clock.now())
    return None if found is None else impact_with(draft, view, found, ready.number, ready.changes)


def _proposed(draft: Draft) -> list[dict[str, Any]]:
    """Return a row for each proposal that is not answered; a bullet stands in the row of the first change that it tells of."""
    found = proposing.redline_of(draft.version, draft.site, drafting.newest_of(draft.policy))
    stored = publishing.readiness(draft.version).typed
    wanted = [each.suggestion for each in proposing.answered(found.suggestions, stored) if not each.answer]
    rows = [row_of_suggestion(each, draft.site.languages) for each in wanted]
    for language in found.redlines if wanted else ():
        for bullet in found.summary(language, wanted):
            at = next(n for n, each in enumerate(wanted) if each in bullet.changes)
            rows[at]["summary"][language] = bullet.text
    return rows


def _approvals(version: PolicyVersion) -> list[dict[str, Any]]:
    """Return the changes that a second person must approve, or has approved."""
    found = []
    for change in version.changes:
        kind, effect = ChangeType(change.type), ChangeClass(change.effect)
        if is_downgrade(kind, effect) and proposed_class(kind).is_major and not effect.is_major:
            found.append({"change": change, "mine": change.classified_by == actor()})
    return found
