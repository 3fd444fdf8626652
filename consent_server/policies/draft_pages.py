"""Work on a draft: all languages side by side, what the server understood of them, and how they compare."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from consent_server import clock, labels
from consent_server.accounts.access import actor
from consent_server.accounts.service import names_of
from consent_server.auth import auth
from consent_server.db import transaction
from consent_server.policies import drafting
from consent_server.policies.in_step import by_follower, disagreements, waived
from consent_server.policies.models import Policy, PolicyVersion, Waiver
from consent_server.policies.parity import Finding
from consent_server.policies.text import Document, SourceError, canonical, decode, parse
from consent_server.problems import InvalidInput, NotFound, Problem
from consent_server.screens import confirm, done, page
from consent_server.sites.models import Site
from consent_server.sites.service import site_by_key

bp = Blueprint("drafts", __name__, url_prefix="/console/sites/<site_key>/policies/<policy_key>/draft")
SUFFIXES = {"md": "markdown", "markdown": "markdown", "txt": "plain"}


@dataclass
class Text:
    """One language's text in the form, and what the server makes of it."""

    language: str
    format: str
    source: str
    document: Document | None = None
    error: str = ""
    findings: list[Finding] = field(default_factory=list)


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
    site, policy, draft = _load(site_key, policy_key)
    return _form(site, policy, draft, _stored(site, draft))


@bp.post("")
@auth("staff", "policies.edit")
def save(site_key: str, policy_key: str) -> ResponseReturnValue:
    """Save the texts, or show what they would look like."""
    site, policy, draft = _load(site_key, policy_key)
    texts = [
        Text(tag, request.form.get(f"format-{tag}", "markdown"), request.form.get(f"source-{tag}", ""))
        for tag in site.languages
    ]
    if request.form.get("do") == "preview":
        return _form(
            site, policy, draft, texts, revision=request.form.get("revision", type=int), unsaved=True
        )
    return _saved(site_key, policy_key, texts, request.form.get("revision", type=int))


@bp.post("/upload")
@auth("staff", "policies.edit")
def upload(site_key: str, policy_key: str) -> ResponseReturnValue:
    """Take one file per language into the draft."""
    site, policy, draft = _load(site_key, policy_key)
    texts = _stored(site, draft)
    try:
        for each in texts:
            file = request.files.get(f"file-{each.language}")
            if file is not None and file.filename:
                each.format, each.source = _read(each.language, file)
    except InvalidInput as problem:
        return _form(site, policy, draft, texts, problem=problem)
    return _saved(site_key, policy_key, texts, request.form.get("revision", type=int))


@bp.get("/discard")
@auth("staff", "policies.edit")
def ask_discard(site_key: str, policy_key: str) -> ResponseReturnValue:
    """Ask whether the draft shall go."""
    site, _policy, _draft = _load(site_key, policy_key)
    return confirm(
        title=_("Discard the draft?"),
        text=_("Its texts and the classification of its changes are lost. Published versions stay."),
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
        _site, _policy, draft = _load(site_key, policy_key)
        drafting.discard_draft(draft, now=clock.now(), actor=actor())
    return done(_("The draft is discarded."), "policy_pages.show", site_key=site_key, policy_key=policy_key)


def _saved(site_key: str, policy_key: str, texts: list[Text], revision: int | None) -> ResponseReturnValue:
    try:
        with transaction():
            site, policy, draft = _load(site_key, policy_key)
            _store(draft, texts, revision)
    except Problem as problem:
        site, policy, draft = _load(site_key, policy_key)
        saved = _stored(site, draft) if isinstance(problem, drafting.DraftChanged) else []
        return _form(site, policy, draft, texts, problem=_worded(problem, texts), saved=saved)
    target = "publish.show" if request.form.get("do") == "publish" else "drafts.edit"
    return done(_("The draft is saved."), target, site_key=site_key, policy_key=policy_key)


def _store(draft: PolicyVersion, texts: list[Text], revision: int | None) -> None:
    standing = {notice.language: notice for notice in draft.notices}
    for each in texts:
        if each.format not in labels.FORMAT:
            raise InvalidInput("Look at the marked fields.", errors={})
        notice = standing.get(each.language)
        if notice is None and not each.source.strip():
            continue  # a language that nobody has begun yet
        if notice is not None and notice.format == each.format and notice.source == _canonical(each):
            continue
        drafting.save_notice(
            draft,
            language=each.language,
            text_format=each.format,
            source=each.source,
            now=clock.now(),
            actor=actor(),
            revision=revision,
        )
        revision = None  # the first save has checked it, and counts it up


def _canonical(each: Text) -> str | None:
    try:
        return canonical(each.source, text_format=each.format)  # type: ignore[arg-type]  # another word is refused by the next step
    except SourceError:
        return None


def _worded(problem: Problem, texts: list[Text]) -> Problem:
    """Put the reason why a text cannot be read into the page's language, at its field."""
    if not isinstance(problem, InvalidInput):
        return problem
    _understand(texts)
    errors = {f"source-{each.language}": each.error for each in texts if each.error}
    return InvalidInput("Look at the marked fields.", errors=errors)


def _read(language: str, file: Any) -> tuple[str, str]:
    suffix = file.filename.rpartition(".")[2].lower()
    if suffix not in SUFFIXES:
        raise InvalidInput(
            "Look at the marked fields.", errors={f"file-{language}": str(labels.SOURCE_ERROR["format"])}
        )
    try:
        return SUFFIXES[suffix], decode(file.read())
    except SourceError as error:
        words = str(labels.SOURCE_ERROR.get(error.code, error.message))
        raise InvalidInput("Look at the marked fields.", errors={f"file-{language}": words}) from error


def _load(site_key: str, policy_key: str) -> tuple[Site, Policy, PolicyVersion]:
    site = site_by_key(site_key)
    policy = drafting.policy_by_key(site, policy_key)
    draft = drafting.draft_of(policy)
    if draft is None:
        raise NotFound("There is no draft now; the policy's page opens one.")
    return site, policy, draft


def _stored(site: Site, draft: PolicyVersion) -> list[Text]:
    notices = {notice.language: notice for notice in draft.notices}
    return [
        Text(tag, notices[tag].format, notices[tag].source) if tag in notices else Text(tag, "markdown", "")
        for tag in site.languages
    ]


def _understand(
    texts: list[Text], before: PolicyVersion | None = None, waivers: Iterable[Waiver] = ()
) -> None:
    """Parse each text and find where it does not say what the first one says."""
    for each in texts:
        try:
            each.document = parse(each.source, language=each.language, format=each.format)  # type: ignore[arg-type]  # another word is an error that is caught
        except SourceError as error:
            each.error = str(labels.SOURCE_ERROR.get(error.code, error.message))
    documents = {each.language: each.document for each in texts if each.document is not None}
    if texts[0].language in documents:
        found = by_follower(waived(disagreements(documents, before), waivers), texts[0].language)
        for each in texts[1:]:
            each.findings = found.get(each.language, [])


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
    _understand(texts, newest, draft.waivers)
    return page(
        "policies/draft.html",
        problem=problem,
        site=site,
        policy=policy,
        draft=draft,
        texts=texts,
        # After a conflict the form carries the newest revision: saving again is then a decision, not an accident.
        revision=draft.revision if revision is None else revision,
        newest=newest,
        names=names_of({waiver.waived_by for waiver in draft.waivers}),
        **values,
    )
