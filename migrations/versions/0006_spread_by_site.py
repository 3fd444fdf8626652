"""Let a distributed database spread the logs by site: names of logs in a table of their own, one width of site ids.

A constraint over all logs cannot hold where each site's log stands on another node. Site ids are four bytes wide in every
table that is spread by them; a distributed database keeps only columns of one type together.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "log_name",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("origin", sa.String(200), nullable=False),
        sa.Column("site_id", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_log_name")),
        sa.UniqueConstraint("origin", name=op.f("uq_log_name_origin")),
    )
    op.execute(
        "INSERT INTO log_name (name, origin, site_id, epoch) SELECT name, origin, site_id, epoch FROM log"
    )
    with op.batch_alter_table("log") as batch:
        batch.drop_constraint("uq_log_name", type_="unique")
        batch.drop_constraint("uq_log_origin", type_="unique")
    _site_ids(sa.Integer(), sa.BigInteger())


def downgrade() -> None:
    _site_ids(sa.BigInteger(), sa.Integer())
    with op.batch_alter_table("log") as batch:
        batch.create_unique_constraint(op.f("uq_log_name"), ["name"])
        batch.create_unique_constraint(op.f("uq_log_origin"), ["origin"])
    op.drop_table("log_name")


def _site_ids(to: sa.types.TypeEngine, was: sa.types.TypeEngine) -> None:
    """Change the width of the two tables' site ids; SQLite's integers have none."""
    if op.get_bind().dialect.name == "postgresql":
        for table in ("log", "banner_build"):
            op.alter_column(table, "site_id", type_=to, existing_type=was)
