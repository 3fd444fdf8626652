"""Make the tables of the tree: how far a log is integrated, full tiles, signed checkpoints."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

LOG = ("site_id", "epoch")


def log_columns() -> list[sa.Column]:
    return [sa.Column(name, sa.Integer(), autoincrement=False, nullable=False) for name in LOG]


def upgrade() -> None:
    op.create_table(
        "tree",
        *log_columns(),
        sa.Column("integrated", sa.BigInteger(), nullable=False),
        sa.Column("frontier", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint(*LOG, name="pk_tree"),
    )
    op.create_table(
        "tile",
        *log_columns(),
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("n", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.Column("root", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint(*LOG, "level", "n", name="pk_tile"),
    )
    op.create_table(
        "checkpoint",
        *log_columns(),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary(32), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(*LOG, "size", name="pk_checkpoint"),
    )
    if op.get_bind().dialect.name == "postgresql":
        # Hashes do not compress; stored outside the row they do not slow the scan over roots.
        op.execute("ALTER TABLE tile ALTER COLUMN hashes SET STORAGE EXTERNAL")


def downgrade() -> None:
    for table in ("checkpoint", "tile", "tree"):
        op.drop_table(table)
