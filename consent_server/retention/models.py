"""Tables of erasure. Neither names a person: they point at places in logs."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from consent_server.db import Base, UtcDateTime

UNKEPT = text("kept_at is null")


class Erasure(Base):
    """Where an erase leaf stands, and whether it has been written to the file outside the database.

    `kept_at` is set after the file was fsynced: what a crash leaves at NULL is written again.
    """

    __tablename__ = "erasure"
    __table_args__ = (Index("ix_erasure_unkept", "site_id", sqlite_where=UNKEPT, postgresql_where=UNKEPT),)

    site_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    idx: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    of_epoch: Mapped[int]  # the log whose entries it names; an older one after a recovery
    kept_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RetentionMark(Base):
    """Up to where a site's receipts have been looked through: all before it are erased or hold nothing personal."""

    __tablename__ = "retention_mark"

    site_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    epoch: Mapped[int]
    idx: Mapped[int] = mapped_column(BigInteger)
