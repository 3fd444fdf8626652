"""The way of one letter: claimed, given to the mail server, closed.

Each step is durable before the next begins, so that after a kill a letter says how far it was:

    waiting   claimed or not, the mail server has nothing of it. Who claimed it has `CLAIM` to go on; then another does.
    sending   the mail server asked for the text. From here on it may have the whole letter.
    unknown   it was being sent, and nobody has heard how that ended. SMTP has no question that would tell.

A letter of unknown fate is not sent again by itself: it may have arrived, and a person can look that up in the mail server's
log by the Message-ID. Neither is it taken for sent, because who must be told has then perhaps not been. So a person decides,
and the second letter has the Message-ID of the first: mail programs that know it show one.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select, update

from consent_server.audit import service as audit
from consent_server.campaigns.addresses import unseal
from consent_server.campaigns.models import Campaign, CampaignLetter
from consent_server.db import db
from consent_server.jobs import service as jobs
from consent_server.keys import KeyRing

SEND = "campaigns.send"
MOST_ATTEMPTS = 6
FIRST_RETRY = timedelta(minutes=2)
CLAIM = timedelta(minutes=5)  # longer than all time limits of a letter together
MOST_UNDECIDED = timedelta(days=30)  # then the address of a letter of unknown fate is forgotten


def is_due(campaign_id: int, *, now: datetime) -> bool:
    """Tell whether a campaign has a letter to send now."""
    due = next_due(campaign_id)
    return due is not None and due <= now


def claim(campaign_id: int, *, now: datetime) -> CampaignLetter | None:
    """Take the next letter that is due; None when there is none now. Another may take it after `CLAIM`."""
    letter = db.session.scalar(
        select(CampaignLetter)
        .join(Campaign, Campaign.id == CampaignLetter.campaign_id)
        .where(
            Campaign.id == campaign_id,
            Campaign.state == "sending",
            CampaignLetter.state == "waiting",
            CampaignLetter.due_at <= now,
        )
        .order_by(CampaignLetter.due_at, CampaignLetter.id)
        .limit(1)
        .with_for_update(of=CampaignLetter, skip_locked=True)
    )
    if letter is not None:
        letter.attempts, letter.due_at = letter.attempts + 1, now + CLAIM
        db.session.flush()
    return letter


def hand_over(letter_id: int, *, now: datetime) -> bool:
    """Note that the mail server is given the letter now; False when a person has stopped it meanwhile."""
    letter = _current(letter_id)
    if letter is None or letter.state != "waiting":
        return False
    letter.state, letter.sent_at, letter.due_at = "sending", now, now + CLAIM
    return True


def close(letter_id: int, state: str, *, now: datetime, status: str = "") -> None:
    """Note what became of a letter, and forget its address.

    What the mail server says counts also for one that was given up meanwhile; all else only for one that is open.
    """
    letter = _current(letter_id)
    if letter is None:
        return
    letter.sealed = None
    if state in ("sent", "bounced") or letter.state == "waiting":
        letter.state = state
        letter.status = status or None
        letter.sent_at = now if state == "sent" else None


def put_back(letter_id: int, *, now: datetime) -> None:
    """Have a letter that the mail server did not take tried again later, each time later; after `MOST_ATTEMPTS` it has failed."""
    letter = _current(letter_id)
    if letter is None or letter.state not in ("waiting", "sending", "unknown"):
        return
    letter.sent_at = None
    if letter.sealed is None:
        letter.state = "stopped"
    elif letter.attempts >= MOST_ATTEMPTS:
        letter.state, letter.sealed = "failed", None
    else:
        letter.state, letter.due_at = "waiting", now + FIRST_RETRY * 2 ** (letter.attempts - 1)


def doubt(letter_id: int, *, now: datetime) -> None:
    """Note that the mail server has a letter and does not say whether it takes it."""
    letter = _current(letter_id)
    if letter is not None and letter.state == "sending":
        letter.state, letter.due_at = "unknown", now + MOST_UNDECIDED


def sweep(campaign_id: int, *, now: datetime) -> None:
    """Find letters whose worker was killed while it sent them, and forget addresses that nobody has decided about."""
    mine = CampaignLetter.campaign_id == campaign_id
    db.session.execute(
        update(CampaignLetter)
        .where(mine, CampaignLetter.state == "sending", CampaignLetter.due_at <= now)
        .values(state="unknown", due_at=now + MOST_UNDECIDED)
    )
    db.session.execute(
        update(CampaignLetter)
        .where(mine, CampaignLetter.state == "unknown", CampaignLetter.due_at <= now)
        .values(sealed=None)
    )


def undecided(campaign_id: int) -> Sequence[CampaignLetter]:
    """Return the letters of unknown fate that can still be sent again."""
    return db.session.scalars(
        select(CampaignLetter)
        .where(
            CampaignLetter.campaign_id == campaign_id,
            CampaignLetter.state == "unknown",
            CampaignLetter.sealed.is_not(None),
        )
        .order_by(CampaignLetter.id)
    ).all()


def decide(campaign: Campaign, chosen: Collection[int], *, again: bool, now: datetime, actor: str) -> int:
    """Send letters of unknown fate again, or take them for sent; return how many. Those that are settled stay as they are."""
    letters = [each for each in undecided(campaign.id) if each.id in chosen]
    for letter in letters:
        if again:
            letter.state, letter.due_at, letter.attempts, letter.sent_at = "waiting", now, 0, None
        else:
            letter.state, letter.sealed = "sent", None
    if again and letters:
        campaign.state, campaign.finished_at = "sending", None
        jobs.enqueue(SEND, {"campaign_id": campaign.id}, now=now, site_id=campaign.site_id)
    target = f"campaign:{campaign.id}"
    audit.record(
        "campaigns.decide",
        actor=actor,
        now=now,
        site_id=campaign.site_id,
        target=target,
        again=again,
        letters=[each.id for each in letters],
    )
    return len(letters)


def next_due(campaign_id: int) -> datetime | None:
    """Return when the next letter of a campaign that is being sent is due; None when none is open."""
    return _first(campaign_id, CampaignLetter.state.in_(("waiting", "sending")))


def next_forgotten(campaign_id: int) -> datetime | None:
    """Return when the address of a letter of unknown fate is to be forgotten; None when there is none."""
    return _first(campaign_id, CampaignLetter.state == "unknown", CampaignLetter.sealed.is_not(None))


def address_of(letter: CampaignLetter, *, ring: KeyRing) -> str:
    """Return the address of a letter that is not closed."""
    return unseal(letter.sealed or b"", ring=ring)


def _first(campaign_id: int, *which: ColumnElement[bool]) -> datetime | None:
    query = select(func.min(CampaignLetter.due_at)).where(CampaignLetter.campaign_id == campaign_id)
    return db.session.scalar(query.where(*which))


def _current(letter_id: int) -> CampaignLetter | None:
    """Return a letter as it is now; whoever changes it meanwhile waits."""
    return db.session.get(CampaignLetter, letter_id, populate_existing=True, with_for_update=True)
