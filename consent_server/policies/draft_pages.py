"""Work on a draft: all languages side by side, what the server understood of them, and how they compare."""

from typing import Any

from flask import Blueprint, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from consent_server import clock, labels
from consent_server.accounts.access import actor
from consent_server.accounts.service import names_of
from consent_server.auth import auth
from consent_server.db import transaction
from consent_server.policies import drafting, editing, merging, saved_texts
from consent_server.policies.draft_forms import (
    Text,
    merged_texts,
    read_file,
    read_form,
    stored_texts,
    understand,
)
from consent_server.policies.models import Policy, PolicyVersion
from consent_server.policies.text import SourceError, canonical
from consent_server.policies.text.placeholders import FIELDS
from consent_server.problems import InvalidInput, Problem
from consent_server.screens import confirm, done, page
from consent_server.sites.models import Site
from consent_server.sites.service import site_by_key

bp = Blueprint("drafts", __name__, url_prefix="/console/sites/<site_key>/policies/<policy_key>/draft")


@bp.post("/open")
@auth("staff", "policies.edit")
def start(site_key: str, policy_key: str) -> ResponseReturnValue:
    """Open a draft; it begins with the newest version's texts."""
    with transaction():
        policy = drafting.policy_by_key(site_by_key(site_key), policy_key)
        drafting.open_draft(policy, now=clock.now(), actor=actor())
    return redirect(url_for("drafts.edit", site_key=site_key, policy_key=policy_key), 303)


@bp.get("")
@auth("staff", "policies.read")
def edit(site_key: str, policy_key: str) -> ResponseReturnValue:
    """Show the draft's texts."""
    site, policy, draft = drafting.draft_at(site_key, policy_key)
    return _form(site, policy, draft, stored_texts(site, draft))


@bp.post("")
@auth("staff", "policies.edit")
def save(site_key: str, policy_key: str) -> ResponseReturnValue:
    """Save the texts, or show what they would look like."""
    site, policy, draft = drafting.draft_at(site_key, policy_key)
    texts, revision = read_form(site, request.form), request.form.get("revision", type=int)
    if request.form.get("do") == "preview":
        return _form(site, policy, draft, texts, revision=revision, unsaved=True)
    return _saved(site_key, policy_key, texts, revision)


@bp.post("/autosave")
@auth("staff", "policies.edit")
def autosave(site_key: str, policy_key: str) -> ResponseReturnValue:
    """Save the texts while a person goes on writing; the answer is JSON for the page's script."""
    site, _policy, _draft = drafting.draft_at(site_key, policy_key)
    texts = read_form(site, request.form)
    try:
        with transaction():
            _site, _policy, draft = drafting.draft_at(site_key, policy_key)
            _store(draft, texts, request.form.get("revision", type=int), kind="autosaved")
            revision = draft.revision
    except Problem as problem:
        _site, _policy, draft = drafting.draft_at(site_key, policy_key)
        answer = {"problem": problem.slug, "revision": draft.revision}
        return jsonify(answer), int(problem.status)
    return jsonify({"revision": revision})


@bp.post("/merge")
@auth("staff", "policies.edit")
def merge(site_key: str, policy_key: str) -> ResponseReturnValue:
    """Save what a person has made of their own text and the one that somebody else had saved meanwhile."""
    site, policy, draft = drafting.draft_at(site_key, policy_key)
    mine, revision = read_form(site, request.form), request.form.get("revision", type=int)
    texts = merged_texts(site, stored_texts(site, draft), mine, request.form)
    if revision != draft.revision or texts is None:
        problem = (
            drafting.DraftChanged("Your text is kept below; compare it with what is saved now.")
            if revision != draft.revision
            else InvalidInput("Choose for every section what shall stay.", errors={})
        )
        return _conflict(site, policy, draft, mine, problem)
    return _saved(site_key, policy_key, texts, revision)


@bp.post("/upload")
@auth("staff", "policies.edit")
def upload(site_key: str, policy_key: str) -> ResponseReturnValue:
    """Take one file per language into the draft."""
    site, policy, draft = drafting.draft_at(site_key, policy_key)
    texts = stored_texts(site, draft)
    try:
        for each in texts:
            file = request.files.get(f"file-{each.language}")
            if file is not None and file.filename:
                each.format, each.source = read_file(each.language, file)
    except InvalidInput as problem:
        return _form(site, policy, draft, texts, problem=problem)
    return _saved(site_key, policy_key, texts, request.form.get("revision", type=int))


@bp.get("/discard")
@auth("staff", "policies.edit")
def ask_discard(site_key: str, policy_key: str) -> ResponseReturnValue:
    """Ask whether the draft shall go."""
    site, _policy, _draft = drafting.draft_at(site_key, policy_key)
    return confirm(
        title=_("Discard the draft?"),
        text=_(
            "Its texts, their history and the classification of its changes are lost. Published versions stay."
        ),
        button=_("Discard the draft"),
        back=url_for("drafts.edit", site_key=site_key, policy_key=policy_key),
        site=site,
        active="policies",
    )


@bp.post("/discard")
@auth("staff", "policies.edit")
def discard(site_key: str, policy_key: str) -> ResponseReturnValue:
    """Throw the draft away."""
    with transaction():
        _site, _policy, draft = drafting.draft_at(site_key, policy_key)
        drafting.discard_draft(draft, now=clock.now(), actor=actor())
    return done(_("The draft is discarded."), "policy_pages.show", site_key=site_key, policy_key=policy_key)


def _saved(site_key: str, policy_key: str, texts: list[Text], revision: int | None) -> ResponseReturnValue:
    try:
        with transaction():
            site, policy, draft = drafting.draft_at(site_key, policy_key)
            _store(draft, texts, revision)
    except drafting.DraftChanged as problem:
        site, policy, draft = drafting.draft_at(site_key, policy_key)
        stored = {notice.language: (notice.format, notice.source) for notice in draft.notices}
        if any((each.format, _canonical(each)) != stored.get(each.language) for each in texts):
            return _conflict(site, policy, draft, texts, problem)
    except Problem as problem:
        site, policy, draft = drafting.draft_at(site_key, policy_key)
        return _form(site, policy, draft, texts, problem=_worded(problem, site, texts))
    target = "publish.show" if request.form.get("do") == "publish" else "drafts.edit"
    return done(_("The draft is saved."), target, site_key=site_key, policy_key=policy_key)


def _store(draft: PolicyVersion, texts: list[Text], revision: int | None, *, kind: str = "saved") -> None:
    drafting.require_editable(draft, revision)
    standing = {notice.language: notice for notice in draft.notices}
    for each in texts:
        if each.format not in labels.FORMAT:
            raise InvalidInput("Look at the marked fields.", errors={})
        notice = standing.get(each.language)
        if notice is None and not each.source.strip():
            continue  # a language that nobody has begun yet
        if notice is not None and notice.format == each.format and notice.source == _canonical(each):
            if kind == "saved":
                saved_texts.keep(draft, each.language, now=clock.now(), actor=actor())
            continue
        drafting.save_notice(
            draft,
            language=each.language,
            text_format=each.format,
            source=each.source,
            now=clock.now(),
            actor=actor(),
            kind=kind,
        )


def _canonical(each: Text) -> str | None:
    try:
        return canonical(each.source, text_format=each.format)  # type: ignore[arg-type]  # another word is refused by the next step
    except SourceError:
        return None


def _worded(problem: Problem, site: Site, texts: list[Text]) -> Problem:
    """Put the reason why a text cannot be read into the page's language, at its field."""
    if not isinstance(problem, InvalidInput):
        return problem
    understand(site, texts)
    errors = {f"source-{each.language}": each.error for each in texts if each.error}
    return InvalidInput("Look at the marked fields.", errors=errors)


def _conflict(
    site: Site, policy: Policy, draft: PolicyVersion, mine: list[Text], problem: Problem
) -> ResponseReturnValue:
    """Show both texts side by side, for a person to make one of them."""
    saved = {each.language: each for each in stored_texts(site, draft)}
    steps = {
        each.language: list(enumerate(merging.merge(each.base, each.parts, saved[each.language].parts or [])))
        for each in mine
    }
    return page(
        "policies/conflict.html",
        problem=problem,
        site=site,
        policy=policy,
        draft=draft,
        mine=mine,
        steps={
            language: [(at, step) for at, step in each if not step.same] for language, each in steps.items()
        },
        takes=request.form,
    )


def _form(
    site: Site,
    policy: Policy,
    draft: PolicyVersion,
    texts: list[Text],
    *,
    problem: Problem | None = None,
    revision: int | None = None,
    **values: Any,
) -> ResponseReturnValue:
    newest = drafting.newest_of(policy)
    understand(site, texts, newest, draft.waivers)
    rows = editing.rows_of(
        {each.language: each.written for each in texts if each.written},
        {each.language: each.source for each in texts if not each.written},
    )
    findings = [finding for each in texts for finding in each.findings]
    return page(
        "policies/draft.html",
        problem=problem,
        site=site,
        policy=policy,
        draft=draft,
        here={"site_key": site.key, "policy_key": policy.key},
        texts=texts,
        whole=request.args.get("view") == "whole",
        rows=rows,
        elsewhere=editing.put_findings(rows, findings),
        fields=editing.places_of(rows),
        editing=editing,
        placeholders={name: site.profile.get(field) for name, field in FIELDS.items()},
        # After a conflict the form carries the newest revision: saving again is then a decision, not an accident.
        revision=draft.revision if revision is None else revision,
        newest=newest,
        names=names_of({waiver.waived_by for waiver in draft.waivers}),
        **values,
    )
