"""Take a draft through its review: ask, send back, approve, give it a date, withdraw it."""

from datetime import datetime
from http import HTTPStatus

from consent_server import clock
from consent_server.accounts.models import Account
from consent_server.accounts.service import actor_of
from consent_server.db import db
from consent_server.jobs import service as jobs
from consent_server.policies import publishing, reviews, trail
from consent_server.policies.models import PolicyVersion
from consent_server.policies.review_models import Review
from consent_server.policies.stages import Move, Stage, after, earliest, may_approve
from consent_server.problems import InvalidInput, Problem
from consent_server.sites.models import Site

PUBLISH_JOB = "policies.publish_scheduled"


class WrongStage(Problem):
    """`stage` is where the draft is."""

    slug, status = "wrong-stage", HTTPStatus.CONFLICT
    title = "The draft is at another stage by now"


class FourEyes(Problem):
    slug, status = "four-eyes", HTTPStatus.FORBIDDEN
    title = "Another person must approve this"


def submit(draft: PolicyVersion, *, reviewer: Account | None, note: str, now: datetime, actor: str) -> Review:
    """Ask for a review, by one person or by whoever may approve.

    Raises:
        WrongStage: it is in review already, or further.
        FourEyes: the reviewer may not approve at this site, or wrote a part of the draft.
    """
    _moved(draft, Move.SUBMIT)
    _check_reviewer(draft, reviewer)
    review = reviews.review_of(draft) or Review(version_id=draft.id)
    _reopen(review, Stage.IN_REVIEW)
    review.requested_by, review.requested_at = actor, now
    review.reviewer_id, review.note = reviewer.id if reviewer else None, note.strip()
    db.session.add(review)
    db.session.flush()
    trail.note(draft, "reviews.submit", actor=actor, now=now, reviewer=actor_of(reviewer) if reviewer else "")
    return review


def assign(draft: PolicyVersion, reviewer: Account | None, *, now: datetime, actor: str) -> Review:
    """Give a pending review to somebody else, for instance when the reviewer has left.

    Raises:
        WrongStage: it is not in review.
        FourEyes: as in `submit`.
    """
    review = reviews.review_of(draft)
    if review is None or reviews.stage_of(draft) is not Stage.IN_REVIEW:
        raise WrongStage("Only a pending review can be given to somebody else.")
    _check_reviewer(draft, reviewer)
    review.reviewer_id = reviewer.id if reviewer else None
    db.session.flush()
    trail.note(draft, "reviews.assign", actor=actor, now=now, reviewer=actor_of(reviewer) if reviewer else "")
    return review


def send_back(draft: PolicyVersion, *, note: str, now: datetime, actor: str) -> Review:
    """Give a draft back to its authors, saying why.

    Raises:
        WrongStage: it is not in review, nor approved.
        InvalidInput: no reason.
    """
    _moved(draft, Move.SEND_BACK)
    if not note.strip():
        raise InvalidInput("Say what is to be changed.", errors={"note": ["Say what is to be changed."]})
    review = _review(draft)
    _reopen(review, Stage.DRAFT)
    review.note = note.strip()
    db.session.flush()
    trail.note(draft, "reviews.send_back", actor=actor, now=now, note=review.note)
    return review


def approve(draft: PolicyVersion, *, now: datetime, actor: str) -> Review:
    """Approve a draft as it is now. Any change of it takes the approval away.

    Raises:
        WrongStage: nobody has asked for it, or it is further.
        FourEyes: the approver wrote a part of it.
        NotReady: something else than the approval stands in the way of publishing.
    """
    site = db.session.get_one(Site, draft.policy.site_id)
    four_eyes = reviews.needs_four_eyes(site)
    _moved(draft, Move.APPROVE)
    if not may_approve(actor, reviews.authors_of(draft), four_eyes=four_eyes):
        raise FourEyes("You wrote a part of this draft, so another person must approve it.")
    publishing.require_ready(draft, but=publishing.NOT_APPROVED)
    review = reviews.review_of(draft) or Review(version_id=draft.id, requested_by=actor, requested_at=now)
    if four_eyes and review.requested_by == actor:
        raise FourEyes("You asked for this review, so another person must approve it.")
    content = reviews.fingerprint(draft)  # reads, and so comes before the row is half changed
    _reopen(review, Stage.APPROVED)
    review.four_eyes, review.fingerprint = four_eyes, content
    review.approved_by, review.approved_at = actor, now
    db.session.add(review)
    db.session.flush()
    trail.note(draft, "reviews.approve", actor=actor, now=now, fingerprint=content.hex(), four_eyes=four_eyes)
    return review


def schedule(
    draft: PolicyVersion, *, publish_at: datetime, zone: str, notice_days: int, now: datetime, actor: str
) -> Review:
    """Have an approved draft published at an instant; where no second person is needed this approves it too.

    Raises:
        WrongStage: it is not approved.
        InvalidInput: the instant is past, or sooner than the notice period allows.
        NotReady: something stands in the way already.
    """
    site = db.session.get_one(Site, draft.policy.site_id)
    if reviews.stage_of(draft) is not Stage.APPROVED and not reviews.needs_four_eyes(site):
        approve(draft, now=now, actor=actor)
    _moved(draft, Move.SCHEDULE)
    if publish_at <= now or publish_at < earliest(now, notice_days):
        raise InvalidInput("It takes effect too soon.", errors={"date": ["Choose a later date."]})
    publishing.require_ready(draft)
    review = _review(draft)
    review.stage, review.publish_at, review.zone = Stage.SCHEDULED, publish_at, zone
    review.notice_days, review.scheduled_by = notice_days, actor
    db.session.flush()
    at = clock.iso(publish_at)
    jobs.enqueue(PUBLISH_JOB, {"version_id": draft.id, "at": at}, now=now, due_at=publish_at, site_id=site.id)
    trail.note(draft, "reviews.schedule", actor=actor, now=now, at=at, zone=zone, notice_days=notice_days)
    return review


def withdraw(draft: PolicyVersion, *, now: datetime, actor: str) -> Review:
    """Take a scheduled draft back from its date; it stays approved.

    Raises:
        WrongStage: it has no date, or is published by now.
    """
    review = db.session.get(Review, draft.id, with_for_update=True, populate_existing=True)
    if review is None or review.stage != Stage.SCHEDULED:
        raise WrongStage("It has no date now.")
    review.stage, review.publish_at, review.zone, review.scheduled_by = Stage.APPROVED, None, None, None
    db.session.flush()
    trail.note(draft, "reviews.withdraw", actor=actor, now=now)
    return review


def stop(draft: PolicyVersion, review: Review, *, why: str, now: datetime) -> None:
    """Take a scheduled draft back that cannot go out as it is; somebody must look at it again."""
    _reopen(review, Stage.IN_REVIEW)
    review.note = why
    db.session.flush()
    trail.note(draft, "reviews.stop", actor="system", now=now, why=why)


def _moved(draft: PolicyVersion, move: Move) -> None:
    site = db.session.get_one(Site, draft.policy.site_id)
    stage = reviews.stage_of(draft)
    if after(stage, move, four_eyes=reviews.needs_four_eyes(site)) is None:
        raise WrongStage(
            "Somebody else was faster, or it has changed since. Look at it again.", stage=stage.value
        )


def _review(draft: PolicyVersion) -> Review:
    return db.session.get_one(Review, draft.id)


def _reopen(review: Review, stage: Stage) -> None:
    """Put a review to a stage without approval and date."""
    review.stage = stage
    review.fingerprint = review.approved_by = review.approved_at = None
    review.publish_at = review.zone = review.scheduled_by = None
    review.notice_days = 0


def _check_reviewer(draft: PolicyVersion, reviewer: Account | None) -> None:
    if reviewer is not None and reviewer.id not in {each.id for each in reviews.free_approvers(draft)}:
        raise FourEyes("This person may not approve here, or wrote a part of the draft.")
