"""The job that sends a campaign's letters: so many a minute, each closed in a transaction of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import current_app

from consent_server import clock, mail
from consent_server.campaigns import service
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
    """A letter with where it goes; `token` is that of its links."""

    id: int
    to: str
    words: Letter
    unsubscribe: str


@handles(service.SEND)
def send(cursor: Any, done: int, *, campaign_id: int) -> Iterator[Progress]:
    """Send what is due, at most a minute's share, and have the rest sent by a job of a later minute.

    Whenever it is interrupted, the letters say where it was: one that was being sent is sent again after five minutes, so a
    reader may get it twice, never not at all.
    """
    settings: Settings = current_app.extensions["settings"]
    failures = 0
    for _number in range(settings.mail_rate):
        addressed = _next(campaign_id)
        if addressed is None:
            break
        if addressed.to:
            failures = 0 if _sent(settings, addressed) else failures + 1
        done += 1
        yield Progress(None, done, done)
        if failures == MOST_FAILURES:
            break
    _go_on(campaign_id)


def _next(campaign_id: int) -> Addressed | None:
    """Take the next letter. One that is not wanted any more is closed at once, and has no address."""
    instant = clock.now()
    settings: Settings = current_app.extensions["settings"]
    ring: KeyRing = current_app.extensions["keys"]
    with transaction():
        claimed = service.claim(campaign_id, now=instant)
        if claimed is None:
            return None
        site = db.session.get_one(Site, claimed.site_id)
        view = site_view(site.key)
        delta = service.delta_for(view, claimed.subject, now=instant)
        if delta is None or service.refuses(site.id, claimed.subject):
            service.close(claimed.id, "needless" if delta is None else "refused", now=instant)
            return Addressed(claimed.id, "", Letter("", "", ""), "")
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
        return Addressed(claimed.id, service.address_of(claimed, ring=ring), words, link)


def _token(claimed: CampaignLetter, ring: KeyRing) -> str:
    token = ring.serializer(service.UNSUBSCRIBE).dumps([claimed.site_id, claimed.subject])
    return token if isinstance(token, str) else token.decode()


def _sent(settings: Settings, addressed: Addressed) -> bool:
    """Send a letter and note what became of it; False when the mail server could not be used."""
    headers = {
        "List-Unsubscribe": f"<{addressed.unsubscribe}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",  # RFC 8058
    }
    words, state = addressed.words, "sent"
    try:
        with mail.Mailer(settings) as mailer:
            mailer.send(
                to=addressed.to,
                subject=words.subject,
                text=words.text,
                html=words.html,
                now=clock.now(),
                headers=headers,
            )
    except mail.NotSent as error:
        if not error.permanent:
            with transaction():
                service.put_back(addressed.id, now=clock.now())
            return False
        state = "bounced"
    with transaction():
        service.close(addressed.id, state, now=clock.now())
    return True


def _go_on(campaign_id: int) -> None:
    """Queue the next minute's share, or close the campaign."""
    instant = clock.now()
    with transaction():
        campaign = db.session.get(Campaign, campaign_id)
        if campaign is None or campaign.state != "sending":
            return
        due = service.next_due(campaign_id)
        if due is None:
            campaign.state, campaign.finished_at = "done", instant
            return
        at = max(due, instant + MINUTE)
        dedup = f"{service.SEND}:{campaign_id}:{int(at.timestamp() // 60)}"
        jobs.enqueue(
            service.SEND,
            {"campaign_id": campaign_id},
            now=instant,
            due_at=at,
            dedup=dedup,
            site_id=campaign.site_id,
        )
