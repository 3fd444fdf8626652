"""The job that sends a campaign's letters: so many a minute, each closed in a transaction of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import current_app

from consent_server import clock, mail
from consent_server.campaigns import addresses, bouncing, delivery, marks, service
from consent_server.campaigns.letters import Letter, letter
from consent_server.campaigns.models import Campaign, CampaignLetter
from consent_server.config import Settings
from consent_server.db import db, transaction
from consent_server.jobs import service as jobs
from consent_server.jobs.runner import Progress, handles
from consent_server.keys import KeyRing
from consent_server.policies.published import site_view
from consent_server.sites.models import Site

MINUTE = timedelta(minutes=1)
MOST_FAILURES = 3  # in a row; then the mail server is left alone for a minute


@dataclass(frozen=True)
class Addressed:
    """A letter with where it goes; `unsubscribe` is the link that ends such letters, `mark` what the letter is known by."""

    id: int
    to: str
    words: Letter
    unsubscribe: str
    mark: str


class Withdrawn(Exception):
    """A person has stopped the letter while it was on its way to the mail server."""


@handles(delivery.SEND)
def send(cursor: Any, done: int, *, campaign_id: int) -> Iterator[Progress]:
    """Send what is due, at most a minute's share, and have the rest sent by a job of a later minute.

    Whenever it is interrupted, the letters say where it was (`delivery`).
    """
    settings: Settings = current_app.extensions["settings"]
    failures = 0
    with transaction():
        delivery.sweep(campaign_id, now=clock.now())
    for _number in range(settings.mail_rate):
        if failures == MOST_FAILURES or not delivery.is_due(campaign_id, now=clock.now()):
            break
        failures = 0 if _sent_next(settings, campaign_id) else failures + 1
        done += 1
        yield Progress(None, done, done)
    _go_on(campaign_id)


def _sent_next(settings: Settings, campaign_id: int) -> bool:
    """Send the next letter and note what became of it; False when the mail server could not be used.

    It is claimed when the mail server has answered: one that is away all night costs no letter an attempt.
    """
    addressed = None
    try:
        with mail.Mailer(settings) as mailer:
            addressed = _next(campaign_id)
            if addressed is not None and addressed.to:
                _send(mailer, settings, addressed)
    except Withdrawn:
        return True
    except mail.NotSent as error:
        return addressed is not None and _not_sent(addressed, error)
    return True


def _next(campaign_id: int) -> Addressed | None:
    """Take the next letter. One that is not wanted any more is closed at once, and has no address."""
    instant = clock.now()
    settings: Settings = current_app.extensions["settings"]
    ring: KeyRing = current_app.extensions["keys"]
    with transaction():
        claimed = delivery.claim(campaign_id, now=instant)
        if claimed is None:
            return None
        site = db.session.get_one(Site, claimed.site_id)
        view = site_view(site.key)
        delta = service.delta_for(view, claimed.subject, now=instant)
        unwanted = "needless" if delta is None else _unwanted(claimed)
        if delta is None or unwanted:
            delivery.close(claimed.id, unwanted, now=instant)
            return Addressed(claimed.id, "", Letter("", "", ""), "", "")
        link = f"{settings.public_url}/mail/{_token(claimed, ring)}"
        words = letter(
            view,
            delta,
            name=site.name,
            language=claimed.language,
            address=settings.public_url,
            origin=site.origins[0] if site.origins else settings.public_url,
            unsubscribe=link,
        )
        to, mark = delivery.address_of(claimed, ring=ring), marks.mark_of(claimed, ring=ring)
        return Addressed(claimed.id, to, words, link, mark)


def _unwanted(claimed: CampaignLetter) -> str:
    """Return why a letter is not to be sent: its reader wants no mail, its address takes none; else nothing."""
    if service.refuses(claimed.site_id, claimed.subject):
        return "refused"
    return "barred" if addresses.bounced(claimed.site_id, [claimed.digest or b""]) else ""


def _token(claimed: CampaignLetter, ring: KeyRing) -> str:
    token = ring.serializer(service.UNSUBSCRIBE).dumps([claimed.site_id, claimed.subject])
    return token if isinstance(token, str) else token.decode()


def _send(mailer: mail.Mailer, settings: Settings, addressed: Addressed) -> None:
    """Give a letter to the mail server, which is noted before and after."""

    def hand_over() -> None:
        with transaction():
            if not delivery.hand_over(addressed.id, now=clock.now()):
                raise Withdrawn

    mailer.send(
        to=addressed.to,
        subject=addressed.words.subject,
        text=addressed.words.text,
        html=addressed.words.html,
        now=clock.now(),
        headers={
            "List-Unsubscribe": f"<{addressed.unsubscribe}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",  # RFC 8058
        },
        identifier=marks.message_id(addressed.mark, settings.mail_from),
        bounces_to=marks.return_address(addressed.mark, settings.bounce_address),
        ready=hand_over,
    )
    with transaction():
        delivery.close(addressed.id, "sent", now=clock.now())


def _not_sent(addressed: Addressed, error: mail.NotSent) -> bool:
    """Note why a letter was not sent; False when the mail server could not be used."""
    with transaction():
        if isinstance(error, mail.Unanswered):
            delivery.doubt(addressed.id, now=clock.now())
        elif error.permanent:
            bouncing.refused(addressed.id, error.status, now=clock.now())
        else:
            delivery.put_back(addressed.id, now=clock.now())
    return error.permanent


def _go_on(campaign_id: int) -> None:
    """Queue the next minute's share, or close the campaign; what nobody decides about is forgotten by a later job."""
    instant = clock.now()
    with transaction():
        campaign = db.session.get(Campaign, campaign_id)
        if campaign is None or campaign.state == "stopped":
            return
        due = delivery.next_due(campaign_id)
        if due is None and campaign.state == "sending":
            campaign.state, campaign.finished_at = "done", instant
        due = due or delivery.next_forgotten(campaign_id)
        if due is None:
            return
        at = max(due, instant + MINUTE)
        dedup = f"{delivery.SEND}:{campaign_id}:{int(at.timestamp() // 60)}"
        jobs.enqueue(
            delivery.SEND,
            {"campaign_id": campaign_id},
            now=instant,
            due_at=at,
            dedup=dedup,
            site_id=campaign.site_id,
        )
