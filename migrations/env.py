"""Alembic's entry: runs the scripts on the engine that `consent_server.migrate` hands over."""

from alembic import context
from sqlalchemy import event

from consent_server.db import Base
from consent_server.distribution import allow_triggers
from consent_server.models import __all__ as _all_models  # noqa: F401 - fills the metadata

engine = context.config.attributes["engine"]
with engine.connect() as connection:
    if connection.dialect.name == "postgresql":
        # Each script runs in a transaction of its own; a PostgreSQL without Citus takes the settings as mere names.
        event.listen(connection, "begin", allow_triggers)
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        compare_type=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
