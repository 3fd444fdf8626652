"""Make the table of roles. Whoever has an account today could do everything, and so becomes owner of all sites."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ROLES = ("owner", "author", "approver", "developer", "support", "auditor")
EVERYWHERE = sa.text("site_id is null")


def upgrade() -> None:
    op.create_table(
        "membership",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("site_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("role", sa.String(12), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("granted_by", sa.String(254), nullable=False),
        sa.CheckConstraint(
            "role in ({})".format(", ".join(f"'{role}'" for role in ROLES)), name=op.f("ck_membership_role")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_membership_account_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_membership_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_membership")),
        sa.UniqueConstraint(
            "account_id", "site_id", "role", name=op.f("uq_membership_account_id_site_id_role")
        ),
    )
    op.create_index(op.f("ix_membership_site_id"), "membership", ["site_id"])
    op.create_index(
        "uq_membership_everywhere",
        "membership",
        ["account_id", "role"],
        unique=True,
        sqlite_where=EVERYWHERE,
        postgresql_where=EVERYWHERE,
    )
    op.execute(
        "INSERT INTO membership (account_id, role, granted_at, granted_by) "
        "SELECT id, 'owner', created_at, 'system' FROM account"
    )


def downgrade() -> None:
    op.drop_index("uq_membership_everywhere", "membership")
    op.drop_index(op.f("ix_membership_site_id"), "membership")
    op.drop_table("membership")
