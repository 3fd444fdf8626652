"""Tables of current consent: a projection of the receipts, and who a browser belongs to."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, String, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from consent_server.db import Base, JsonText, UtcDateTime
from consent_server.packing import PackedJson

FLAGGED = text("flag is not null")


class ConsentRecord(Base):
    """The current state of one visitor or subject, derived from receipts (`consents/rules.py`).

    `flag` is the re-consent projection: "ask" or "tell" against the version `flag_version_id`, for lists and
    campaigns. What a visitor sees never depends on it: the rule is evaluated anew on every read.
    """

    __tablename__ = "consent_record"
    __table_args__ = (
        CheckConstraint("holder_kind in ('visitor', 'subject')", name="holder_kind"),
        CheckConstraint("flag in ('ask', 'tell')", name="flag"),
        Index("ix_consent_record_flagged", "site_id", "flag", sqlite_where=FLAGGED, postgresql_where=FLAGGED),
    )

    site_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    holder_kind: Mapped[str] = mapped_column(String(8), primary_key=True)
    holder: Mapped[str] = mapped_column(String(128), primary_key=True)
    state: Mapped[dict[str, Any]] = mapped_column(PackedJson)
    epoch: Mapped[int]
    idx: Mapped[int] = mapped_column(BigInteger)  # the newest receipt that this state counts
    language: Mapped[str] = mapped_column(String(35))
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    flag: Mapped[str | None] = mapped_column(String(4))
    flag_version_id: Mapped[int | None]
    flag_purposes: Mapped[list[str] | None] = mapped_column(JsonText)
    flagged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SubjectLink(Base):
    """This browser belongs to that subject, as the site's own server vouched.

    A browser never changes hands: another subject on the same device gets a visitor id of their own.
    """

    __tablename__ = "subject_link"
    __table_args__ = (Index(None, "site_id", "subject"),)

    site_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    visitor_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    subject: Mapped[str] = mapped_column(String(128))
    linked_at: Mapped[datetime] = mapped_column(UtcDateTime)
