"""What a letter is known by: a mark in its Message-ID and in the address to which mail servers return it. Pure but for the key.

A mark is the letter's number and a keyed hash of campaign and user, in letters that survive every mail server: no upper case.
It is the same each time that the letter is sent, tells nothing about the user, and cannot be made up.
"""

import base64
import hmac
import re
from collections.abc import Iterable, Iterator
from email.utils import parseaddr

from consent_server.campaigns.models import CampaignLetter
from consent_server.keys import KeyRing

_MARK = re.compile(r"(?<![a-z0-9])l([1-9][0-9]{0,17})-([a-z2-7]{20})(?![a-z0-9])", re.IGNORECASE)


def mark_of(letter: CampaignLetter, *, ring: KeyRing) -> str:
    """Return a letter's mark, such as l12-mfrggzdfmy2tqnzzgezd."""
    said = f"{letter.campaign_id}\n{letter.id}\n{letter.subject}".encode()
    digest = hmac.digest(ring.derived("campaign-marks"), said, "sha256")
    return f"l{letter.id}-{base64.b32encode(digest)[:20].decode().lower()}"


def is_mark_of(mark: str, letter: CampaignLetter, *, ring: KeyRing) -> bool:
    """Tell whether a mark is that of a letter."""
    return hmac.compare_digest(mark.lower(), mark_of(letter, ring=ring))


def marks_in(texts: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yield all that looks like a mark in some texts, with the number of the letter; whether it is one the key says."""
    for text in texts:
        for found in _MARK.finditer(text):
            yield int(found[1]), found[0]


def message_id(mark: str, sender: str) -> str:
    """Return the Message-ID of a letter from a sender such as `Shop <shop@mail.example>`."""
    return f"<{mark}@{parseaddr(sender)[1].rpartition('@')[2]}>"


def return_address(mark: str, bounce_address: str) -> str:
    """Return where a letter comes back to (VERP): the mark is the extension of the address that takes bounces.

    Empty when there is no such address; then bounces go to the sender.
    """
    if not bounce_address:
        return ""
    local, _, domain = bounce_address.rpartition("@")
    return f"{local}+{mark}@{domain}"
