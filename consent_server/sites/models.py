"""Tables of sites and the API keys of their own servers."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from consent_server.db import Base, JsonText, RowId, UtcDateTime


class Site(Base):
    """A web property: public key, allowed origins, languages, region profile, theme.

    `policy_id` names the policy that the banner asks about; `revision` goes up with every change that the
    banner shows, so that processes know when to build it anew.
    """

    __tablename__ = "site"
    __table_args__ = (
        UniqueConstraint("key"),
        CheckConstraint("region_profile in ('opt_in', 'opt_out')", name="region_profile"),
        CheckConstraint("consent_days between 1 and 730", name="consent_days"),
        CheckConstraint("retention_days between 1 and 36525", name="retention_days"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    key: Mapped[str] = mapped_column(String(32))
    name: Mapped[str] = mapped_column(String(120))
    origins: Mapped[list[str]] = mapped_column(JsonText)  # exact origins, as in "https://shop.example"
    languages: Mapped[list[str]] = mapped_column(JsonText)  # BCP 47, default first
    region_profile: Mapped[str] = mapped_column(String(8), default="opt_in")
    consent_days: Mapped[int] = mapped_column(default=180)
    retention_days: Mapped[int] = mapped_column(
        default=1826, server_default="1826"
    )  # days after its expiry that a receipt is kept: five years
    profile: Mapped[dict[str, Any]] = mapped_column(
        JsonText, default=dict, server_default="{}"
    )  # the controller, as exports state it (sites/profile.py)
    theme: Mapped[dict[str, Any]] = mapped_column(JsonText, default=dict)
    texts: Mapped[dict[str, dict[str, str]]] = mapped_column(
        JsonText, default=dict
    )  # banner words by language
    popups: Mapped[list[str]] = mapped_column(
        JsonText, default=list, server_default="[]"
    )  # versions whose changes are told in a dialog
    policy_id: Mapped[int | None]  # no foreign key: policies point at sites, and one direction is enough
    four_eyes: Mapped[bool | None]  # a second person approves; None: where two people may approve
    identity_generation: Mapped[int] = mapped_column(default=1)
    revision: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    @property
    def default_language(self) -> str:
        """The language shown to who has none of the others."""
        return self.languages[0]


class ApiKey(Base):
    """A key of the site's own server. Shown once; the table holds its SHA-256."""

    __tablename__ = "api_key"
    __table_args__ = (UniqueConstraint("digest"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    scopes: Mapped[list[str]] = mapped_column(JsonText, default=list, server_default="[]")  # sites/scopes.py
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
