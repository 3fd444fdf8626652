"""Tables of policies: versions, notices, typed changes, waivers. A published version never changes.

Triggers in the database refuse to update or delete a published version and everything that hangs on it.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from consent_server.db import Base, JsonText, PackedText, RowId, UtcDateTime

DRAFT = text("state = 'draft'")


class Policy(Base):
    """A document of a site with versions."""

    __tablename__ = "policy"
    __table_args__ = (UniqueConstraint("site_id", "key"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    key: Mapped[str] = mapped_column(String(40))
    title: Mapped[dict[str, str]] = mapped_column(JsonText)  # by language
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class PolicyVersion(Base):
    """A draft (`number` is NULL) or a published version (numbered `major.minor`, immutable).

    `snapshot` is canonical JSON text of notices' hashes, purposes, services, cookies and changes as published;
    `sha256` is its hash, and so covers everything that a visitor agreed to.
    """

    __tablename__ = "policy_version"
    __table_args__ = (
        UniqueConstraint("policy_id", "major", "minor"),
        CheckConstraint("state in ('draft', 'published')", name="state"),
        CheckConstraint("(state = 'published') = (major is not null)", name="numbered"),
        CheckConstraint("(state = 'published') = (sha256 is not null)", name="hashed"),
        # One draft at a time: two would each be classified against a predecessor that the other replaces.
        Index(
            "uq_policy_version_draft", "policy_id", unique=True, sqlite_where=DRAFT, postgresql_where=DRAFT
        ),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    policy_id: Mapped[int] = mapped_column(ForeignKey("policy.id"), index=True)
    state: Mapped[str] = mapped_column(String(12), default="draft")
    major: Mapped[int | None]
    minor: Mapped[int | None]
    elsewhere: Mapped[bool] = mapped_column(
        default=False
    )  # imported as published elsewhere, with its own date
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    snapshot: Mapped[str | None] = mapped_column(Text)
    sha256: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    published_by: Mapped[str | None] = mapped_column(String(254))
    revision: Mapped[int] = mapped_column(default=1)  # guards against two people saving one draft
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    policy: Mapped[Policy] = relationship(lazy="joined", innerjoin=True)
    notices: Mapped[list["Notice"]] = relationship(order_by="Notice.language", cascade="all, delete-orphan")
    changes: Mapped[list["Change"]] = relationship(order_by="Change.position", cascade="all, delete-orphan")
    waivers: Mapped[list["Waiver"]] = relationship(order_by="Waiver.id", cascade="all, delete-orphan")

    __mapper_args__ = {"version_id_col": revision}

    @property
    def number(self) -> str | None:
        """`major.minor`, or None for a draft."""
        return None if self.major is None else f"{self.major}.{self.minor}"


class Notice(Base):
    """A version's text in one language, as it was written; `sha256` is the hash of its canonical text.

    A published text holds the words of the site's profile; `template` is then what was written, with placeholders.
    """

    __tablename__ = "notice"
    __table_args__ = (
        UniqueConstraint("version_id", "language"),
        CheckConstraint("format in ('markdown', 'plain')", name="format"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("policy_version.id", ondelete="CASCADE"))
    language: Mapped[str] = mapped_column(String(35))
    format: Mapped[str] = mapped_column(String(12))
    source: Mapped[str] = mapped_column(Text)
    sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    template: Mapped[str | None] = mapped_column(Text)


class SavedText(Base):
    """A text as somebody saved it in a draft; numbered in each language. It goes when the draft is published or discarded.

    `begun_at` is when the first of the saves was that are one row; `brought_from` the number of the text brought back.
    """

    __tablename__ = "saved_text"
    __table_args__ = (
        UniqueConstraint("version_id", "language", "number"),
        CheckConstraint("format in ('markdown', 'plain')", name="format"),
        CheckConstraint("kind in ('opened', 'saved', 'autosaved', 'brought_back')", name="kind"),
        CheckConstraint("(kind = 'brought_back') = (brought_from is not null)", name="brought_from"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("policy_version.id", ondelete="CASCADE"))
    language: Mapped[str] = mapped_column(String(35))
    number: Mapped[int]
    kind: Mapped[str] = mapped_column(String(12))
    format: Mapped[str] = mapped_column(String(12))
    source: Mapped[str] = mapped_column(PackedText, deferred=True)  # a list of saves reads none of them
    sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    saved_by: Mapped[str] = mapped_column(String(254))
    begun_at: Mapped[datetime] = mapped_column(UtcDateTime)
    saved_at: Mapped[datetime] = mapped_column(UtcDateTime)
    brought_from: Mapped[int | None]


class Change(Base):
    """A typed difference between a version and its predecessor; `purposes` None means all."""

    __tablename__ = "change"
    __table_args__ = (
        CheckConstraint("effect in ('patch', 'minor', 'major_notice', 'major_consent')", name="effect"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("policy_version.id", ondelete="CASCADE"), index=True)
    position: Mapped[int]
    type: Mapped[str] = mapped_column(String(32))
    effect: Mapped[str] = mapped_column(String(16))  # the change's class; `class` is a reserved word
    purposes: Mapped[list[str] | None] = mapped_column(JsonText)
    renamed_from: Mapped[str | None] = mapped_column(String(40))
    summary: Mapped[dict[str, str]] = mapped_column(JsonText, default=dict)
    classified_by: Mapped[str] = mapped_column(String(254))
    reason: Mapped[str] = mapped_column(
        Text, default=""
    )  # why it was classified below what its type proposes
    approved_by: Mapped[str | None] = mapped_column(String(254))  # the second person of a downgrade


class Waiver(Base):
    """A named person lets a finding of the parity check pass, and says why.

    It falls when the text that it was given for changes: `fingerprint` is then no finding's any more. Where that is None,
    the waiver was given for a whole language, as once was possible: history, which lets nothing pass now.
    """

    __tablename__ = "waiver"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("policy_version.id", ondelete="CASCADE"), index=True)
    rule: Mapped[str] = mapped_column(String(40))
    language: Mapped[str] = mapped_column(String(35))
    fingerprint: Mapped[str | None] = mapped_column(String(16))
    finding: Mapped[dict[str, Any] | None] = mapped_column(JsonText)  # as the person saw it, with both places
    waived_by: Mapped[str] = mapped_column(String(254))
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
