"""Schema 6: what was recognised in a moment, and the names of each model's classes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make both tables; no row changes."""
    op.create_table(
        "vocabularies",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column(
            "model_id", sa.String(128), nullable=False, unique=True, comment="model and version"
        ),
        sa.Column(
            "names",
            sa.LargeBinary,
            nullable=False,
            comment="of its classes in order: JSON, zlib",
        ),
        sa.Column("crc32", sa.BigInteger, nullable=False, comment="of model and names"),
    )
    op.create_table(
        "labels",
        sa.Column("number", ROW_NUMBER, primary_key=True),
        sa.Column(
            "experience_id", sa.LargeBinary(16), sa.ForeignKey("experiences.id"), nullable=False
        ),
        sa.Column("vocabulary", sa.Integer, sa.ForeignKey("vocabularies.number"), nullable=False),
        sa.Column(
            "crc32", sa.BigInteger, nullable=False, comment="of experience, model and labels"
        ),
        sa.Column(
            "labels",
            sa.LargeBinary,
            nullable=False,
            comment="what was recognised, best first",
        ),
    )
    op.create_index("labels_by_experience", "labels", ["experience_id", "vocabulary"], unique=True)
    op.create_index("labels_by_vocabulary", "labels", ["vocabulary", "number", "crc32"])
    op.execute("UPDATE meta SET value = '6' WHERE key = 'schema_version'")
