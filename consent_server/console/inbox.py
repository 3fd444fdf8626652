"""What waits for the signed-in person: drafts to review, and comments that mention them, on all sites."""

from dataclasses import dataclass

from flask import Blueprint, g
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from consent_server import clock
from consent_server.accounts.access import actor
from consent_server.accounts.members import memberships_of
from consent_server.accounts.roles import may
from consent_server.accounts.service import names_of
from consent_server.auth import auth
from consent_server.db import db, transaction
from consent_server.policies import comments, reviews
from consent_server.policies.models import PolicyVersion
from consent_server.policies.review_models import Mention, Review
from consent_server.policies.stages import Stage
from consent_server.screens import done, page
from consent_server.sites.models import Site

bp = Blueprint("inbox", __name__, url_prefix="/console/inbox")


@dataclass(frozen=True)
class Waiting:
    """A draft, its site, and the mention that leads there, if it is one."""

    site: Site
    draft: PolicyVersion
    mention: Mention | None = None
    review: Review | None = None


@bp.get("")
@auth("staff", "console.enter")
def show() -> ResponseReturnValue:
    """List what waits for the person."""
    mentions = [_waiting(each.comment.version_id, mention=each) for each in comments.unseen(g.account.id)]
    asked = _asked()
    actors = {w.mention.comment.author for w in mentions if w.mention}
    actors |= {w.review.requested_by for w in asked if w.review}
    return page("console/inbox.html", mentions=mentions, asked=asked, names=names_of(actors))


@bp.post("/mentions/<int:mention_id>/seen")
@auth("staff", "console.enter")
def seen(mention_id: int) -> ResponseReturnValue:
    """Note that the person knows of a mention."""
    with transaction():
        comments.note(mention_id, account_id=g.account.id, now=clock.now(), actor=actor())
    return done(_("The mention is noted."), "inbox.show")


def _asked() -> list[Waiting]:
    """Return the drafts that the person may approve: those that are theirs to review, and those of nobody."""
    query = (
        select(Review)
        .join(PolicyVersion, PolicyVersion.id == Review.version_id)
        .where(PolicyVersion.state == "draft", Review.stage != "draft")
        .where((Review.reviewer_id == g.account.id) | Review.reviewer_id.is_(None))
        .order_by(Review.requested_at)
    )
    found = []
    for review in db.session.scalars(query):
        waiting = _waiting(review.version_id, review=review)
        roles = {each.role for each in memberships_of(g.account.id, waiting.site.id)}
        free = may(roles, "policies.approve") and reviews.stage_of(waiting.draft) is Stage.IN_REVIEW
        if free and g.account.id in {each.id for each in reviews.free_approvers(waiting.draft)}:
            found.append(waiting)
    return found


def _waiting(version_id: int, *, mention: Mention | None = None, review: Review | None = None) -> Waiting:
    draft = db.session.get_one(PolicyVersion, version_id)
    return Waiting(db.session.get_one(Site, draft.policy.site_id), draft, mention, review)
