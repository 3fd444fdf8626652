"""Comments on the sentences of a draft: say something, call upon others, resolve."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import select

from consent_server.accounts.members import people_of
from consent_server.accounts.models import Account
from consent_server.db import db
from consent_server.jobs import service as jobs
from consent_server.policies import trail
from consent_server.policies.drafting import Immutable
from consent_server.policies.models import PolicyVersion
from consent_server.policies.review_models import Comment, Mention
from consent_server.problems import InvalidInput, NotFound

MAIL_JOB: Final = "policies.mail_mention"
LONGEST: Final = 2_000  # characters of a comment
_SENTENCE = re.compile(r".+?(?:[.!?](?=\s)|[。！？]|$)", re.DOTALL)
_ADDRESS = re.compile(r"@([^\s@]+@[^\s@,;:!?，。；：！？]*[^\s@,;:!?.，。；：！？])")


def sentences(text: str) -> list[str]:
    """Return the sentences of a paragraph, as a reader of it sees them."""
    return [each.strip() for each in _SENTENCE.findall(text) if each.strip()]


def comment(
    draft: PolicyVersion,
    *,
    language: str,
    quote: str,
    body: str,
    mentioned: Sequence[int],
    address: str,
    now: datetime,
    actor: str,
) -> Comment:
    """Say something about a sentence; whoever is mentioned hears of it in the console and by mail.

    Args:
        draft: the draft.
        language: of the text that the sentence stands in.
        quote: the sentence, or "" for the draft as a whole.
        body: what is said; `@name@host` in it mentions the person of this address.
        mentioned: ids of accounts to be mentioned; those without a role at the site are left out.
        address: of the page with the comments, for the mail.
        now: the instant of the action.
        actor: who says it.

    Raises:
        Immutable: the version is published.
        InvalidInput: nothing is said, or too much.
    """
    _check_open(draft)
    if not body.strip() or len(body) > LONGEST:
        message = "Write between 1 and 2000 characters."
        raise InvalidInput(message, errors={"body": [message]})
    made = Comment(
        version_id=draft.id, language=language, quote=quote, body=body.strip(), author=actor, at=now
    )
    db.session.add(made)
    db.session.flush()
    called = _called(draft, body, mentioned)
    for account in called:
        mention = Mention(comment_id=made.id, account_id=account.id)
        db.session.add(mention)
        db.session.flush()
        arguments = {"mention_id": mention.id, "address": address}
        jobs.enqueue(MAIL_JOB, arguments, now=now, site_id=draft.policy.site_id)
    trail.note(
        draft,
        "reviews.comment",
        actor=actor,
        now=now,
        comment=made.id,
        mentioned=[each.id for each in called],
    )
    return made


def resolve(draft: PolicyVersion, comment_id: int, *, now: datetime, actor: str) -> Comment:
    """Mark a comment as dealt with.

    Raises:
        Immutable: the version is published.
        NotFound: the draft has no such comment.
    """
    _check_open(draft)
    found = db.session.get(Comment, comment_id)
    if found is None or found.version_id != draft.id:
        raise NotFound("The draft's page of comments lists those that there are.")
    if found.resolved_at is None:
        found.resolved_by, found.resolved_at = actor, now
        db.session.flush()
        trail.note(draft, "reviews.resolve", actor=actor, now=now, comment=found.id)
    return found


def comments_of(version: PolicyVersion) -> Sequence[Comment]:
    """Return a version's comments, oldest first."""
    return db.session.scalars(
        select(Comment).where(Comment.version_id == version.id).order_by(Comment.id)
    ).all()


def unseen(account_id: int) -> Sequence[Mention]:
    """Return the mentions that somebody has not noted yet, newest first."""
    query = select(Mention).where(Mention.account_id == account_id, Mention.seen_at.is_(None))
    return db.session.scalars(query.order_by(Mention.id.desc())).all()


def note(mention_id: int, *, account_id: int, now: datetime, actor: str) -> None:
    """Note that somebody knows of a mention.

    Raises:
        NotFound: it is none of theirs.
    """
    found = db.session.get(Mention, mention_id)
    if found is None or found.account_id != account_id:
        raise NotFound("Your list has the mentions that there are.")
    found.seen_at = found.seen_at or now
    draft = db.session.get_one(PolicyVersion, found.comment.version_id)
    trail.note(draft, "reviews.seen", actor=actor, now=now, comment=found.comment.id)


def _called(draft: PolicyVersion, body: str, mentioned: Sequence[int]) -> list[Account]:
    named = {address.lower() for address in _ADDRESS.findall(body)}
    people = {each.account.id: each.account for each in people_of(draft.policy.site_id)}
    return [
        account
        for account in people.values()
        if (account.id in mentioned or account.email in named) and account.disabled_at is None
    ]


def _check_open(draft: PolicyVersion) -> None:
    if draft.state != "draft":
        raise Immutable("Its comments stay as they are.")
