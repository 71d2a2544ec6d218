"""Tables of the store.

Immutable columns are written once. Mutable ones are `MUTABLE_FIELDS`: each change of one sets
its row in `clocks` within the same transaction. The row with field `WHOLE` is the clock of the
insertion and stands for every field without a row of its own.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    insert,
)
from sqlalchemy.engine import Connection

SCHEMA_VERSION = 1
REVISION = "0001"
"""Revision that Alembic finds stamped in a store of this version."""
WHOLE = "*"
MUTABLE_FIELDS = ("text", "place", "reward", "forgotten")
ROLE_PERCEPT = "percept"
ROLE_WORDS = "words"

metadata = MetaData()
ROW_NUMBER = BigInteger().with_variant(Integer, "sqlite")

experiences = Table(
    "experiences",
    metadata,
    Column("number", ROW_NUMBER, primary_key=True, comment="order of commitment on this device"),
    Column("id", LargeBinary(16), nullable=False, unique=True, comment="UUIDv7"),
    Column("device_id", String(64), nullable=False),
    Column("start_ns", BigInteger, nullable=False),
    Column("end_ns", BigInteger, nullable=False),
    Column("modality", String(64), nullable=False),
    Column("source", String(128), nullable=False),
    Column("codes", LargeBinary, nullable=False, comment="puzzle, 900 bytes, zlib"),
    Column("encoder_id", String(128), nullable=False, comment="encoder that made the puzzle"),
    Column("surprise", Float, nullable=False),
    Column("novelty", Float, nullable=False),
    Column("arousal", Float, nullable=False),
    Column("reward", Float, nullable=False),
    Column("conflict", Float, nullable=False),
    Column("total", Float, nullable=False),
    Column("reason", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("place_frame", String(128)),
    Column("place_x", Float),
    Column("place_y", Float),
    Column("place_z", Float),
    Column("place_orientation", LargeBinary, comment="quaternion x, y, z, w: float64[4]"),
    Column("place_covariance", LargeBinary, comment="row-major 6x6: float64[36]"),
    Column("payload_sha256", String(64), nullable=False, comment="empty: none was kept"),
    Column("payload_media_type", String(64), nullable=False),
    Column("schema_version", Integer, nullable=False),
    Column("forgotten_ns", BigInteger, comment="tombstone: when it was forgotten; null: it is not"),
    Column("forgotten_reason", Text),
)
Index(
    "experiences_forgotten",
    experiences.c.forgotten_ns,
    sqlite_where=experiences.c.forgotten_ns.is_not(None),
    postgresql_where=experiences.c.forgotten_ns.is_not(None),
)

vectors = Table(
    "vectors",
    metadata,
    Column("number", ROW_NUMBER, primary_key=True),
    Column("experience_id", LargeBinary(16), ForeignKey("experiences.id"), nullable=False),
    Column("encoder_id", String(128), nullable=False, comment="model and version"),
    Column("role", String(16), nullable=False, comment="percept, or words heard around it"),
    Column("dim", Integer, nullable=False),
    Column("crc32", BigInteger, nullable=False, comment="CRC-32 of vector"),
    Column("vector", LargeBinary, nullable=False, comment="float32[dim], unit length"),
    Index("vectors_by_experience", "experience_id", "encoder_id", "role", unique=True),
)

clocks = Table(
    "clocks",
    metadata,
    Column("experience_id", LargeBinary(16), primary_key=True),
    Column("field", String(32), primary_key=True),
    Column("stamp", BigInteger, nullable=False, comment="hybrid logical clock"),
    Column("device_id", String(64), nullable=False, comment="breaks ties"),
    sqlite_with_rowid=False,
)

payloads = Table(
    "payloads",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("bytes", BigInteger, nullable=False),
    Column("media_type", String(64), nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Column("last_used_ns", BigInteger, nullable=False),
    Column("pinned", Integer, nullable=False, default=0, comment="1: never let go"),
    Index("payloads_by_use", "pinned", "last_used_ns"),
)

meta = Table(
    "meta",
    metadata,
    Column("key", String(32), primary_key=True),
    Column("value", Text, nullable=False),
)

alembic_version = Table(
    "alembic_version", metadata, Column("version_num", String(32), primary_key=True)
)


def create(connection: Connection, device_id: str, now_ns: int) -> None:
    """Make the tables of an empty database and stamp its version, in the caller's transaction."""
    metadata.create_all(connection)
    facts = {
        "schema_version": str(SCHEMA_VERSION),
        "device_id": device_id,
        "created_ns": str(now_ns),
        "clock": "0",
    }
    connection.execute(insert(meta), [{"key": k, "value": v} for k, v in facts.items()])
    connection.execute(insert(alembic_version), [{"version_num": REVISION}])
