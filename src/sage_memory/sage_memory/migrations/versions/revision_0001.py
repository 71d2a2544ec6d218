"""Schema 1, as first released: experiences, their vectors, clocks and payloads."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables of an empty database."""
    _create_experiences()
    op.create_table(
        "vectors",
        sa.Column("number", ROW_NUMBER, primary_key=True),
        sa.Column(
            "experience_id", sa.LargeBinary(16), sa.ForeignKey("experiences.id"), nullable=False
        ),
        sa.Column("encoder_id", sa.String(128), nullable=False, comment="model and version"),
        sa.Column(
            "role", sa.String(16), nullable=False, comment="percept, or words heard around it"
        ),
        sa.Column("dim", sa.Integer, nullable=False),
        sa.Column("crc32", sa.BigInteger, nullable=False, comment="CRC-32 of vector"),
        sa.Column("vector", sa.LargeBinary, nullable=False, comment="float32[dim], unit length"),
    )
    op.create_index(
        "vectors_by_experience", "vectors", ["experience_id", "encoder_id", "role"], unique=True
    )
    op.create_table(
        "clocks",
        sa.Column("experience_id", sa.LargeBinary(16), primary_key=True),
        sa.Column("field", sa.String(32), primary_key=True),
        sa.Column("stamp", sa.BigInteger, nullable=False, comment="hybrid logical clock"),
        sa.Column("device_id", sa.String(64), nullable=False, comment="breaks ties"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "payloads",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("media_type", sa.String(64), nullable=False),
        sa.Column("created_ns", sa.BigInteger, nullable=False),
        sa.Column("last_used_ns", sa.BigInteger, nullable=False),
        sa.Column("pinned", sa.Integer, nullable=False, comment="1: never let go"),
    )
    op.create_index("payloads_by_use", "payloads", ["pinned", "last_used_ns"])
    op.create_table(
        "meta",
        sa.Column("key", sa.String(32), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )


def _create_experiences() -> None:
    op.create_table(
        "experiences",
        sa.Column(
            "number", ROW_NUMBER, primary_key=True, comment="order of commitment on this device"
        ),
        sa.Column("id", sa.LargeBinary(16), nullable=False, unique=True, comment="UUIDv7"),
        sa.Column("device_id", sa.String(64), nullable=False),
        sa.Column("start_ns", sa.BigInteger, nullable=False),
        sa.Column("end_ns", sa.BigInteger, nullable=False),
        sa.Column("modality", sa.String(64), nullable=False),
        sa.Column("source", sa.String(128), nullable=False),
        sa.Column("codes", sa.LargeBinary, nullable=False, comment="puzzle, 900 bytes, zlib"),
        sa.Column(
            "encoder_id", sa.String(128), nullable=False, comment="encoder that made the puzzle"
        ),
        sa.Column("surprise", sa.Float, nullable=False),
        sa.Column("novelty", sa.Float, nullable=False),
        sa.Column("arousal", sa.Float, nullable=False),
        sa.Column("reward", sa.Float, nullable=False),
        sa.Column("conflict", sa.Float, nullable=False),
        sa.Column("total", sa.Float, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("place_frame", sa.String(128)),
        sa.Column("place_x", sa.Float),
        sa.Column("place_y", sa.Float),
        sa.Column("place_z", sa.Float),
        sa.Column("place_orientation", sa.LargeBinary, comment="quaternion x, y, z, w: float64[4]"),
        sa.Column("place_covariance", sa.LargeBinary, comment="row-major 6x6: float64[36]"),
        sa.Column("payload_sha256", sa.String(64), nullable=False, comment="empty: none was kept"),
        sa.Column("payload_media_type", sa.String(64), nullable=False),
        sa.Column("schema_version", sa.Integer, nullable=False),
        sa.Column(
            "forgotten_ns",
            sa.BigInteger,
            comment="tombstone: when it was forgotten; null: it is not",
        ),
        sa.Column("forgotten_reason", sa.Text),
    )
    forgotten = sa.text("forgotten_ns IS NOT NULL")
    op.create_index(
        "experiences_forgotten",
        "experiences",
        ["forgotten_ns"],
        sqlite_where=forgotten,
        postgresql_where=forgotten,
    )
