"""Start and stop a campaign, and say how far it is; `delivery` is the way of one letter."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from sqlalchemy import and_, func, select, update

from consent_server.audit import service as audit
from consent_server.campaigns import addresses, delivery
from consent_server.campaigns.addresses import Line
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
from consent_server.sites.models import Site
from consent_server.sites.service import touch

UNSUBSCRIBE = "campaign-unsubscribe"  # what the links' tokens are for


class MailNotSet(Problem):
    slug, status = "mail-not-set", HTTPStatus.CONFLICT
    title = "This server cannot send mail yet"


class UnknownCampaign(NotFound):
    slug = "unknown-campaign"
    title = "The site has no such campaign"


@dataclass(frozen=True)
class Round:
    """What a campaign begins with: the users that a list names, or those whose addresses the site's server has given.

    `lines` is None for the latter. `popup`: whom the version touches meets the banner's card as a dialog.
    """

    lines: Sequence[Line] | None
    popup: bool = False


def start(site: SiteView, wanted: Round, *, ring: KeyRing, now: datetime, actor: str) -> Campaign:
    """Store a letter for each user whom the current version touches; of all others nothing is kept.

    Raises:
        InvalidInput: nothing is published.
    """
    current = site.current
    if current is None:
        raise InvalidInput("Publish a version first.", errors={})
    campaign = Campaign(
        site_id=site.id,
        version=current.number,
        popup=wanted.popup,
        named=0,
        created_by=actor,
        created_at=now,
    )
    db.session.add(campaign)
    db.session.flush()
    pages = (
        addresses.given_lines(site.id, ring=ring)
        if wanted.lines is None
        else (wanted.lines[at : at + addresses.PAGE] for at in range(0, len(wanted.lines), addresses.PAGE))
    )
    letters = 0
    for lines in pages:
        made = _letters(site, campaign, lines, ring=ring, now=now)
        db.session.add_all(made)
        db.session.flush()
        letters, campaign.named = letters + len(made), campaign.named + len(lines)
    if wanted.popup:
        show_popups(site.id)
    audit.record(
        "campaigns.start",
        actor=actor,
        now=now,
        site_id=site.id,
        target=f"campaign:{campaign.id}",
        version=current.number,
        letters=letters,
        popup=wanted.popup,
    )
    jobs.enqueue(delivery.SEND, {"campaign_id": campaign.id}, now=now, site_id=site.id)
    return campaign


def _letters(
    site: SiteView, campaign: Campaign, lines: Sequence[Line], *, ring: KeyRing, now: datetime
) -> list[CampaignLetter]:
    """Return the letters of a page of users: of those who are known, touched, and want mail."""
    known = addresses.records_of(site.id, [line.subject for line in lines])
    refusing = set(
        db.session.scalars(
            select(MailRefusal.subject).where(
                MailRefusal.site_id == site.id, MailRefusal.subject.in_(known.keys())
            )
        )
    )
    digests = {line.subject: addresses.digest_of(line.mail, ring=ring) for line in lines}
    bad = addresses.bounced(site.id, set(digests.values()))
    made = []
    for line in lines:
        record = known.get(line.subject)
        if record is None or line.subject in refusing:
            continue
        if reconsent.delta_of(site, records.state_of(record), now=now) is None:
            continue
        barred = digests[line.subject] in bad
        made.append(
            CampaignLetter(
                campaign_id=campaign.id,
                site_id=site.id,
                subject=line.subject,
                sealed=None if barred else addresses.seal(line.mail, ring=ring),
                digest=digests[line.subject],
                language=line.language or record.language,
                state="barred" if barred else "waiting",
                due_at=now,
            )
        )
    return made


def delta_for(site: SiteView, subject: str, *, now: datetime) -> Delta | None:
    """Return what a user is still to be asked or told, None when nothing or when they are not known."""
    state = records.state_of(records.find(site.id, records.SUBJECT, subject))
    return None if state is None else reconsent.delta_of(site, state, now=now)


def stop(campaign: Campaign, *, now: datetime, actor: str) -> None:
    """Send no further letter, forget the addresses, and let the banner look as ever. A campaign can be stopped once."""
    if campaign.state == "stopped":
        return
    campaign.state, campaign.finished_at = "stopped", now
    mine = CampaignLetter.campaign_id == campaign.id
    # What the mail server is being given may arrive all the same.
    for was, becomes in (("waiting", "stopped"), ("sending", "unknown"), ("unknown", "unknown")):
        db.session.execute(
            update(CampaignLetter).where(mine, CampaignLetter.state == was).values(state=becomes, sealed=None)
        )
    db.session.flush()
    if campaign.popup:
        show_popups(campaign.site_id)
    target = f"campaign:{campaign.id}"
    audit.record("campaigns.stop", actor=actor, now=now, site_id=campaign.site_id, target=target)


def show_popups(site_id: int) -> None:
    """Have the banner tell the changes of those versions in a dialog that a campaign wants so which nobody has stopped."""
    site = db.session.get_one(Site, site_id)
    site.popups = sorted(
        set(
            db.session.scalars(
                select(Campaign.version).where(
                    Campaign.site_id == site_id, Campaign.popup, Campaign.state != "stopped"
                )
            )
        )
    )
    touch(site)


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


def delayed(campaign_id: int) -> int:
    """Return how many letters are out that a mail server has reported as late."""
    return (
        db.session.scalar(
            select(func.count()).where(
                CampaignLetter.campaign_id == campaign_id,
                CampaignLetter.state == "sent",
                CampaignLetter.status.is_not(None),
            )
        )
        or 0
    )


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
