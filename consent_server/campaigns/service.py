"""Start, step and stop a campaign. The server collects no addresses: the owner brings those that a campaign needs."""

import base64
import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

from cryptography.fernet import Fernet
from sqlalchemy import and_, func, select, update

from consent_server.audit import service as audit
from consent_server.campaigns.models import Campaign, CampaignLetter, MailRefusal
from consent_server.consents import records
from consent_server.consents.models import ConsentRecord
from consent_server.db import db
from consent_server.jobs import service as jobs
from consent_server.keys import KeyRing
from consent_server.policies.published import SiteView
from consent_server.problems import InvalidInput, NotFound, Problem
from consent_server.reconsent import service as reconsent
from consent_server.reconsent.rules import Delta

SEND = "campaigns.send"
MOST = 50_000  # users in a list
MOST_ATTEMPTS = 6
FIRST_RETRY = timedelta(minutes=2)
CLAIM = timedelta(minutes=5)  # then a letter whose worker was killed is taken up again
UNSUBSCRIBE = "campaign-unsubscribe"  # what the links' tokens are for
_MAIL = re.compile(r"[^\s@,;<>\"]{1,64}@[^\s@,;<>\"]{1,189}\.[^\s@,;<>\"]{2,63}")


class MailNotSet(Problem):
    slug, status = "mail-not-set", HTTPStatus.CONFLICT
    title = "This server cannot send mail yet"


class UnknownCampaign(NotFound):
    slug = "unknown-campaign"
    title = "The site has no such campaign"


@dataclass(frozen=True)
class Line:
    """One line of the owner's list."""

    subject: str
    mail: str
    language: str


def read_list(text: str) -> list[Line]:
    """Return the lines of a list: comma-separated, `subject,email` and perhaps `language`, with these names on top.

    Raises:
        InvalidInput: it is not of that form; the error names the line.
    """
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    if not {"subject", "email"} <= set(rows.fieldnames or ()):
        raise InvalidInput(
            "Look at the marked fields.", errors={"list": ["Begin with the line subject,email."]}
        )
    found: dict[str, Line] = {}
    for number, row in enumerate(rows, 2):
        subject, mail = (row["subject"] or "").strip(), (row["email"] or "").strip()
        if not subject or len(subject) > 128 or not _MAIL.fullmatch(mail) or not mail.isascii():
            raise InvalidInput("Look at the marked fields.", errors={"list": [f"{number}"]}, line=number)
        found[subject] = Line(subject, mail, (row.get("language") or "").strip()[:35])
        if len(found) > MOST:
            raise InvalidInput("Look at the marked fields.", errors={"list": [f"> {MOST}"]})
    return list(found.values())


def start(site: SiteView, lines: Sequence[Line], *, ring: KeyRing, now: datetime, actor: str) -> Campaign:
    """Store a letter for each user in the list whom the current version touches; of all others nothing is kept.

    Raises:
        InvalidInput: nothing is published.
    """
    current = site.current
    if current is None:
        raise InvalidInput("Publish a version first.", errors={})
    campaign = Campaign(
        site_id=site.id, version=current.number, named=len(lines), created_by=actor, created_at=now
    )
    db.session.add(campaign)
    db.session.flush()
    letters = 0
    for line in lines:
        record = records.find(site.id, records.SUBJECT, line.subject)
        if record is None or delta_for(site, line.subject, now=now) is None or refuses(site.id, line.subject):
            continue
        letters += 1
        db.session.add(
            CampaignLetter(
                campaign_id=campaign.id,
                site_id=site.id,
                subject=line.subject,
                sealed=_box(ring).encrypt(line.mail.encode()),
                language=line.language or record.language,
                due_at=now,
            )
        )
    audit.record(
        "campaigns.start",
        actor=actor,
        now=now,
        site_id=site.id,
        target=f"campaign:{campaign.id}",
        version=current.number,
        letters=letters,
    )
    jobs.enqueue(SEND, {"campaign_id": campaign.id}, now=now, site_id=site.id)
    return campaign


def delta_for(site: SiteView, subject: str, *, now: datetime) -> Delta | None:
    """Return what a user is still to be asked or told, None when nothing or when they are not known."""
    state = records.state_of(records.find(site.id, records.SUBJECT, subject))
    return None if state is None else reconsent.delta_of(site, state, now=now)


def stop(campaign: Campaign, *, now: datetime, actor: str) -> None:
    """Send no further letter, and forget the addresses."""
    if campaign.state != "sending":
        return
    campaign.state, campaign.finished_at = "stopped", now
    db.session.execute(
        update(CampaignLetter)
        .where(CampaignLetter.campaign_id == campaign.id, CampaignLetter.state.in_(("waiting", "sending")))
        .values(state="stopped", sealed=None)
    )
    target = f"campaign:{campaign.id}"
    audit.record("campaigns.stop", actor=actor, now=now, site_id=campaign.site_id, target=target)


def claim(campaign_id: int, *, now: datetime) -> CampaignLetter | None:
    """Take the next letter that is due, or one whose worker has not been heard of; None when there is none now."""
    letter = db.session.scalar(
        select(CampaignLetter)
        .join(Campaign, Campaign.id == CampaignLetter.campaign_id)
        .where(
            Campaign.id == campaign_id,
            Campaign.state == "sending",
            CampaignLetter.state.in_(("waiting", "sending")),
            CampaignLetter.due_at <= now,
        )
        .order_by(CampaignLetter.due_at, CampaignLetter.id)
        .limit(1)
        .with_for_update(of=CampaignLetter, skip_locked=True)
    )
    if letter is not None:
        letter.state, letter.attempts, letter.due_at = "sending", letter.attempts + 1, now + CLAIM
        db.session.flush()
    return letter


def close(letter_id: int, state: str, *, now: datetime) -> None:
    """Note what became of a letter, and forget its address. One that a person stopped meanwhile stays stopped."""
    letter = db.session.get(CampaignLetter, letter_id, populate_existing=True)
    if letter is None:
        return
    letter.sealed = None
    if letter.state == "sending":
        letter.state = state
    if state == "sent":
        letter.state, letter.sent_at = "sent", now


def put_back(letter_id: int, *, now: datetime) -> None:
    """Have a letter tried again later, each time later; after `MOST_ATTEMPTS` it has failed."""
    letter = db.session.get(CampaignLetter, letter_id, populate_existing=True)
    if letter is None or letter.state != "sending":
        return
    if letter.attempts >= MOST_ATTEMPTS:
        letter.state, letter.sealed = "failed", None
    else:
        letter.state, letter.due_at = "waiting", now + FIRST_RETRY * 2 ** (letter.attempts - 1)


def next_due(campaign_id: int) -> datetime | None:
    """Return when the next letter of a campaign that is being sent is due; None when all are closed."""
    return db.session.scalar(
        select(func.min(CampaignLetter.due_at)).where(
            CampaignLetter.campaign_id == campaign_id, CampaignLetter.state.in_(("waiting", "sending"))
        )
    )


def address_of(letter: CampaignLetter, *, ring: KeyRing) -> str:
    """Return the address of a letter that is not closed."""
    return _box(ring).decrypt(letter.sealed or b"").decode()


def refuse(site_id: int, subject: str, *, now: datetime) -> None:
    """Note that a user wants no mail from this site, and withdraw what waits; twice is as good as once."""
    if not refuses(site_id, subject):
        db.session.add(MailRefusal(site_id=site_id, subject=subject, at=now))
        audit.record("campaigns.refuse", actor="recipient", now=now, site_id=site_id)
    db.session.execute(
        update(CampaignLetter)
        .where(
            CampaignLetter.site_id == site_id,
            CampaignLetter.subject == subject,
            CampaignLetter.state == "waiting",
        )
        .values(state="refused", sealed=None)
    )


def refuses(site_id: int, subject: str) -> bool:
    """Tell whether a user wants no mail from this site."""
    return db.session.get(MailRefusal, (site_id, subject)) is not None


def campaigns_of(site_id: int) -> Sequence[Campaign]:
    """Return a site's campaigns, newest first."""
    query = select(Campaign).where(Campaign.site_id == site_id).order_by(Campaign.id.desc())
    return db.session.scalars(query).all()


def campaign_of(site_id: int, campaign_id: int) -> Campaign:
    """Return a campaign of a site.

    Raises:
        UnknownCampaign: as its name says.
    """
    campaign = db.session.get(Campaign, campaign_id)
    if campaign is None or campaign.site_id != site_id:
        raise UnknownCampaign("The site's list has those that there are.")
    return campaign


def states_of(campaign_id: int) -> dict[str, int]:
    """Return how many letters are in each state."""
    rows = db.session.execute(
        select(CampaignLetter.state, func.count())
        .where(CampaignLetter.campaign_id == campaign_id)
        .group_by(CampaignLetter.state)
    )
    return {state: number for state, number in rows}  # noqa: C416 - rows are no pairs to the type checker


def answered(site: SiteView, campaign: Campaign) -> int:
    """Return how many who got a letter have decided since."""
    return (
        db.session.scalar(
            select(func.count())
            .select_from(CampaignLetter)
            .join(
                ConsentRecord,
                and_(
                    ConsentRecord.site_id == CampaignLetter.site_id,
                    ConsentRecord.holder_kind == records.SUBJECT,
                    ConsentRecord.holder == CampaignLetter.subject,
                    ConsentRecord.updated_at >= CampaignLetter.sent_at,
                ),
            )
            .where(CampaignLetter.campaign_id == campaign.id, CampaignLetter.state == "sent")
        )
        or 0
    )


def _box(ring: KeyRing) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(ring.derived("campaign-addresses")))
