"""The job table is the queue: rows written in the transaction that caused them (docs/adr/0003)."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from consent_server.db import Base, JsonText, RowId, UtcDateTime


class Job(Base):
    """One piece of work, named `slice.verb`. `cursor` and `done` let a second run go on where the first stopped."""

    __tablename__ = "job"
    __table_args__ = (
        UniqueConstraint("dedup"),
        CheckConstraint("state in ('queued', 'running', 'done', 'failed')", name="state"),
        Index(None, "state", "due_at"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    arguments: Mapped[dict[str, Any]] = mapped_column(JsonText)
    dedup: Mapped[str | None] = mapped_column(String(128))  # a second job with the same text is not made
    site_id: Mapped[int | None] = mapped_column(index=True)
    state: Mapped[str] = mapped_column(String(8), default="queued")
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(default=0)
    claim: Mapped[str | None] = mapped_column(String(40))
    claimed_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cursor: Mapped[Any] = mapped_column(JsonText, nullable=True)
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int | None]
    error: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Lease(Base):
    """A seat that one process holds until `until`; the embedded job runner sits on the seat `runner`."""

    __tablename__ = "lease"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    holder: Mapped[str] = mapped_column(String(40))
    until: Mapped[datetime] = mapped_column(UtcDateTime)
