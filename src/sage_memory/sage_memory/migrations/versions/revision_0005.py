"""Schema 5: the runs of sleep, and what names one, are called so; no row changes."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Rename the table, the column and its index."""
    op.rename_table("nights", "consolidation_runs")
    op.drop_index("forgettings_by_night", "forgettings")
    op.execute("ALTER TABLE forgettings RENAME COLUMN night_id TO run_id")
    op.create_index("forgettings_by_run", "forgettings", ["run_id"])
    op.execute("UPDATE meta SET value = '5' WHERE key = 'schema_version'")
