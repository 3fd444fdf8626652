"""Tables of campaigns. An address lies sealed, and of a letter's only until it is known that the letter is out."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from consent_server.db import Base, RowId, UtcDateTime

STATES = (
    "waiting",
    "sending",  # the mail server is being given it
    "unknown",  # the mail server was given it, and whether it took it nobody has heard
    "sent",
    "bounced",  # refused for good, at once or later
    "returned",  # came back later, though the address may be good
    "failed",
    "needless",
    "refused",
    "barred",  # its address has bounced before
    "stopped",
)


class Campaign(Base):
    """One round of letters about a published version. `popup`: whom it touches meets the banner's card as a dialog."""

    __tablename__ = "campaign"
    __table_args__ = (CheckConstraint("state in ('sending', 'done', 'stopped')", name="state"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), index=True)
    version: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(8), default="sending")
    popup: Mapped[bool] = mapped_column(default=False, server_default=false())
    named: Mapped[int]  # users in the list that was brought
    created_by: Mapped[str] = mapped_column(String(254))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class CampaignLetter(Base):
    """One letter. `sealed` is the encrypted e-mail address; it is gone as soon as it is not needed any more.

    `digest` is a keyed hash of the address, by which later letters to it are known; `status` is what mail servers have
    reported of it since (RFC 3463).
    """

    __tablename__ = "campaign_letter"
    __table_args__ = (
        UniqueConstraint("campaign_id", "subject"),
        CheckConstraint(f"state in ({', '.join(map(repr, STATES))})", name="state"),
        Index(None, "campaign_id", "state", "due_at"),
        Index(None, "site_id", "subject"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"))
    site_id: Mapped[int]
    subject: Mapped[str] = mapped_column(String(128))
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    language: Mapped[str] = mapped_column(String(35))
    state: Mapped[str] = mapped_column(String(8), default="waiting")
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # when the mail server was given it
    status: Mapped[str | None] = mapped_column(String(11))


class MailRefusal(Base):
    """A known user who wants no mail from this site."""

    __tablename__ = "mail_refusal"

    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), primary_key=True, autoincrement=False)
    subject: Mapped[str] = mapped_column(String(128), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class MailBounce(Base):
    """An address that takes no letters, by its keyed hash, and whose it was."""

    __tablename__ = "mail_bounce"
    __table_args__ = (Index(None, "site_id", "subject"),)

    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), primary_key=True, autoincrement=False)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    subject: Mapped[str] = mapped_column(String(128))
    status: Mapped[str] = mapped_column(String(11))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class SubjectMail(Base):
    """The e-mail address of a known user, sealed, as the site's own server gave it."""

    __tablename__ = "subject_mail"

    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), primary_key=True, autoincrement=False)
    subject: Mapped[str] = mapped_column(String(128), primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    language: Mapped[str] = mapped_column(String(35))
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
