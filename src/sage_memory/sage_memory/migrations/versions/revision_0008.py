"""Schema 8: words that were taught with a few examples."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the table; no row changes."""
    op.create_table(
        "taught_words",
        sa.Column("word", sa.String(64), primary_key=True, comment="small letters, single spaces"),
        sa.Column(
            "kind", sa.String(16), primary_key=True, comment="picture or sound: what shows it"
        ),
        sa.Column("features_by", sa.String(128), nullable=False, comment="model and version"),
        sa.Column(
            "examples", sa.LargeBinary, nullable=False, comment="their features; see examples"
        ),
        sa.Column(
            "looked_at", sa.BigInteger, nullable=False, comment="number of the last experience"
        ),
        sa.Column("taught_ns", sa.BigInteger, nullable=False, comment="when it was taught last"),
        sa.Column(
            "crc32", sa.BigInteger, nullable=False, comment="of word, kind, features_by, examples"
        ),
    )
    op.execute("UPDATE meta SET value = '8' WHERE key = 'schema_version'")
