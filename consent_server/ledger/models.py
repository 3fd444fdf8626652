"""Tables of the ledger: one log per site, its receipts, and the tree over them: tiles, checkpoints, anchors.

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
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.orm import Mapped, mapped_column

from consent_server.db import Base, UtcDateTime
from consent_server.packing import PackedBytes


class Log(Base):
    """One append-only log. A recovery seals it and opens the next epoch."""

    __tablename__ = "log"
    __table_args__ = (CheckConstraint("state in ('open', 'sealed', 'forked')", name="state"),)

    # Four bytes as in the tables beside it: a distributed database keeps only columns of one type together.
    site_id: Mapped[int] = mapped_column(
        Integer, ForeignKey("site.id"), primary_key=True, autoincrement=False
    )
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(64))  # in its address, /log/<name>/…
    origin: Mapped[str] = mapped_column(
        String(200)
    )  # in its checkpoints: a URL without scheme that ends in the address
    state: Mapped[str] = mapped_column(String(8), default="open")
    size: Mapped[int] = mapped_column(BigInteger, default=0)  # the index that the next receipt gets


class NamedLog(Base):
    """Which log a name and an origin belong to: no two sites' logs share one (`ledger/names.py`)."""

    __tablename__ = "log_name"
    __table_args__ = (UniqueConstraint("origin"),)

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    origin: Mapped[str] = mapped_column(String(200))
    site_id: Mapped[int]
    epoch: Mapped[int]


class Receipt(Base):
    """Evidence of one decision. `payload` is the canonical JSON whose SHA-256 is `entry`, packed in the database."""

    __tablename__ = "receipt"
    __table_args__ = (
        UniqueConstraint("site_id", "receipt_id"),
        Index(None, "site_id", "visitor_id"),
    )

    site_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    idx: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    receipt_id: Mapped[uuid.UUID] = mapped_column(Uuid)
    kid: Mapped[str] = mapped_column(String(43))
    visitor_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    entry: Mapped[bytes] = mapped_column(LargeBinary(32))
    payload: Mapped[bytes | None] = mapped_column(PackedBytes)


class Tree(Base):
    """How far a log is integrated: the size of the tree, and its right edge (32-byte hashes, largest subtree first)."""

    __tablename__ = "tree"

    site_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    integrated: Mapped[int] = mapped_column(BigInteger, default=0)
    frontier: Mapped[bytes] = mapped_column(LargeBinary, default=b"")


class Tile(Base):
    """256 hashes of one row of the tree, `root` over them. Only full tiles are stored, and never changed."""

    __tablename__ = "tile"

    site_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    level: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    n: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    hashes: Mapped[bytes] = mapped_column(LargeBinary)
    root: Mapped[bytes] = mapped_column(LargeBinary(32))


class SignedCheckpoint(Base):
    """A checkpoint as it was signed. Two of one size can only be the same."""

    __tablename__ = "checkpoint"

    site_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    size: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    root: Mapped[bytes] = mapped_column(LargeBinary(32))
    note: Mapped[str] = mapped_column(Text)
    signed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Anchor(Base):
    """That a checkpoint was written outside the database: where (`sink`), and what the other side answered."""

    __tablename__ = "anchor"
    __table_args__ = (CheckConstraint("sink in ('file', 'git', 'http')", name="sink"),)

    site_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sink: Mapped[str] = mapped_column(String(8), primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    ack: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
