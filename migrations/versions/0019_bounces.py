"""Letters of unknown fate and letters that come back; addresses that take none, and those that a site's server gives."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None
BEFORE = "'waiting', 'sending', 'sent', 'bounced', 'failed', 'needless', 'refused', 'stopped'"
STATES = (
    "'waiting', 'sending', 'unknown', 'sent', 'bounced', 'returned', 'failed', 'needless', 'refused', "
    "'barred', 'stopped'"
)
NAME = "ck_campaign_letter_state"
INDEXES = (("campaign_id", "state", "due_at"), ("site_id", "subject"))
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("site", sa.Column("popups", sa.Text(), nullable=False, server_default="[]"))
    op.add_column("campaign", sa.Column("popup", sa.Boolean(), nullable=False, server_default=sa.false()))
    _allow(STATES)
    op.add_column("campaign_letter", sa.Column("digest", sa.LargeBinary(32)))
    op.add_column("campaign_letter", sa.Column("status", sa.String(11)))
    op.create_table(
        "mail_bounce",
        sa.Column("site_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("subject", sa.String(128), nullable=False),
        sa.Column("status", sa.String(11), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_mail_bounce_site_id")),
        sa.PrimaryKeyConstraint("site_id", "digest", name=op.f("pk_mail_bounce")),
    )
    op.create_index(op.f("ix_mail_bounce_site_id_subject"), "mail_bounce", ["site_id", "subject"])
    op.create_table(
        "subject_mail",
        sa.Column("site_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("subject", sa.String(128), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("language", sa.String(35), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_subject_mail_site_id")),
        sa.PrimaryKeyConstraint("site_id", "subject", name=op.f("pk_subject_mail")),
    )


def downgrade() -> None:
    op.drop_table("subject_mail")
    op.drop_table("mail_bounce")
    # What cannot be said any more: of unknown fate and barred are letters that were not known to be sent.
    op.execute("UPDATE campaign_letter SET state = 'bounced' WHERE state = 'returned'")
    op.execute(
        "UPDATE campaign_letter SET state = 'failed', sealed = NULL WHERE state IN ('unknown', 'barred')"
    )
    op.drop_column("campaign_letter", "status")
    op.drop_column("campaign_letter", "digest")
    _allow(BEFORE)
    op.drop_column("campaign", "popup")
    op.drop_column("site", "popups")


def _allow(states: str) -> None:
    """Change which states a letter may have; SQLite cannot change a check, so there the table is made anew."""
    rule = f"state in ({states})"
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint(op.f(NAME), "campaign_letter", type_="check")
        op.create_check_constraint(op.f(NAME), "campaign_letter", rule)
        return
    for index in INDEXES:
        op.drop_index(op.f(f"ix_campaign_letter_{'_'.join(index)}"), "campaign_letter")
    op.rename_table("campaign_letter", "campaign_letter_before")
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
        sa.CheckConstraint(rule, name=op.f(NAME)),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_campaign_letter_campaign_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_letter")),
        sa.UniqueConstraint("campaign_id", "subject", name=op.f("uq_campaign_letter_campaign_id_subject")),
    )
    columns = "id, campaign_id, site_id, subject, sealed, language, state, attempts, due_at, sent_at"
    copy = "INSERT INTO campaign_letter ({0}) SELECT {0} FROM campaign_letter_before"
    op.execute(copy.format(columns))
    op.drop_table("campaign_letter_before")
    for index in INDEXES:
        op.create_index(op.f(f"ix_campaign_letter_{'_'.join(index)}"), "campaign_letter", list(index))
