"""Make the tables of reviews, comments and mentions; a site says whether a second person approves what it publishes.

What is said and decided about a version stays with it: the database refuses to change it once the version is published.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
KEPT = "a published version never changes; publish a correction as a new version"
PUBLISHED = "(SELECT state FROM policy_version WHERE id = {row}.version_id) = 'published'"
TABLES = ("review", "comment")


def upgrade() -> None:
    op.create_table(
        "review",
        sa.Column("version_id", ID, autoincrement=False, nullable=False),
        sa.Column("stage", sa.String(12), nullable=False),
        sa.Column("requested_by", sa.String(254), nullable=False),
        sa.Column("requested_at", INSTANT, nullable=False),
        sa.Column("reviewer_id", ID, nullable=True),
        sa.Column("four_eyes", sa.Boolean(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(32), nullable=True),
        sa.Column("approved_by", sa.String(254), nullable=True),
        sa.Column("approved_at", INSTANT, nullable=True),
        sa.Column("publish_at", INSTANT, nullable=True),
        sa.Column("zone", sa.String(64), nullable=True),
        sa.Column("notice_days", sa.Integer(), nullable=False),
        sa.Column("scheduled_by", sa.String(254), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "stage in ('draft', 'in_review', 'approved', 'scheduled')", name=op.f("ck_review_stage")
        ),
        sa.CheckConstraint(
            "(stage in ('approved', 'scheduled')) = (approved_by is not null)",
            name=op.f("ck_review_approved"),
        ),
        sa.CheckConstraint(
            "(approved_by is null) = (fingerprint is null)", name=op.f("ck_review_fingerprint")
        ),
        sa.CheckConstraint(
            "(stage = 'scheduled') = (publish_at is not null)", name=op.f("ck_review_scheduled")
        ),
        sa.CheckConstraint(
            "not four_eyes or approved_by is null or approved_by <> requested_by",
            name=op.f("ck_review_four_eyes"),
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["policy_version.id"], name=op.f("fk_review_version_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["reviewer_id"], ["account.id"], name=op.f("fk_review_reviewer_id")),
        sa.PrimaryKeyConstraint("version_id", name=op.f("pk_review")),
    )
    op.create_table(
        "comment",
        sa.Column("id", ID, nullable=False),
        sa.Column("version_id", ID, nullable=False),
        sa.Column("language", sa.String(35), nullable=False),
        sa.Column("quote", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("author", sa.String(254), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("resolved_by", sa.String(254), nullable=True),
        sa.Column("resolved_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["version_id"], ["policy_version.id"], name=op.f("fk_comment_version_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comment")),
    )
    op.create_index(op.f("ix_comment_version_id"), "comment", ["version_id"])
    op.create_table(
        "mention",
        sa.Column("id", ID, nullable=False),
        sa.Column("comment_id", ID, nullable=False),
        sa.Column("account_id", ID, nullable=False),
        sa.Column("seen_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(
            ["comment_id"], ["comment.id"], name=op.f("fk_mention_comment_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_mention_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mention")),
        sa.UniqueConstraint("comment_id", "account_id", name=op.f("uq_mention_comment_id_account_id")),
    )
    op.create_index(op.f("ix_mention_account_id"), "mention", ["account_id"])
    op.add_column("site", sa.Column("four_eyes", sa.Boolean(), nullable=True))
    for table in TABLES:
        for event in ("INSERT", "UPDATE", "DELETE"):
            _keep(table, event)


def _keep(table: str, event: str) -> None:
    name = f"keep_{table}_{event.lower()}"
    if op.get_bind().dialect.name == "sqlite":
        row = "NEW" if event == "INSERT" else "OLD"
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {event} ON {table} WHEN {PUBLISHED.format(row=row)} "
            f"BEGIN SELECT RAISE(ABORT, '{KEPT}'); END"
        )
        return
    row, answer = ("NEW", "NEW") if event == "INSERT" else ("OLD", "OLD" if event == "DELETE" else "NEW")
    op.execute(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {PUBLISHED.format(row=row)} THEN "
        f"RAISE EXCEPTION '{KEPT}' USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN {answer}; END $$"
    )
    op.execute(f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()")


def downgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    for table in TABLES:
        for event in ("insert", "update", "delete"):
            op.execute(f"DROP TRIGGER keep_{table}_{event}" + ("" if sqlite else f" ON {table}"))
            if not sqlite:
                op.execute(f"DROP FUNCTION keep_{table}_{event}()")
    op.drop_column("site", "four_eyes")
    op.drop_index(op.f("ix_mention_account_id"), "mention")
    op.drop_table("mention")
    op.drop_index(op.f("ix_comment_version_id"), "comment")
    op.drop_table("comment")
    op.drop_table("review")
