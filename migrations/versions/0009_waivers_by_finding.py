"""Give each waiver the finding that it was given for; those for a whole language stay as history and let nothing pass."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The columns are added alone: no row of a published version is written, so its triggers are content.
    op.add_column("waiver", sa.Column("fingerprint", sa.String(16), nullable=True))
    op.add_column("waiver", sa.Column("finding", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("waiver", "finding")
    op.drop_column("waiver", "fingerprint")
