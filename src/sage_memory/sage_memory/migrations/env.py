"""Runs the revisions on the connection of whoever upgrades, within its transaction."""

from __future__ import annotations

from alembic import context

from sage_memory.core.engine import schema

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=schema.metadata,
    transactional_ddl=False,  # the caller began, and the caller commits
)
context.run_migrations()
