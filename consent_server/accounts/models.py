"""Tables of staff: accounts and their roles, sessions, sign-in links, second factors, what slows guessing down."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from consent_server.accounts.roles import Role
from consent_server.db import Base, RowId, UtcDateTime

EVERYWHERE = text("site_id is null")


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


class Membership(Base):
    """A role of a person at one site, or with no site at all of them, present and future."""

    __tablename__ = "membership"
    __table_args__ = (
        UniqueConstraint("account_id", "site_id", "role"),
        # Two NULLs are never equal, so a role everywhere needs an index of its own.
        Index(
            "uq_membership_everywhere",
            "account_id",
            "role",
            unique=True,
            sqlite_where=EVERYWHERE,
            postgresql_where=EVERYWHERE,
        ),
        CheckConstraint("role in ({})".format(", ".join(f"'{role}'" for role in Role)), name="role"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id"), index=True)
    role: Mapped[str] = mapped_column(String(12))
    granted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    granted_by: Mapped[str] = mapped_column(String(254))
    account: Mapped[Account] = relationship(lazy="joined", innerjoin=True)


class ConsoleSession(Base):
    """A signed-in browser. The cookie holds a random token, the table its SHA-256."""

    __tablename__ = "console_session"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    method: Mapped[str] = mapped_column(String(16), default="password", server_default="password")
    device: Mapped[str] = mapped_column(String(60), default="", server_default="")  # "Firefox, Windows"
    proved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # when a second factor was last shown
    account: Mapped[Account] = relationship(lazy="joined")


class SignInLink(Base):
    """A link that signs in once. `used_at` is set by compare-and-swap, so that of two clicks one wins."""

    __tablename__ = "sign_in_link"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class TotpSecret(Base):
    """The secret shared with an authenticator app, sealed under a key outside the database; off until confirmed."""

    __tablename__ = "totp_secret"

    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    last_step: Mapped[int] = mapped_column(BigInteger)  # the newest time step whose code was used
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RecoveryCode(Base):
    """A code that stands in for a lost second factor, once. The table holds its SHA-256."""

    __tablename__ = "recovery_code"

    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Passkey(Base):
    """A public key of an authenticator (Web Authentication)."""

    __tablename__ = "passkey"
    __table_args__ = (UniqueConstraint("credential_id"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    credential_id: Mapped[bytes] = mapped_column(LargeBinary(1023))
    public_key: Mapped[bytes] = mapped_column(LargeBinary)  # COSE
    sign_count: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str] = mapped_column(String(60))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class KnownDevice(Base):
    """A browser in which an account has signed in before; strangers' failures do not slow it down."""

    __tablename__ = "known_device"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    account_id: Mapped[int] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SignInDelay(Base):
    """How often guessing has failed, by a keyed hash of what is guessed at and from where; nothing can be read back."""

    __tablename__ = "sign_in_delay"

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    failures: Mapped[int]
    until: Mapped[datetime] = mapped_column(UtcDateTime)
    failed_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class Invitation(Base):
    """An invitation to a role. Its link is signed, not stored; `used_at` is set once by compare-and-swap."""

    __tablename__ = "invitation"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    email: Mapped[str] = mapped_column(String(254), index=True)  # lower case
    name: Mapped[str] = mapped_column(String(120))
    language: Mapped[str] = mapped_column(String(35))
    role: Mapped[str] = mapped_column(String(16))
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id"))  # None: all sites
    nonce: Mapped[str] = mapped_column(String(16))
    invited_by: Mapped[str] = mapped_column(String(254))  # an actor of the audit log
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    mailed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    bounced: Mapped[str] = mapped_column(
        String(120), default="", server_default=""
    )  # why it was refused for ever
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ExternalIdentity(Base):
    """Whom the organisation's sign-in calls by this name: issuer and subject never change, addresses do."""

    __tablename__ = "external_identity"

    issuer: Mapped[str] = mapped_column(String(255), primary_key=True)
    subject: Mapped[str] = mapped_column(String(255), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
