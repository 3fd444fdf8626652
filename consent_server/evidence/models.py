"""Tables by which receipts are found and counted. All of it follows from the receipts; none of it names a person."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from consent_server.db import Base, UtcDateTime


class Facet(Base):
    """Which receipts of a block of the log have a property: a bit for each index (`evidence/facets.py`).

    `first_at` and `last_at` are the earliest and the latest instant among them.
    """

    __tablename__ = "facet"

    site_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    block: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    first_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_at: Mapped[datetime] = mapped_column(UtcDateTime)
    members: Mapped[bytes] = mapped_column(LargeBinary)


class FacetMark(Base):
    """Up to where a log has been read: facets and counts cover every receipt before `upto`, and none behind it."""

    __tablename__ = "facet_mark"

    site_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    upto: Mapped[int] = mapped_column(BigInteger, default=0)


class DayCount(Base):
    """How often something was chosen on a day (UTC).

    With a purpose, `choice` is "granted" or "denied" and counts those who were asked about it; with the empty purpose it
    is the action, and counts decisions.
    """

    __tablename__ = "day_count"

    site_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    version: Mapped[str] = mapped_column(String(16), primary_key=True)
    language: Mapped[str] = mapped_column(String(35), primary_key=True)
    layer: Mapped[str] = mapped_column(String(12), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(40), primary_key=True)
    choice: Mapped[str] = mapped_column(String(12), primary_key=True)
    count: Mapped[int] = mapped_column(Integer)
