"""Mail through the SMTP server of the settings, over one connection; every step has a time limit.

`smtp://` uses TLS where the server offers it (STARTTLS), `smtps://` from the first byte. A password is sent over TLS only.
"""

import smtplib
import ssl
from collections.abc import Mapping
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid, parseaddr
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

from consent_server.config import Settings

TIMEOUT = 20.0  # seconds for each answer; a server that stalls holds up one job, no page
PORTS = {"smtp": 25, "smtps": 465}


class NotSent(Exception):
    """A message was not taken. `permanent`: the same message will never be (RFC 5321, section 4.2.1); else try later."""

    def __init__(self, reason: str, *, permanent: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.permanent = permanent


def is_configured(settings: Settings) -> bool:
    """Tell whether this server can send mail."""
    return bool(settings.smtp_url and settings.mail_from)


class Mailer:
    """A connection to the SMTP server, for as many messages as follow each other."""

    def __init__(self, settings: Settings) -> None:
        """Take address and sender from the settings; nothing is connected before `with`."""
        self._url = urlsplit(settings.smtp_url)
        self._from = settings.mail_from
        self._server: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        """Connect, and sign in if the address names a user.

        Raises:
            NotSent: no server is set, it cannot be reached, or it refuses.
        """
        if not self._url.hostname or not self._from:
            raise NotSent("no SMTP server is set: CONSENT_SMTP_URL and CONSENT_MAIL_FROM", permanent=False)
        try:
            self._server = self._connected(self._url.hostname)
        except (OSError, smtplib.SMTPException) as error:
            raise _not_sent(error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Say goodbye, if the server still listens."""
        server, self._server = self._server, None
        if server is not None:
            try:
                server.quit()
            except (OSError, smtplib.SMTPException):
                server.close()

    def send(
        self,
        *,
        to: str,
        subject: str,
        text: str,
        now: datetime,
        html: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> str:
        """Send one message and return its Message-ID.

        Args:
            to: one address.
            subject: without line breaks.
            text: the plain form.
            now: the date of the message.
            html: the same in HTML, if there is such a form.
            headers: further ones, such as List-Unsubscribe.

        Raises:
            NotSent: the server has not taken it.
        """
        if self._server is None:
            raise RuntimeError("send() belongs into the mailer's with statement")
        message = EmailMessage(policy=SMTP)
        message["From"], message["To"], message["Subject"] = self._from, to, subject
        message["Date"] = format_datetime(now)
        identifier = make_msgid(domain=parseaddr(self._from)[1].rpartition("@")[2])
        message["Message-ID"] = identifier
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no automatic answers
        for name, value in (headers or {}).items():
            message[name] = value
        message.set_content(text)
        if html is not None:
            message.add_alternative(html, subtype="html")
        try:
            self._server.send_message(message)
        except (OSError, smtplib.SMTPException) as error:
            raise _not_sent(error) from error
        return identifier

    def _connected(self, host: str) -> smtplib.SMTP:
        port = self._url.port or PORTS[self._url.scheme]
        context = ssl.create_default_context()
        if self._url.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=TIMEOUT, context=context)
        else:
            server = smtplib.SMTP(host, port, timeout=TIMEOUT)
            server.ehlo()
            if server.has_extn("starttls"):
                server.starttls(context=context)
                server.ehlo()
        if self._url.username:
            if not isinstance(server.sock, ssl.SSLSocket):
                server.close()
                raise smtplib.SMTPException("the server offers no TLS, and a password is not sent without it")
            server.login(unquote(self._url.username), unquote(self._url.password or ""))
        return server


def _not_sent(error: Exception) -> NotSent:
    """Return what an error means for the message; reasons name no address."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _ in error.recipients.values()]
        return NotSent(f"the address was refused ({codes[0]})", permanent=all(code >= 500 for code in codes))
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return NotSent("the SMTP server refuses user or password", permanent=False)
    if isinstance(error, smtplib.SMTPResponseException):
        return NotSent(f"the SMTP server answered {error.smtp_code}", permanent=error.smtp_code >= 500)
    return NotSent(f"the SMTP server cannot be used: {type(error).__name__}", permanent=False)
