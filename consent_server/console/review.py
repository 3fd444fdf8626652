"""Review a draft: comments on its sentences, approval by a second person, a date to go out."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from consent_server import clock
from consent_server.accounts.access import actor
from consent_server.accounts.members import people_of
from consent_server.accounts.models import Account
from consent_server.auth import auth
from consent_server.console.drafts import Draft, load_draft, require_seen
from consent_server.console.review_values import review_values
from consent_server.db import db, transaction
from consent_server.http import public_url
from consent_server.policies import approving, comments, drafting
from consent_server.policies.in_step import documents_of
from consent_server.policies.models import PolicyVersion
from consent_server.policies.published import published_versions
from consent_server.policies.review_models import Comment
from consent_server.policies.stages import instant_of
from consent_server.problems import InvalidInput, NotFound, Problem
from consent_server.screens import done, page, text
from consent_server.sites.service import site_by_key

bp = Blueprint("review", __name__, url_prefix="/console/sites/<site_key>/policies/<policy_key>")


@dataclass
class Sentence:
    """A sentence of a text, with what has been said about it; `at` is its place in the text, from 0."""

    at: int
    text: str
    comments: list[Comment]


@dataclass
class Part:
    """A section of a text."""

    title: str
    sentences: list[Sentence] = field(default_factory=list)


@bp.get("/draft/review")
@auth("staff", "policies.read")
def show(site_key: str, policy_key: str) -> ResponseReturnValue:
    """Show the texts sentence by sentence, with the comments."""
    return _page(load_draft(site_key, policy_key))


@bp.post("/draft/review/comments")
@auth("staff", "policies.comment")
def comment(site_key: str, policy_key: str) -> ResponseReturnValue:
    """Say something about a sentence."""
    address = public_url() + url_for("review.show", site_key=site_key, policy_key=policy_key)
    return _done(
        site_key,
        policy_key,
        lambda draft: comments.comment(
            draft.version,
            language=text("language"),
            quote=text("quote"),
            body=text("body"),
            mentioned=request.form.getlist("mentioned", type=int),
            address=address,
            now=clock.now(),
            actor=actor(),
        ),
        _("Your comment is there."),
    )


@bp.post("/draft/review/comments/<int:comment_id>/resolve")
@auth("staff", "policies.comment")
def resolve(site_key: str, policy_key: str, comment_id: int) -> ResponseReturnValue:
    """Mark a comment as dealt with."""
    return _done(
        site_key,
        policy_key,
        lambda draft: comments.resolve(draft.version, comment_id, now=clock.now(), actor=actor()),
        _("The comment is resolved."),
    )


@bp.post("/draft/review/submit")
@auth("staff", "policies.edit")
def submit(site_key: str, policy_key: str) -> ResponseReturnValue:
    """Ask for a review."""
    return _done(
        site_key,
        policy_key,
        lambda draft: approving.submit(
            draft.version, reviewer=_reviewer(), note=text("note"), now=clock.now(), actor=actor()
        ),
        _("The review is asked for."),
    )


@bp.post("/draft/review/assign")
@auth("staff", "policies.edit")
def assign(site_key: str, policy_key: str) -> ResponseReturnValue:
    """Give a pending review to somebody else."""
    return _done(
        site_key,
        policy_key,
        lambda draft: approving.assign(draft.version, _reviewer(), now=clock.now(), actor=actor()),
        _("The review is in other hands."),
    )


@bp.post("/draft/review/send-back")
@auth("staff", "policies.approve")
def send_back(site_key: str, policy_key: str) -> ResponseReturnValue:
    """Give a draft back to its authors."""
    return _done(
        site_key,
        policy_key,
        lambda draft: approving.send_back(draft.version, note=text("note"), now=clock.now(), actor=actor()),
        _("The draft is back with its authors."),
    )


@bp.post("/draft/review/approve")
@auth("staff", "policies.approve")
def approve(site_key: str, policy_key: str) -> ResponseReturnValue:
    """Approve exactly what the person has looked at."""

    def act(draft: Draft) -> None:
        require_seen(draft, request.form.get("seen"))
        approving.approve(draft.version, now=clock.now(), actor=actor())

    return _done(site_key, policy_key, act, _("You have approved the draft."), to="publish.show")


@bp.post("/draft/review/schedule")
@auth("staff", "policies.publish")
def schedule(site_key: str, policy_key: str) -> ResponseReturnValue:
    """Give an approved draft the date on which it takes effect."""

    def act(draft: Draft) -> None:
        require_seen(draft, request.form.get("seen"))
        approving.schedule(
            draft.version,
            publish_at=_instant(),
            zone=text("zone"),
            notice_days=_notice_days(),
            now=clock.now(),
            actor=actor(),
        )

    return _done(site_key, policy_key, act, _("The version has a date."), to="publish.show")


@bp.post("/draft/review/withdraw")
@auth("staff", "policies.publish")
def withdraw(site_key: str, policy_key: str) -> ResponseReturnValue:
    """Take a scheduled draft back from its date."""
    return _done(
        site_key,
        policy_key,
        lambda draft: approving.withdraw(draft.version, now=clock.now(), actor=actor()),
        _("The version is withdrawn from its date; it stays approved."),
        to="publish.show",
    )


@bp.post("/versions/<number>/restore")
@auth("staff", "policies.edit")
def restore(site_key: str, policy_key: str, number: str) -> ResponseReturnValue:
    """Open a draft with an older version's texts."""
    with transaction():
        policy = drafting.policy_by_key(site_by_key(site_key), policy_key)
        found = next((each for each in published_versions(policy.id) if each.number == number), None)
        if found is None:
            raise NotFound("The policy's page lists the versions that there are.")
        version = db.session.get_one(PolicyVersion, found.id)
        drafting.restore(version, now=clock.now(), actor=actor())
    message = _(
        "The draft has the texts of version %(number)s. Its purposes are those of now.", number=number
    )
    return done(message, "drafts.edit", site_key=site_key, policy_key=policy_key)


def _done(
    site_key: str,
    policy_key: str,
    act: Callable[[Draft], object],
    message: str,
    *,
    to: str = "review.show",
) -> ResponseReturnValue:
    """Act on the draft in a transaction and go on; a problem is shown on the page of the review."""
    try:
        with transaction():
            act(load_draft(site_key, policy_key))
    except Problem as problem:
        return _page(load_draft(site_key, policy_key), problem=problem)
    return done(message, to, site_key=site_key, policy_key=policy_key)


def _page(draft: Draft, *, problem: Problem | None = None) -> ResponseReturnValue:
    spoken = comments.comments_of(draft.version)
    texts = {
        language: [
            _part(section.title, section.text, spoken, language, numbers) for section in document.parts()
        ]
        for language, document in documents_of(draft.version.notices, draft.site.languages).items()
        for numbers in [iter(range(1_000_000))]
    }
    shown = {
        each.id for parts in texts.values() for part in parts for s in part.sentences for each in s.comments
    }
    return page(
        "policies/review.html",
        problem=problem,
        site=draft.site,
        policy=draft.policy,
        draft=draft.version,
        texts=texts,
        others=[each for each in spoken if each.id not in shown],
        chosen=_chosen(texts),
        people={each.account.id: each.account for each in people_of(draft.site.id)},
        **review_values(draft),
    )


def _part(title: str, words: str, spoken: Sequence[Comment], language: str, numbers: Iterator[int]) -> Part:
    part = Part(title)
    for line in words.split("\n"):  # a paragraph, an item of a list, or a row of a table
        for sentence in comments.sentences(line):
            said = [each for each in spoken if (each.language, each.quote) == (language, sentence)]
            part.sentences.append(Sentence(next(numbers), sentence, said))
    return part


def _chosen(texts: dict[str, list[Part]]) -> tuple[str, str]:
    """Return language and words of the sentence that the person wants to speak about; empty for the whole draft."""
    language, at = request.values.get("language", ""), request.args.get("at", type=int)
    if request.form.get("quote"):
        return language, text("quote")
    for part in texts.get(language, []):
        for sentence in part.sentences:
            if sentence.at == at:
                return language, sentence.text
    return "", ""


def _reviewer() -> Account | None:
    chosen = request.form.get("reviewer", type=int)
    return db.session.get(Account, chosen) if chosen else None


def _instant() -> datetime:
    try:
        return instant_of(text("date"), text("time"), text("zone"))
    except ValueError as error:
        if str(error) == "zone":
            raise InvalidInput("Look at the marked fields.", errors={"zone": _("Choose one.")}) from error
        words = (
            _("On that day the clocks there skip this hour; choose another.")
            if str(error) == "skipped"
            else _("Choose a date and an hour.")
        )
        raise InvalidInput("Look at the marked fields.", errors={"date": words}) from error


def _notice_days() -> int:
    days = text("notice_days") or "0"
    if not days.isdecimal() or int(days) > 365:
        raise InvalidInput(
            "Look at the marked fields.", errors={"notice_days": _("Write a whole number from 0 to 365.")}
        )
    return int(days)
