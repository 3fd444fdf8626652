"""What a notice period announces: which version comes when, and what changes. Its text stays private until then."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from consent_server.policies.drafting import draft_of
from consent_server.policies.models import Policy
from consent_server.policies.publishing import number_of
from consent_server.policies.reviews import review_of, stage_of
from consent_server.policies.stages import Stage


@dataclass(frozen=True)
class Announcement:
    """A version that has a date: `day` is that of the zone in which the hour was named; `summaries` are by language."""

    number: str
    at: datetime
    day: date
    summaries: tuple[dict[str, str], ...]


def announced(policy: Policy) -> Announcement | None:
    """Return the version that a policy announces, or None.

    A draft is announced once it waits for its date and was given a notice period; without one its date is nobody's but the
    staff's. What would not go out as it is now, since something was changed after the approval, is not announced either.
    """
    draft = draft_of(policy)
    review = review_of(draft) if draft is not None else None
    if draft is None or review is None or review.publish_at is None or not review.notice_days:
        return None
    if stage_of(draft) is not Stage.SCHEDULED:
        return None
    day = review.publish_at.astimezone(ZoneInfo(review.zone or "UTC")).date()
    summaries = tuple(change.summary for change in draft.changes if change.summary)
    return Announcement(number_of(draft), review.publish_at, day, summaries)
