"""Give API keys scopes and an end. Keys that are there keep what they could do: all scopes, until they are revoked."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ALL = '["decisions:write","consents:read","receipts:read","reconsent:read"]'


def upgrade() -> None:
    op.add_column("api_key", sa.Column("scopes", sa.Text(), server_default="[]", nullable=False))
    op.add_column("api_key", sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
    api_key = sa.table("api_key", sa.column("scopes", sa.Text()))
    op.execute(api_key.update().values(scopes=ALL))


def downgrade() -> None:
    op.drop_column("api_key", "expires_at")
    op.drop_column("api_key", "scopes")
