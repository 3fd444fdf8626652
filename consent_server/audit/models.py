"""The audit log: one row per staff action. Append-only."""

from datetime import datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from consent_server.db import Base, JsonText, RowId, UtcDateTime


class AuditEvent(Base):
    """Who did what, to what, when. `detail` never holds secrets or visitors' data."""

    __tablename__ = "audit_event"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    actor: Mapped[str] = mapped_column(String(254))  # "account:7", "command", "api-key:3", "system"
    action: Mapped[str] = mapped_column(String(64))  # slice.verb, as in "policies.publish"
    site_id: Mapped[int | None] = mapped_column(index=True)
    target: Mapped[str] = mapped_column(String(128), default="")
    detail: Mapped[dict[str, Any]] = mapped_column(JsonText, default=dict)
