"""Make the tables of erasure, and give sites a profile of their controller and a retention in days."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
FIVE_YEARS = 1826  # days, one leap day included


def upgrade() -> None:
    op.create_table(
        "erasure",
        sa.Column("site_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("idx", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("of_epoch", sa.Integer(), nullable=False),
        sa.Column("kept_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("site_id", "epoch", "idx", name="pk_erasure"),
    )
    op.create_index(
        "ix_erasure_unkept",
        "erasure",
        ["site_id"],
        sqlite_where=sa.text("kept_at is null"),
        postgresql_where=sa.text("kept_at is null"),
    )
    op.create_table(
        "retention_mark",
        sa.Column("site_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("idx", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", name="pk_retention_mark"),
    )
    op.add_column("site", sa.Column("profile", sa.Text(), server_default="{}", nullable=False))
    check = "retention_days between 1 and 36525"
    if op.get_bind().dialect.name == "sqlite":
        # SQLite takes a constraint only together with its column.
        op.execute(
            f"ALTER TABLE site ADD COLUMN retention_days INTEGER NOT NULL DEFAULT {FIVE_YEARS} "
            f"CONSTRAINT ck_site_retention_days CHECK ({check})"
        )
        return
    op.add_column(
        "site", sa.Column("retention_days", sa.Integer(), server_default=str(FIVE_YEARS), nullable=False)
    )
    op.create_check_constraint(op.f("ck_site_retention_days"), "site", check)


def downgrade() -> None:
    op.drop_column("site", "retention_days")
    op.drop_column("site", "profile")
    op.drop_table("retention_mark")
    op.drop_index("ix_erasure_unkept", "erasure")
    op.drop_table("erasure")
