"""Schema 7: places that are known by name."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the table; no row changes."""
    op.create_table(
        "places",
        sa.Column(
            "name", sa.String(64), primary_key=True, comment="as people say it, small letters"
        ),
        sa.Column("frame", sa.String(128), nullable=False),
        sa.Column("x", sa.Float, nullable=False, comment="of the centre [m]"),
        sa.Column("y", sa.Float, nullable=False),
        sa.Column("z", sa.Float, nullable=False),
        sa.Column("radius_m", sa.Float, nullable=False, comment="of the area"),
        sa.Column("namings", sa.BigInteger, nullable=False),
        sa.Column("last_ns", sa.BigInteger, nullable=False, comment="when it was named last"),
    )
    op.execute("UPDATE meta SET value = '7' WHERE key = 'schema_version'")
