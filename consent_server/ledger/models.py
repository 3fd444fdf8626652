"""Tables of the ledger: one log per site, its head, and the receipts in it.

`site_id` comes first in every key: no statement and no transaction ever spans two sites, which lets a
distributed PostgreSQL spread them by that column. Receipts are evidence: triggers refuse DELETE, and every
UPDATE but the blanking of the personal columns.
"""

import uuid
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from consent_server.db import Base, UtcDateTime


class Log(Base):
    """One append-only log. A recovery seals it and opens the next epoch."""

    __tablename__ = "log"
    __table_args__ = (
        UniqueConstraint("origin"),
        CheckConstraint("state in ('open', 'sealed', 'forked')", name="state"),
    )

    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), primary_key=True, autoincrement=False)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    origin: Mapped[str] = mapped_column(String(200))  # the log's name in checkpoints, as C2SP has it
    state: Mapped[str] = mapped_column(String(8), default="open")
    size: Mapped[int] = mapped_column(BigInteger, default=0)  # the index that the next receipt gets


class Receipt(Base):
    """Evidence of one decision. `payload` is the canonical JSON whose SHA-256 is `entry`."""

    __tablename__ = "receipt"
    __table_args__ = (
        UniqueConstraint("site_id", "receipt_id"),
        Index(None, "site_id", "visitor_id"),
        Index(
            None,
            "site_id",
            "subject",
            sqlite_where=text("subject is not null"),
            postgresql_where=text("subject is not null"),
        ),
    )

    site_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    idx: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    receipt_id: Mapped[uuid.UUID] = mapped_column(Uuid)
    kid: Mapped[str] = mapped_column(String(43))
    visitor_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    subject: Mapped[str | None] = mapped_column(String(128))
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    entry: Mapped[bytes] = mapped_column(LargeBinary(32))
    payload: Mapped[bytes | None] = mapped_column(LargeBinary)
