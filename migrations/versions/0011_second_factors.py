"""Make the tables of second factors and of what slows guessing down; sessions say how and where one signed in."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    for column in (
        sa.Column("method", sa.String(16), server_default="password", nullable=False),
        sa.Column("device", sa.String(60), server_default="", nullable=False),
        sa.Column("proved_at", INSTANT, nullable=True),
    ):
        op.add_column("console_session", column)
    op.create_table(
        "totp_secret",
        _account("totp_secret"),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("confirmed_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_totp_secret")),
    )
    op.create_table(
        "recovery_code",
        _account("recovery_code"),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("account_id", "digest", name=op.f("pk_recovery_code")),
    )
    op.create_table(
        "passkey",
        sa.Column("id", ROW_ID, nullable=False),
        _account("passkey"),
        sa.Column("credential_id", sa.LargeBinary(1023), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkey")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_passkey_credential_id")),
    )
    op.create_index(op.f("ix_passkey_account_id"), "passkey", ["account_id"])
    op.create_table(
        "known_device",
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        _account("known_device"),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("digest", "account_id", name=op.f("pk_known_device")),
    )
    op.create_index(op.f("ix_known_device_account_id"), "known_device", ["account_id"])
    op.create_table(
        "sign_in_delay",
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("until", INSTANT, nullable=False),
        sa.Column("failed_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sign_in_delay")),
    )
    op.create_index(op.f("ix_sign_in_delay_failed_at"), "sign_in_delay", ["failed_at"])


def downgrade() -> None:
    op.drop_table("sign_in_delay")
    op.drop_table("known_device")
    op.drop_table("passkey")
    op.drop_table("recovery_code")
    op.drop_table("totp_secret")
    for column in ("proved_at", "device", "method"):
        op.drop_column("console_session", column)


def _account(table: str) -> sa.Column[int]:
    key = sa.ForeignKey("account.id", name=f"fk_{table}_account_id", ondelete="CASCADE")
    return sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), key, nullable=False)
