"""Keep what was written, with its placeholders, beside a published text that holds the words of the site's profile."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("notice", sa.Column("template", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("notice", "template")
