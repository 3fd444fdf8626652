"""What a receipt takes on disk: every table and index of the product, before and after receipts were stored."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.engine import Engine

from consent_server.bench.baseline import rows

# All forks of tables, indexes and out-of-line storage, these under the name of the table that they belong to.
_POSTGRESQL = text(
    "select coalesce(owner.relname || ' (out of line)', place.relname) as name, "
    "pg_relation_size(place.oid) + pg_relation_size(place.oid, 'fsm') + pg_relation_size(place.oid, 'vm') as bytes "
    "from pg_class place "
    "left join pg_index item on item.indexrelid = place.oid "
    "left join pg_class owner on owner.reltoastrelid in (place.oid, item.indrelid) "
    "where place.relkind in ('r', 'i', 't') "
    "and coalesce(owner.relnamespace, place.relnamespace) = 'public'::regnamespace"
)
_SQLITE = text("select name, sum(pgsize) as bytes from dbstat group by name")


@dataclass(frozen=True)
class Storage:
    """Bytes a receipt by table or index, largest first. `receipts` is over how many this was counted."""

    engine: str
    receipts: int
    parts: dict[str, float]

    @property
    def bytes_a_receipt(self) -> float:
        """Everything counted."""
        return sum(self.parts.values())


def sizes(database: Engine) -> dict[str, int]:
    """Return the bytes of every table and index but the baseline's; on PostgreSQL after a VACUUM."""
    postgresql = database.dialect.name == "postgresql"
    with database.connect() as connection:
        if postgresql:
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.execute(text("vacuum analyze"))
        found: dict[str, int] = {}
        for name, count in connection.execute(_POSTGRESQL if postgresql else _SQLITE):
            found[name] = found.get(name, 0) + int(count)
    return {name: count for name, count in found.items() if rows.name not in name}


def storage(engine: str, before: Mapping[str, int], after: Mapping[str, int], receipts: int) -> Storage:
    """Return what each of `receipts` new receipts added to each table and index."""
    grown = {name: (count - before.get(name, 0)) / receipts for name, count in after.items()}
    ordered = sorted(grown.items(), key=lambda each: -each[1])
    return Storage(engine, receipts, {name: count for name, count in ordered if count})
