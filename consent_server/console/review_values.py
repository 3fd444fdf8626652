"""What pages show of a draft's review: its stage, who asked, who may approve, its date."""

from typing import Any
from zoneinfo import available_timezones

from flask import g

from consent_server.accounts.access import actor
from consent_server.accounts.models import Account
from consent_server.accounts.service import names_of
from consent_server.console.drafts import Draft
from consent_server.db import db
from consent_server.policies import comments, reviews
from consent_server.policies.stages import Stage

# Regions that tzdata keeps for old programs only; a person finds theirs under its continent.
_OLD = ("Etc/", "SystemV/", "US/", "posix/", "right/")


def review_values(draft: Draft) -> dict[str, Any]:
    """Return what the card of a draft's review shows."""
    review, stage = reviews.review_of(draft.version), reviews.stage_of(draft.version)
    free = reviews.free_approvers(draft.version)
    reviewer = db.session.get(Account, review.reviewer_id) if review and review.reviewer_id else None
    spoken = comments.comments_of(draft.version)
    actors = {review.requested_by, review.approved_by or "", review.scheduled_by or ""} if review else set()
    return {
        "review": review,
        "stage": stage,
        "fallen_approval": bool(review and review.approved_by and stage is Stage.IN_REVIEW),
        "reviewer": reviewer,
        "reviewer_left": reviewer is not None and reviewer.id not in {each.id for each in free},
        "approvers": free,
        "four_eyes": reviews.needs_four_eyes(draft.site),
        "may_approve": actor() not in reviews.authors_of(draft.version)
        or not reviews.needs_four_eyes(draft.site),
        "open_comments": sum(each.resolved_at is None for each in spoken),
        "people_names": names_of(actors | {each.author for each in spoken}),
        "zones": zones(),
        "me": g.account,
    }


def zones() -> list[str]:
    """Return the time zones that a person may choose from."""
    return ["UTC", *sorted(z for z in available_timezones() if "/" in z and not z.startswith(_OLD))]
