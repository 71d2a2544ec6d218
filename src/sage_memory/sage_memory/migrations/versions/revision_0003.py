"""Schema 3: the index of checksums is in the order of the rows, so that it grows at its end."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Replace the index; no row changes."""
    op.drop_index("vectors_by_encoder", "vectors")
    op.create_index("vectors_by_encoder", "vectors", ["encoder_id", "number", "crc32"])
    op.execute("UPDATE meta SET value = '3' WHERE key = 'schema_version'")
