"""Steps from every released schema to the present one."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from sqlalchemy.engine import Connection


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Bring the store behind `connection` up to `revision`, in the caller's transaction."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "sage_memory:migrations")
    command.upgrade(config, revision)
