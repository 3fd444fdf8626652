"""Tables of reviews: where a draft is on its way, what is said about its sentences, and who is told."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from consent_server.db import Base, RowId, UtcDateTime


class Review(Base):
    """The way of one draft. It stays with the version that the draft becomes, and then never changes.

    `fingerprint` is of exactly what was approved; an approval of anything else counts for nothing.
    """

    __tablename__ = "review"
    __table_args__ = (
        CheckConstraint("stage in ('draft', 'in_review', 'approved', 'scheduled')", name="stage"),
        CheckConstraint("(stage in ('approved', 'scheduled')) = (approved_by is not null)", name="approved"),
        CheckConstraint("(approved_by is null) = (fingerprint is null)", name="fingerprint"),
        CheckConstraint("(stage = 'scheduled') = (publish_at is not null)", name="scheduled"),
        CheckConstraint(
            "not four_eyes or approved_by is null or approved_by <> requested_by", name="four_eyes"
        ),
    )

    version_id: Mapped[int] = mapped_column(
        ForeignKey("policy_version.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    stage: Mapped[str] = mapped_column(String(12))
    requested_by: Mapped[str] = mapped_column(String(254))
    requested_at: Mapped[datetime] = mapped_column(UtcDateTime)
    reviewer_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))  # None: whoever may approve
    four_eyes: Mapped[bool] = mapped_column(default=True)  # whether the rule held when it was approved
    fingerprint: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    approved_by: Mapped[str | None] = mapped_column(String(254))
    approved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    publish_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    zone: Mapped[str | None] = mapped_column(String(64))  # in which the person named the hour
    notice_days: Mapped[int] = mapped_column(default=0)
    scheduled_by: Mapped[str | None] = mapped_column(String(254))
    note: Mapped[str] = mapped_column(Text, default="")  # what the person says who asked, or sent it back


class Comment(Base):
    """What somebody says about a sentence of a draft; `quote` is the sentence, "" for the draft as a whole."""

    __tablename__ = "comment"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("policy_version.id", ondelete="CASCADE"), index=True)
    language: Mapped[str] = mapped_column(String(35))
    quote: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    author: Mapped[str] = mapped_column(String(254))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    resolved_by: Mapped[str | None] = mapped_column(String(254))
    resolved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Mention(Base):
    """Somebody whom a comment calls upon; `seen_at` once they have said that they know."""

    __tablename__ = "mention"
    __table_args__ = (UniqueConstraint("comment_id", "account_id"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    comment_id: Mapped[int] = mapped_column(ForeignKey("comment.id", ondelete="CASCADE"))
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    comment: Mapped[Comment] = relationship(lazy="joined", innerjoin=True)
