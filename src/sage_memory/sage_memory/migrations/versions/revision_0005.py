"""Schema 5: the runs of sleep, and what names one, are called so; no row changes."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"

COMMENTS = (
    ("consolidation_runs", "state", "one of RUN_STATES"),
    ("forgettings", "what", "one of EVICTABLE"),
    ("experiences", "codes", "puzzle, 900 bytes, zlib; empty: evicted"),
    ("experiences", "pinned", "1: never consolidated, never evicted"),
    ("payloads", "pinned", "1: never evicted"),
)


def upgrade() -> None:
    """Rename the table, the column and its index; SQLite keeps no comments."""
    op.rename_table("nights", "consolidation_runs")
    op.drop_index("forgettings_by_night", "forgettings")
    op.execute("ALTER TABLE forgettings RENAME COLUMN night_id TO run_id")
    op.create_index("forgettings_by_run", "forgettings", ["run_id"])
    if op.get_bind().dialect.name == "postgresql":
        for table, column, comment in COMMENTS:
            op.alter_column(table, column, comment=comment)
    op.execute("UPDATE meta SET value = '5' WHERE key = 'schema_version'")
