"""Make the table of saved texts: the history of a draft. Drafts that are open begin theirs with what they say now."""

import zlib
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
# Whoever saved the draft last by the audit log; an import by a command where that says nothing.
STANDING = """
    SELECT notice.version_id, notice.language, notice.format, notice.source, notice.sha256,
        policy_version.updated_at AS at, coalesce((
            SELECT actor FROM audit_event WHERE target = 'policy-version:' || policy_version.id
                AND action = 'policies.save_notice' ORDER BY audit_event.id DESC LIMIT 1), 'command') AS actor
    FROM notice JOIN policy_version ON policy_version.id = notice.version_id WHERE policy_version.state = 'draft'
"""


def upgrade() -> None:
    saved = op.create_table(
        "saved_text",
        sa.Column("id", ID, nullable=False),
        sa.Column("version_id", ID, nullable=False),
        sa.Column("language", sa.String(35), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("format", sa.String(12), nullable=False),
        sa.Column("source", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("saved_by", sa.String(254), nullable=False),
        sa.Column("begun_at", INSTANT, nullable=False),
        sa.Column("saved_at", INSTANT, nullable=False),
        sa.Column("brought_from", sa.Integer(), nullable=True),
        sa.CheckConstraint("format in ('markdown', 'plain')", name=op.f("ck_saved_text_format")),
        sa.CheckConstraint(
            "kind in ('opened', 'saved', 'autosaved', 'brought_back')", name=op.f("ck_saved_text_kind")
        ),
        sa.CheckConstraint(
            "(kind = 'brought_back') = (brought_from is not null)", name=op.f("ck_saved_text_brought_from")
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["policy_version.id"], name=op.f("fk_saved_text_version_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_text")),
        sa.UniqueConstraint(
            "version_id", "language", "number", name=op.f("uq_saved_text_version_id_language_number")
        ),
    )
    connection = op.get_bind()
    at = sa.text(STANDING).columns(at=INSTANT)
    op.bulk_insert(saved, [_begun(row) for row in connection.execute(at).mappings()])


def _begun(row: Any) -> dict[str, Any]:
    kept = {name: row[name] for name in ("version_id", "language", "format", "sha256")}
    text = {"source": zlib.compress(row["source"].encode()), "number": 1, "kind": "opened"}
    return kept | text | {"saved_by": row["actor"], "begun_at": row["at"], "saved_at": row["at"]}


def downgrade() -> None:
    op.drop_table("saved_text")
