"""Tables of campaigns: letters about a version to known users, and who wants none."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None
STATES = "'waiting', 'sending', 'sent', 'bounced', 'failed', 'needless', 'refused', 'stopped'"
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "campaign",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("site_id", ROW_ID, nullable=False),
        sa.Column("version", sa.String(16), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("named", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.String(254), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("state in ('sending', 'done', 'stopped')", name=op.f("ck_campaign_state")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_campaign_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign")),
    )
    op.create_index(op.f("ix_campaign_site_id"), "campaign", ["site_id"])
    op.create_table(
        "campaign_letter",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("campaign_id", ROW_ID, nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(128), nullable=False),
        sa.Column("sealed", sa.LargeBinary()),
        sa.Column("language", sa.String(35), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(f"state in ({STATES})", name=op.f("ck_campaign_letter_state")),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_campaign_letter_campaign_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_letter")),
        sa.UniqueConstraint("campaign_id", "subject", name=op.f("uq_campaign_letter_campaign_id_subject")),
    )
    op.create_index(
        op.f("ix_campaign_letter_campaign_id_state_due_at"),
        "campaign_letter",
        ["campaign_id", "state", "due_at"],
    )
    op.create_index(op.f("ix_campaign_letter_site_id_subject"), "campaign_letter", ["site_id", "subject"])
    op.create_table(
        "mail_refusal",
        sa.Column("site_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("subject", sa.String(128), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_mail_refusal_site_id")),
        sa.PrimaryKeyConstraint("site_id", "subject", name=op.f("pk_mail_refusal")),
    )


def downgrade() -> None:
    op.drop_table("mail_refusal")
    op.drop_table("campaign_letter")
    op.drop_table("campaign")
