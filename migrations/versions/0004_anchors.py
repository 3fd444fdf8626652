"""Make the table of anchors: which checkpoints have been written outside the database."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "anchor",
        sa.Column("site_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sink", sa.String(8), nullable=False),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ack", sa.String(200), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "epoch", "sink", "size", name=op.f("pk_anchor")),
        sa.CheckConstraint("sink in ('file', 'git', 'http')", name=op.f("ck_anchor_sink")),
    )


def downgrade() -> None:
    op.drop_table("anchor")
