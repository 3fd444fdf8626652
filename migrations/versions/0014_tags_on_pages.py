"""Make the tables of pinned tags and of how tags fare on pages: where they were asked for, and errors of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pinned_tag",
        sa.Column("site_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("build", sa.LargeBinary(32), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "sha256", name=op.f("pk_pinned_tag")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_pinned_tag_site_id_site")),
    )
    op.create_table(
        "tag_sighting",
        sa.Column("site_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("origin", sa.String(255), nullable=False),
        sa.Column("build", sa.LargeBinary(32), nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "origin", "build", name=op.f("pk_tag_sighting")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_tag_sighting_site_id_site")),
    )
    op.create_table(
        "tag_error",
        sa.Column("site_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("build", sa.LargeBinary(32), nullable=False),
        sa.Column("reports", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "day", "kind", "build", name=op.f("pk_tag_error")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_tag_error_site_id_site")),
    )


def downgrade() -> None:
    op.drop_table("tag_error")
    op.drop_table("tag_sighting")
    op.drop_table("pinned_tag")
