"""Mail through the SMTP server of the settings, over one connection; every step has a time limit.

Between the last line of a message and the server's answer to it nobody knows whose the message is (RFC 1047): who is killed
then cannot tell whether it was taken. Whoever minds notes beforehand, in `ready`, that this moment has come.

`smtp://` uses TLS where the server offers it (STARTTLS), `smtps://` from the first byte. A password is sent over TLS only.
"""

import re
import smtplib
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid, parseaddr
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

from consent_server.config import Settings

TIMEOUT = 20.0  # seconds for each answer; a server that stalls holds up one job, no page
LAST_TIMEOUT = 60.0  # seconds for the answer to a whole message, which is the one that must not be missed
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?!\S)")
PORTS = {"smtp": 25, "smtps": 465}
LINES = SMTP.clone(cte_type="7bit")  # not every server takes eight bits


class NotSent(Exception):
    """A message was not taken. `permanent`: the same message will never be (RFC 5321, section 4.2.1); else try later.

    `status` is the server's enhanced status code (RFC 3463), such as 5.1.1, if it gave one.
    """

    def __init__(self, reason: str, *, permanent: bool, status: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.permanent = permanent
        self.status = status


class Unanswered(NotSent):
    """The server has the whole message and has not said whether it takes it: it is on its way, or it is not."""

    def __init__(self) -> None:
        super().__init__("the SMTP server has not answered the message", permanent=False)


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
        identifier: str = "",
        bounces_to: str = "",
        ready: Callable[[], None] | None = None,
    ) -> str:
        """Send one message and return its Message-ID.

        Args:
            to: one address.
            subject: without line breaks.
            text: the plain form.
            now: the date of the message.
            html: the same in HTML, if there is such a form.
            headers: further ones, such as List-Unsubscribe.
            identifier: the Message-ID, with its angle brackets; a new one if there is none.
            bounces_to: the envelope's sender, to which mail servers return what they cannot deliver; by default the sender.
            ready: called when the server waits for the message, before any of it is sent. What it raises is raised, and
                nothing is sent.

        Raises:
            Unanswered: the server has it, and may or may not have taken it.
            NotSent: the server has not taken it.
        """
        if self._server is None:
            raise RuntimeError("send() belongs into the mailer's with statement")
        message = EmailMessage(policy=LINES)
        message["From"], message["To"], message["Subject"] = self._from, to, subject
        message["Date"] = format_datetime(now)
        sender = parseaddr(self._from)[1]
        message["Message-ID"] = identifier or make_msgid(domain=sender.rpartition("@")[2])
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no automatic answers
        for name, value in (headers or {}).items():
            message[name] = value
        message.set_content(text)
        if html is not None:
            message.add_alternative(html, subtype="html")
        try:
            self._deliver(self._server, bounces_to or sender, to, message.as_bytes(), ready)
        except (OSError, smtplib.SMTPException) as error:
            raise _not_sent(error) from error
        return str(message["Message-ID"])

    def _deliver(
        self,
        server: smtplib.SMTP,
        sender: str,
        to: str,
        message: bytes,
        ready: Callable[[], None] | None,
    ) -> None:
        """Take the steps of RFC 5321, section 3.3, one by one."""
        server.ehlo_or_helo_if_needed()
        self._expect(server.mail(sender), "the sender")
        self._expect(server.rcpt(to), "the address")
        self._expect(server.docmd("DATA"), "the message", good=354)
        if ready is not None:
            try:
                ready()
            except BaseException:
                server.close()  # without the last line there is no message
                raise
        server.send(re.sub(rb"(?m)^\.", b"..", message).removesuffix(b"\r\n") + b"\r\n.\r\n")
        if server.sock is not None:
            server.sock.settimeout(LAST_TIMEOUT)
        try:
            answer = server.getreply()
        except (OSError, smtplib.SMTPException) as error:
            server.close()
            raise Unanswered from error
        if server.sock is not None:
            server.sock.settimeout(TIMEOUT)
        self._expect(answer, "the message")

    def _expect(self, answer: tuple[int, bytes], what: str, *, good: int = 250) -> None:
        """Raise what an answer means for the message unless it is good; reasons name no address."""
        code, words = answer
        if code == good or (good == 250 and code == 251):
            return
        server = self._server
        if server is not None and code == 421:
            server.close()
        elif server is not None and code != -1:
            with suppress(OSError, smtplib.SMTPException):
                server.rset()  # the connection is good for the next message
        status = _STATUS.match(words.decode("ascii", "replace"))
        raise NotSent(
            f"{what} was refused ({code})", permanent=code >= 500, status=status[0] if status else ""
        )

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
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return NotSent("the SMTP server refuses user or password", permanent=False)
    if isinstance(error, smtplib.SMTPResponseException):
        return NotSent(f"the SMTP server answered {error.smtp_code}", permanent=error.smtp_code >= 500)
    return NotSent(f"the SMTP server cannot be used: {type(error).__name__}", permanent=False)
