"""Tables of staff: accounts, console sessions, one-time sign-in links."""

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from consent_server.db import Base, RowId, UtcDateTime


class Account(Base):
    """A person who works in the console. Without a password only a sign-in link lets in."""

    __tablename__ = "account"
    __table_args__ = (UniqueConstraint("email"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    email: Mapped[str] = mapped_column(String(254))  # lower case
    name: Mapped[str] = mapped_column(String(120))
    language: Mapped[str] = mapped_column(String(35), default="en")
    password_hash: Mapped[str | None] = mapped_column(String(255))  # argon2id
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ConsoleSession(Base):
    """A signed-in browser. The cookie holds a random token, the table its SHA-256."""

    __tablename__ = "console_session"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    account: Mapped[Account] = relationship(lazy="joined")


class SignInLink(Base):
    """A link that signs in once. `used_at` is set by compare-and-swap, so that of two clicks one wins."""

    __tablename__ = "sign_in_link"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
