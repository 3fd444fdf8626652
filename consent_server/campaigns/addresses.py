"""E-mail addresses: those of an owner's list, those that the site's own server gives, and how they lie in the database.

An address is encrypted with a key that is not in the database. A keyed hash stays where it must be known again.
"""

import base64
import csv
import hmac
import io
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography.fernet import Fernet
from sqlalchemy import delete, func, select

from consent_server.audit import service as audit
from consent_server.campaigns.models import MailBounce, SubjectMail
from consent_server.consents import records
from consent_server.consents.models import ConsentRecord
from consent_server.db import db
from consent_server.keys import KeyRing
from consent_server.problems import InvalidInput

MOST = 50_000  # users in a list
PAGE = 500
LONGEST_SUBJECT, LONGEST_LANGUAGE = 128, 35
_LETTER = r"[!#-+\--:=?A-~]"  # what is printed of ASCII, but for "@,;<>
MAIL = rf"\A{_LETTER}{{1,64}}@{_LETTER}{{1,125}}\.{_LETTER}{{2,63}}\Z"


@dataclass(frozen=True)
class Line:
    """A user and where they are written to; an empty language is that of their last decision."""

    subject: str
    mail: str
    language: str


@dataclass(frozen=True)
class Given:
    """What a site's server says of a user: their address, or None when there shall be none."""

    subject: str
    mail: str | None
    language: str


def usable(mail: str) -> bool:
    """Tell whether a text is an address that letters can be sent to."""
    return re.match(MAIL, mail) is not None


def read_list(text: str) -> list[Line]:
    """Return the lines of a list: comma-separated, `subject,email` and perhaps `language`, with these names on top.

    Raises:
        InvalidInput: it is not of that form; the error names the line.
    """
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    if not {"subject", "email"} <= set(rows.fieldnames or ()):
        raise InvalidInput(
            "Look at the marked fields.", errors={"list": ["Begin with the line subject,email."]}
        )
    found: dict[str, Line] = {}
    for number, row in enumerate(rows, 2):
        subject, mail = (row["subject"] or "").strip(), (row["email"] or "").strip()
        if not subject or len(subject) > LONGEST_SUBJECT or not usable(mail):
            raise InvalidInput("Look at the marked fields.", errors={"list": [f"{number}"]}, line=number)
        found[subject] = Line(subject, mail, (row.get("language") or "").strip()[:LONGEST_LANGUAGE])
        if len(found) > MOST:
            raise InvalidInput(
                "Look at the marked fields.", errors={"list": [f"At most {MOST:,} users in one list."]}
            )
    return list(found.values())


def give(
    site_id: int, given: Sequence[Given], *, ring: KeyRing, now: datetime, actor: str
) -> list[tuple[str, str]]:
    """Store or erase the addresses of known users, and return subject and outcome of each, in the same order.

    Returns:
        `stored`, `erased`, `unknown` (nobody has vouched for this user here: nothing is kept), or `bounced` (letters to this
        address have come back: nothing is kept).
    """
    known = records_of(site_id, [each.subject for each in given])
    bad = bounced(site_id, [digest_of(each.mail, ring=ring) for each in given if each.mail])
    outcomes = [(each.subject, _outcome(each, known, bad, ring)) for each in given]
    for each, (_, outcome) in zip(given, outcomes, strict=True):
        row = db.session.get(SubjectMail, (site_id, each.subject))
        if outcome == "stored" and each.mail:
            row = row or SubjectMail(site_id=site_id, subject=each.subject)
            row.sealed, row.digest = seal(each.mail, ring=ring), digest_of(each.mail, ring=ring)
            row.language, row.updated_at = each.language, now
            db.session.add(row)
        elif row is not None:
            db.session.delete(row)
        db.session.flush()
    words = [outcome for _, outcome in outcomes]
    audit.record(
        "campaigns.addresses",
        actor=actor,
        now=now,
        site_id=site_id,
        stored=words.count("stored"),
        erased=words.count("erased"),
    )
    return outcomes


def forget(site_id: int, subjects: Collection[str]) -> None:
    """Erase the addresses of these users."""
    db.session.execute(
        delete(SubjectMail).where(SubjectMail.site_id == site_id, SubjectMail.subject.in_(subjects))
    )


def count(site_id: int) -> int:
    """Return how many addresses the site's server has given."""
    query = select(func.count()).select_from(SubjectMail).where(SubjectMail.site_id == site_id)
    return db.session.scalar(query) or 0


def given_lines(site_id: int, *, ring: KeyRing) -> Iterator[list[Line]]:
    """Yield the users whose addresses the site's server has given, a page at a time."""
    after = ""
    while True:
        rows = db.session.scalars(
            select(SubjectMail)
            .where(SubjectMail.site_id == site_id, SubjectMail.subject > after)
            .order_by(SubjectMail.subject)
            .limit(PAGE)
        ).all()
        if not rows:
            return
        yield [Line(row.subject, unseal(row.sealed, ring=ring), row.language) for row in rows]
        after = rows[-1].subject


def records_of(site_id: int, subjects: Collection[str]) -> dict[str, ConsentRecord]:
    """Return the records of those users who are known."""
    rows = db.session.scalars(
        select(ConsentRecord).where(
            ConsentRecord.site_id == site_id,
            ConsentRecord.holder_kind == records.SUBJECT,
            ConsentRecord.holder.in_(subjects),
        )
    )
    return {row.holder: row for row in rows}


def bounced(site_id: int, digests: Collection[bytes]) -> set[bytes]:
    """Return those addresses, by their digests, that take no letters."""
    return set(
        db.session.scalars(
            select(MailBounce.digest).where(MailBounce.site_id == site_id, MailBounce.digest.in_(digests))
        )
    )


def seal(mail: str, *, ring: KeyRing) -> bytes:
    """Encrypt an address."""
    return _box(ring).encrypt(mail.encode())


def unseal(sealed: bytes, *, ring: KeyRing) -> str:
    """Decrypt an address."""
    return _box(ring).decrypt(sealed).decode()


def digest_of(mail: str, *, ring: KeyRing) -> bytes:
    """Return the keyed hash of an address, in whatever letters it is written."""
    return hmac.digest(ring.derived("campaign-digests"), mail.casefold().encode(), "sha256")


def _outcome(given: Given, known: Collection[str], bad: Collection[bytes], ring: KeyRing) -> str:
    if given.mail is None:
        return "erased"
    if given.subject not in known:
        return "unknown"
    return "bounced" if digest_of(given.mail, ring=ring) in bad else "stored"


def _box(ring: KeyRing) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(ring.derived("campaign-addresses")))
