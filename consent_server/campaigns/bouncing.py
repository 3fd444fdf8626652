"""What follows when a letter is refused or comes back: an address that is none gets no further letters from the site."""

from datetime import datetime

from consent_server.campaigns import delivery, marks
from consent_server.campaigns.models import CampaignLetter, MailBounce
from consent_server.campaigns.reports import Report, is_hard
from consent_server.db import db
from consent_server.keys import KeyRing


def refused(letter_id: int, status: str, *, now: datetime) -> None:
    """Note that the mail server refuses a letter for good. Without a status of its own the answer may be about anything."""
    delivery.close(letter_id, "bounced", now=now, status=status)
    letter = db.session.get_one(CampaignLetter, letter_id)
    if is_hard(status):
        _bar(letter, status, now=now)


def take(report: Report, *, ring: KeyRing, now: datetime) -> str:
    """Note what a report says of the letter that it names; return its kind, or `foreign` when it names none of ours.

    A report that comes twice, or late, changes nothing: what is worse than what is known counts.
    """
    letter = _letter_of(report, ring=ring)
    if letter is None:
        return "foreign"
    kind = report.kind
    if kind == "hard":
        delivery.close(letter.id, "bounced", now=now, status=report.status)
        _bar(letter, report.status, now=now)
    elif letter.state in ("sent", "sending", "unknown"):
        # Whatever a mail server says of a letter, it was given it.
        letter.state, letter.sealed = ("returned" if kind == "soft" else "sent"), None
        letter.status = None if kind == "fine" else report.status
    elif letter.state == "returned" and kind == "soft":
        letter.status = report.status
    return kind


def _letter_of(report: Report, *, ring: KeyRing) -> CampaignLetter | None:
    for number, mark in marks.marks_in(report.places):
        letter = db.session.get(CampaignLetter, number, populate_existing=True, with_for_update=True)
        if letter is not None and marks.is_mark_of(mark, letter, ring=ring):
            return letter
    return None


def _bar(letter: CampaignLetter, status: str, *, now: datetime) -> None:
    """Send no further letter to the address that a letter went to."""
    if letter.digest is None or db.session.get(MailBounce, (letter.site_id, letter.digest)) is not None:
        return
    row = MailBounce(
        site_id=letter.site_id, digest=letter.digest, subject=letter.subject, status=status, at=now
    )
    db.session.add(row)
    db.session.flush()
