"""Alembic's environment: runs on the connection that `tieline.db.migrate` hands in, as the owning role."""

from __future__ import annotations

from alembic import context

from tieline.db.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection, target_metadata=metadata, compare_type=True, compare_server_default=False
)
with context.begin_transaction():
    context.run_migrations()
