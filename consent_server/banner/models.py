"""Tables of what was shown: every bundle and every configuration that ever went out, by hash."""

from datetime import datetime

from sqlalchemy import ForeignKey, Integer, LargeBinary, Text
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
