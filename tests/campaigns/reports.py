"""Delivery status notifications as mail servers write them (RFC 3464, and the forms of some servers)."""


def report(
    *,
    to: str,
    of: str,
    message_id: str,
    action: str = "failed",
    status: str = "5.1.1",
    headers_only: bool = True,
) -> bytes:
    """A report about one letter; `of` is where the letter went."""
    returned = f"From: Shop <shop@mail.example>\nTo: {of}\nMessage-ID: {message_id}\nSubject: x\n"
    kind = "text/rfc822-headers" if headers_only else "message/rfc822"
    return f"""\
Return-Path: <>
Date: Mon, 02 Mar 2026 09:31:00 +0000
From: Mail Delivery System <MAILER-DAEMON@relay.example>
To: {to}
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

--b1
Content-Type: text/plain; charset=us-ascii

The mail system says more below.

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.example
Arrival-Date: Mon, 02 Mar 2026 09:30:00 +0000

Final-Recipient: rfc822; {of}
Action: {action}
Status: {status} (as the other server says)
Diagnostic-Code: smtp; 550 {status} <{of}>: said no

--b1
Content-Type: {kind}

{returned}
--b1--
""".encode()


def hard_bounce(*, to: str, of: str, message_id: str) -> bytes:
    """A report that there is no such mailbox."""
    return report(to=to, of=of, message_id=message_id)
