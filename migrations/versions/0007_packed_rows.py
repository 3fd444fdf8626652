"""Let states be packed: their column takes bytes, as that of payloads does already. Rows stay readable as they are.

The way back unpacks all rows, for what runs on the older tables reads plain JSON only.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from consent_server.packing import unpack

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

PAGE = 1_000


def upgrade() -> None:
    _retype(sa.Text(), sa.LargeBinary(), "convert_to(state, 'UTF8')")


def downgrade() -> None:
    _unpack("consent_record", ("site_id", "holder_kind", "holder"), "state")
    _retype(sa.LargeBinary(), sa.Text(), "convert_from(state, 'UTF8')")
    if op.get_bind().dialect.name == "sqlite":
        query = "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = 'keep_receipt_update'"
        trigger = op.get_bind().exec_driver_sql(query).scalar_one()
        off, on = "DROP TRIGGER keep_receipt_update", trigger
    else:
        off, on = (
            f"ALTER TABLE receipt {word} TRIGGER keep_receipt_update" for word in ("DISABLE", "ENABLE")
        )
    op.get_bind().exec_driver_sql(off)
    _unpack("receipt", ("site_id", "epoch", "idx"), "payload")
    op.get_bind().exec_driver_sql(on)


def _retype(was: sa.types.TypeEngine, to: sa.types.TypeEngine, using: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        # It makes the table anew, and forgets checks that are not named here.
        checks = (
            sa.CheckConstraint("flag in ('ask', 'tell')", name=op.f("ck_consent_record_flag")),
            sa.CheckConstraint(
                "holder_kind in ('visitor', 'subject')", name=op.f("ck_consent_record_holder_kind")
            ),
        )
        with op.batch_alter_table("consent_record", table_args=checks) as batch:
            batch.alter_column("state", type_=to, existing_type=was, existing_nullable=False)
    else:
        op.alter_column("consent_record", "state", type_=to, existing_type=was, postgresql_using=using)


def _unpack(name: str, key: Sequence[str], column: str) -> None:
    """Put the text back where it is packed, a page of rows at a time in the order of the key."""
    columns = [sa.column(each) for each in key]
    value = sa.column(column, sa.LargeBinary)
    table = sa.table(name, *columns, value)
    connection, after = op.get_bind(), None
    while True:
        query = sa.select(*columns, value).order_by(*columns).limit(PAGE)
        if after is not None:
            query = query.where(sa.tuple_(*columns) > sa.tuple_(*after))
        rows = connection.execute(query).all()
        for *place, stored in rows:
            if stored is not None and not stored.startswith(b"{"):
                row_is = [each == part for each, part in zip(columns, place, strict=True)]
                connection.execute(sa.update(table).where(*row_is).values({column: unpack(stored)}))
        if len(rows) < PAGE:
            return
        after = rows[-1][: len(key)]
