"""Tables of what is consented to: purposes, their services, and the services' cookies."""

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from consent_server.db import Base, JsonText, RowId

Texts = dict[str, dict[str, str]]  # {"en": {"name": …, "description": …}, "zh-CN": …}


class Purpose(Base):
    """What is consented to. `basic`: always on, explained, never asked. `additional`: off until granted."""

    __tablename__ = "purpose"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        CheckConstraint("function in ('basic', 'additional')", name="function"),
        CheckConstraint(
            "consent_kind in ('general', 'explicit', 'separate', 'written', 'guardian')", name="consent_kind"
        ),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"))
    key: Mapped[str] = mapped_column(String(40))
    position: Mapped[int]
    function: Mapped[str] = mapped_column(String(12))
    consent_kind: Mapped[str] = mapped_column(String(12))
    legal_basis: Mapped[str] = mapped_column(String(40))
    texts: Mapped[Texts] = mapped_column(JsonText)
    services: Mapped[list["Service"]] = relationship(
        order_by="Service.position", cascade="all, delete-orphan", lazy="selectin"
    )


class Service(Base):
    """A vendor or script that serves a purpose."""

    __tablename__ = "service"
    __table_args__ = (UniqueConstraint("purpose_id", "key"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    purpose_id: Mapped[int] = mapped_column(ForeignKey("purpose.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(40))
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(120))
    provider: Mapped[str] = mapped_column(String(200))
    privacy_url: Mapped[str] = mapped_column(String(500), default="")
    texts: Mapped[Texts] = mapped_column(JsonText)
    cookies: Mapped[list["Cookie"]] = relationship(
        order_by="Cookie.position", cascade="all, delete-orphan", lazy="selectin"
    )


class Cookie(Base):
    """What a service stores in the browser: a cookie or a storage key, by name or pattern (`_ga*`)."""

    __tablename__ = "cookie"
    __table_args__ = (
        UniqueConstraint("service_id", "store", "name"),
        CheckConstraint("store in ('cookie', 'local_storage', 'session_storage')", name="store"),
        CheckConstraint("party in ('first', 'third')", name="party"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    service_id: Mapped[int] = mapped_column(ForeignKey("service.id", ondelete="CASCADE"))
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(120))
    pattern: Mapped[bool]
    store: Mapped[str] = mapped_column(String(16))
    party: Mapped[str] = mapped_column(String(8))
    lifetime: Mapped[str] = mapped_column(String(20))  # ISO 8601 duration, or "session"
    texts: Mapped[Texts] = mapped_column(JsonText)
