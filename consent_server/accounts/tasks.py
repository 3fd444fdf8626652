"""The job that mails an invitation."""

from collections.abc import Iterator
from typing import Any

from flask import current_app
from flask_babel import force_locale
from flask_babel import gettext as _

from consent_server import clock, mail
from consent_server.accounts import invitations
from consent_server.accounts.models import Invitation
from consent_server.config import Settings
from consent_server.db import db, transaction
from consent_server.i18n import LOCALES
from consent_server.jobs.runner import Progress, handles
from consent_server.keys import KeyRing


def _words(link: str) -> tuple[str, str]:
    """Return subject and text in the language that is set."""
    days = invitations.LIFE.days
    parts = (
        _("Somebody in your organisation has invited you to the console of its consent server."),
        _("Open this link to choose a password:"),
        link,
        _("It works once, within %(days)s days. If you did not expect it, do nothing.", days=days),
    )
    return str(_("You are invited to the consent console")), "\n\n".join(map(str, parts)) + "\n"


@handles(invitations.MAIL)
def mail_invitation(cursor: Any, done: int, *, invitation_id: int) -> Iterator[Progress]:
    """Send an invitation's link; one that was used or withdrawn meanwhile is not sent.

    Raises:
        NotSent: the server cannot be used just now; the job is tried again.
    """
    settings: Settings = current_app.extensions["settings"]
    ring: KeyRing = current_app.extensions["keys"]
    instant = clock.now()
    found = db.session.get(Invitation, invitation_id)
    if found is None or found.mailed_at is not None or not invitations.is_open(found, now=instant):
        return
    link = f"{settings.public_url}/console/invitation/{invitations.token_of(found, ring=ring)}"
    to = found.email
    with force_locale(LOCALES.get(found.language, "en")):
        subject, text = _words(link)
    db.session.rollback()  # no transaction stays open while a server is spoken to
    bounced = ""
    try:
        with mail.Mailer(settings) as mailer:
            mailer.send(to=to, subject=subject, text=text, now=instant)
    except mail.NotSent as error:
        if not error.permanent:
            raise
        bounced = error.reason[:120]
    with transaction():
        sent = db.session.get_one(Invitation, invitation_id)
        sent.mailed_at, sent.bounced = clock.now(), bounced
    yield Progress(None, 1, 1)
