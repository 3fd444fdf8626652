"""Alembic's entry: runs the scripts on the engine that `consent_server.migrate` hands over."""

from alembic import context

from consent_server.db import Base
from consent_server.models import __all__ as _all_models  # noqa: F401 - fills the metadata

engine = context.config.attributes["engine"]
with engine.connect() as connection:
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
