"""Tables of campaigns. An address lies sealed, and only until its letter is out."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from consent_server.db import Base, RowId, UtcDateTime


class Campaign(Base):
    """One round of letters about a published version."""

    __tablename__ = "campaign"
    __table_args__ = (CheckConstraint("state in ('sending', 'done', 'stopped')", name="state"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), index=True)
    version: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(8), default="sending")
    named: Mapped[int]  # users in the list that was brought
    created_by: Mapped[str] = mapped_column(String(254))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class CampaignLetter(Base):
    """One letter. `sealed` is the encrypted e-mail address; it is gone as soon as it is not needed any more."""

    __tablename__ = "campaign_letter"
    __table_args__ = (
        UniqueConstraint("campaign_id", "subject"),
        CheckConstraint(
            "state in ('waiting', 'sending', 'sent', 'bounced', 'failed', 'needless', 'refused', 'stopped')",
            name="state",
        ),
        Index(None, "campaign_id", "state", "due_at"),
        Index(None, "site_id", "subject"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"))
    site_id: Mapped[int]
    subject: Mapped[str] = mapped_column(String(128))
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    language: Mapped[str] = mapped_column(String(35))
    state: Mapped[str] = mapped_column(String(8), default="waiting")
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class MailRefusal(Base):
    """A known user who wants no mail from this site."""

    __tablename__ = "mail_refusal"

    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), primary_key=True, autoincrement=False)
    subject: Mapped[str] = mapped_column(String(128), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
