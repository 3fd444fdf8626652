"""Jobs: publish at the hour, and tell people by mail that they were mentioned."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from flask import current_app
from sqlalchemy import func, select

from consent_server import clock, mail
from consent_server.accounts.models import Account
from consent_server.db import db, is_sqlite, transaction
from consent_server.i18n import LOCALES, catalog
from consent_server.jobs import service as jobs
from consent_server.jobs.runner import Progress, handles
from consent_server.labels import N_
from consent_server.policies import approving, publishing
from consent_server.policies.comments import MAIL_JOB
from consent_server.policies.models import PolicyVersion
from consent_server.policies.review_models import Mention, Review
from consent_server.policies.reviews import is_approved
from consent_server.policies.stages import Stage


@handles(approving.PUBLISH_JOB)
def publish_scheduled(version_id: int, at: str, cursor: Any, done: int) -> Iterator[Progress]:
    """Publish a scheduled draft once its hour has come by the database's clock, whatever this process's says.

    A draft that was withdrawn, or given another date, is left alone; one that cannot go out goes back into review.
    """
    with transaction():
        review = db.session.get(Review, version_id, with_for_update=True)
        if review is not None and review.publish_at is not None and clock.iso(review.publish_at) == at:
            _publish(review, now=database_now(clock.now()))
    yield Progress(None, 1, 1)


@handles(MAIL_JOB)
def mail_mention(mention_id: int, address: str, cursor: Any, done: int) -> Iterator[Progress]:
    """Send a mention by mail; a server that cannot be reached is tried again later."""
    mention = db.session.get(Mention, mention_id)
    settings = current_app.extensions["settings"]
    if mention is not None and mail.is_configured(settings):
        account = db.session.get_one(Account, mention.account_id)
        subject, text = _mention(mention, account, address)
        to = account.email
        db.session.rollback()  # a server that stalls must not hold a transaction open
        with mail.Mailer(settings) as mailer:
            mailer.send(to=to, subject=subject, text=text, now=clock.now())
    yield Progress(None, 1, 1)


def database_now(now: datetime) -> datetime:
    """Return the instant by the database's clock, which all processes share; SQLite has that of this machine."""
    if is_sqlite():
        return now
    instant: datetime = db.session.execute(select(func.clock_timestamp())).scalar_one()
    return clock.from_ms(clock.to_ms(instant))


def _publish(review: Review, *, now: datetime) -> None:
    draft = db.session.get_one(PolicyVersion, review.version_id)
    if draft.state != "draft" or review.publish_at is None or review.scheduled_by is None:
        return
    if now < review.publish_at:  # this process's clock runs ahead: wait for as long as the database's says
        arguments = {"version_id": draft.id, "at": clock.iso(review.publish_at)}
        due_at = clock.now() + (review.publish_at - now)
        site_id = draft.policy.site_id
        jobs.enqueue(approving.PUBLISH_JOB, arguments, now=clock.now(), due_at=due_at, site_id=site_id)
        return
    if review.stage == Stage.SCHEDULED and is_approved(draft):
        try:
            publishing.publish_version(draft, now=now, actor=review.scheduled_by)
        except publishing.NotReady as problem:
            approving.stop(draft, review, why=problem.detail, now=now)
        return
    approving.stop(draft, review, why="It has changed since it was approved.", now=now)


def _mention(mention: Mention, account: Account, address: str) -> tuple[str, str]:
    comment = mention.comment
    words = catalog(LOCALES.get(account.language, "en"))
    subject = words.gettext(N_("A comment on a draft calls upon you"))
    parts = [f"> {comment.quote}" if comment.quote else "", comment.body, address]
    return subject, "\n\n".join(part for part in parts if part) + "\n"
