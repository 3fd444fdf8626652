"""Delivery status notifications (RFC 3464): what a mail server says later of a letter that it had taken. Pure.

They come as an MTA pipes them, one message, or as a mailbox file with many.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import Message

MOST_BYTES = 1_000_000  # of one message; a report is short, and what it returns may be cut off
# Where an MTA says for whom a message came: by convention, as the report itself goes to the address that is wanted.
_RECIPIENT = ("To", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To")
_FIRST_LINE = re.compile(rb"From \S*.*\d\d:\d\d")  # of a message in a mailbox file (RFC 4155)
_STATUS = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})(?!\S)")
# Codes of RFC 3463 that are about the address, and so hold for every letter: no such mailbox, host or route, moved, disabled;
# 5.0.0 is what servers say that tell no more, 5.4.1 what a large provider says of unknown users.
_OF_THE_ADDRESS = re.compile(r"5\.(0\.0|1\.\d+|2\.1|4\.[14])")
_NOT_OF_THE_ADDRESS = ("5.1.5", "5.1.7", "5.1.8", "5.1.9")  # it is good; the sender's is not


@dataclass(frozen=True)
class Report:
    """What a mail server says of a letter.

    Attributes:
        action: of RFC 3464, section 2.3.3: failed, delayed, delivered, relayed or expanded.
        status: the code of RFC 3463, such as 5.1.1.
        places: texts that may name the letter.
    """

    action: str
    status: str
    places: tuple[str, ...]

    @property
    def kind(self) -> str:
        """`hard`: no letter will reach this address. `soft`: this one came back. `delayed`: it is still tried. `fine`: it is there."""
        if self.action == "failed":
            return "hard" if is_hard(self.status) else "soft"
        return "delayed" if self.action == "delayed" else "fine"


def is_hard(status: str) -> bool:
    """Tell whether a code says that the address takes no letter at all; a full mailbox or a spam filter does not."""
    return _OF_THE_ADDRESS.fullmatch(status) is not None and status not in _NOT_OF_THE_ADDRESS


def messages_in(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the messages of a mailbox file; what is none is one message. Each is cut off after `MOST_BYTES`."""
    kept: list[bytes] = []
    size, after_blank = 0, True
    for line in lines:
        if after_blank and _FIRST_LINE.match(line):
            if kept:
                yield b"".join(kept)
            kept, size = [], 0
        elif size < MOST_BYTES:
            kept.append(line)
            size += len(line)
        after_blank = not line.strip()
    if kept:
        yield b"".join(kept)


def report_in(message: bytes) -> Report | None:
    """Return what a message reports, None when it is no delivery status notification."""
    parsed = message_from_bytes(message, policy=policy.compat32)
    parts = list(parsed.walk())
    fields = next((each for each in parts if each.get_content_type() == "message/delivery-status"), None)
    if fields is None:
        return None
    blocks = [each for each in _blocks(fields) if each["Action"]]
    if not blocks:
        return None
    # Each letter goes to one address; of several blocks (a relay's own, say) the weightiest counts.
    found = min(((_word(each), _status(each)) for each in blocks), key=_weight)
    return Report(found[0], found[1], tuple(_places(parsed, parts)))


def _blocks(fields: Message) -> Iterator[Message]:
    payload = fields.get_payload()
    return (each for each in payload if isinstance(each, Message)) if isinstance(payload, list) else iter(())


def _word(block: Message) -> str:
    return str(block["Action"]).split("(")[0].strip().lower()


def _status(block: Message) -> str:
    found = _STATUS.match(str(block["Status"] or ""))
    if found is not None:
        return found[1]
    return "5.0.0" if _word(block) == "failed" else "4.0.0"


def _weight(found: tuple[str, str]) -> tuple[int, str]:
    order = ("failed", "delayed", "delivered", "relayed", "expanded")
    return (order.index(found[0]) if found[0] in order else len(order), found[1])


def _places(parsed: Message, parts: Iterable[Message]) -> Iterator[str]:
    """Yield where the letter's mark may stand: to whom the report came, and the Message-ID of what it returns."""
    for name in _RECIPIENT:
        yield from (str(each) for each in parsed.get_all(name, []))
    for part in parts:
        if part is not parsed and part["Message-ID"]:
            yield str(part["Message-ID"])
        if part.get_content_type() == "text/rfc822-headers":
            returned = part.get_payload(decode=True)
            if isinstance(returned, bytes):
                yield str(message_from_bytes(returned, policy=policy.compat32)["Message-ID"] or "")
