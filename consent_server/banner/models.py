"""Tables of what was shown: every bundle and configuration that ever went out, by hash; and how tags fare on pages."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, ForeignKey, Integer, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from consent_server.db import Base, UtcDateTime


class WidgetBundle(Base):
    """The widget's code, by the SHA-256 of its bytes."""

    __tablename__ = "widget_bundle"

    sha256: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class BannerBuild(Base):
    """One banner as served: code and configuration. Kept as long as receipts name it."""

    __tablename__ = "banner_build"

    # Four bytes as in the tables beside it: a distributed database keeps only columns of one type together.
    site_id: Mapped[int] = mapped_column(
        Integer, ForeignKey("site.id"), primary_key=True, autoincrement=False
    )
    sha256: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    bundle: Mapped[bytes] = mapped_column(ForeignKey("widget_bundle.sha256"))
    configuration: Mapped[str] = mapped_column(Text)  # canonical JSON
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class PinnedTag(Base):
    """A tag's bytes as they went out, so that a page which names their hash gets them for ever, whatever the code does."""

    __tablename__ = "pinned_tag"

    site_id: Mapped[int] = mapped_column(
        Integer, ForeignKey("site.id"), primary_key=True, autoincrement=False
    )
    sha256: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    build: Mapped[bytes] = mapped_column(LargeBinary(32))
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class TagSighting(Base):
    """Where a tag was asked for: by which of the site's origins (empty: it was not told), how often, and when last."""

    __tablename__ = "tag_sighting"

    site_id: Mapped[int] = mapped_column(
        Integer, ForeignKey("site.id"), primary_key=True, autoincrement=False
    )
    origin: Mapped[str] = mapped_column(String(255), primary_key=True)
    build: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    requests: Mapped[int] = mapped_column(BigInteger)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)


class TagError(Base):
    """How many errors of the tag itself were reported on a day. `build` is empty for one that this site never served."""

    __tablename__ = "tag_error"

    site_id: Mapped[int] = mapped_column(
        Integer, ForeignKey("site.id"), primary_key=True, autoincrement=False
    )
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    build: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    reports: Mapped[int] = mapped_column(BigInteger)
