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
    text,
)
from sqlalchemy.engine import Connection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import ColumnElement

SCHEMA_VERSION = 8
REVISION = "0008"
"""Revision that Alembic finds stamped in a store of this version."""
WHOLE = "*"
MUTABLE_FIELDS = (
    "text", "place", "reward", "entity", "pinned", "codes", "vectors", "labels", "payload",
    "forgotten",
)  # fmt: skip
ROLE_PERCEPT = "percept"
ROLE_WORDS = "words"
ENCODING_FLOAT32 = "f32"
ENCODING_INT8 = "i8"
EVICTABLE = ("payload", "text", "codes", "vectors", "everything")
"""What a forgetting can be about, the cheapest to lose first."""
FORMER_NAMES = {"consolidation_runs": "nights", "run_id": "night_id"}
"""Tables and columns, and their names before schema 5."""
PRESENT_NAMES = {former: present for present, former in FORMER_NAMES.items()}
RUN_STATES = ("running", "done", "rolled back", "undone")


class NoBytes(ColumnElement[bytes]):
    """A blob of length 0 as a column's default; '' would be text on SQLite."""

    inherit_cache = True


@compiles(NoBytes, "sqlite")
def _no_bytes_sqlite(_element: NoBytes, _compiler: object, **_options: object) -> str:
    return "x''"


@compiles(NoBytes, "postgresql")
def _no_bytes_postgresql(_element: NoBytes, _compiler: object, **_options: object) -> str:
    return r"'\x'::bytea"


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
    Column(
        "entity",
        String(128),
        nullable=False,
        server_default=text("''"),
        comment="who or what it is about or from: a speaker, a person, an object",
    ),
    Column("codes", LargeBinary, nullable=False, comment="puzzle, 900 bytes, zlib; empty: evicted"),
    Column(
        "sketch",
        LargeBinary(36),
        nullable=False,
        server_default=NoBytes(),
        comment="sums of the puzzle's 5x5 blocks, uint8[6, 6]",
    ),
    Column("encoder_id", String(128), nullable=False, comment="encoder that made the puzzle"),
    Column("surprise", Float, nullable=False),
    Column("novelty", Float, nullable=False),
    Column("arousal", Float, nullable=False),
    Column("reward", Float, nullable=False),
    Column("conflict", Float, nullable=False),
    Column("total", Float, nullable=False),
    Column("reason", Text, nullable=False),
    Column("context", Text, comment="JSON: modality -> five dimensions, of all when it was kept"),
    Column("text", Text, nullable=False),
    Column("place_frame", String(128)),
    Column("place_x", Float),
    Column("place_y", Float),
    Column("place_z", Float),
    Column("place_orientation", LargeBinary, comment="quaternion x, y, z, w: float64[4]"),
    Column("place_covariance", LargeBinary, comment="row-major 6x6: float64[36]"),
    Column("payload_sha256", String(64), nullable=False, comment="empty: none was kept"),
    Column("payload_media_type", String(64), nullable=False),
    Column(
        "covers",
        Integer,
        nullable=False,
        server_default="0",
        comment="moments that this summary stands for; 0: it is a moment itself",
    ),
    Column(
        "pinned",
        Integer,
        nullable=False,
        server_default="0",
        comment="1: never consolidated, never evicted",
    ),
    Column("schema_version", Integer, nullable=False),
    Column("forgotten_ns", BigInteger, comment="tombstone: when it was forgotten; null: it is not"),
    Column("forgotten_reason", Text),
    Column(
        "crc32",
        BigInteger,
        nullable=False,
        server_default="0",
        comment="checksum of the row's other columns; see checksums",
    ),
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
    Column(
        "encoding",
        String(4),
        nullable=False,
        server_default=ENCODING_FLOAT32,
        comment="f32: float32[dim] of unit length; i8: float32 scale, int8[dim]",
    ),
    Column("crc32", BigInteger, nullable=False, comment="CRC-32 of vector"),
    Column("vector", LargeBinary, nullable=False),
    Index("vectors_by_experience", "experience_id", "encoder_id", "role", unique=True),
    # what a cache is checked against; by number, so that a new row touches no old page of it
    Index("vectors_by_encoder", "encoder_id", "number", "crc32"),
)

vocabularies = Table(
    "vocabularies",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("model_id", String(128), nullable=False, unique=True, comment="model and version"),
    Column("names", LargeBinary, nullable=False, comment="of its classes in order: JSON, zlib"),
    Column("crc32", BigInteger, nullable=False, comment="of model and names"),
)

labels = Table(
    "labels",
    metadata,
    Column("number", ROW_NUMBER, primary_key=True),
    Column("experience_id", LargeBinary(16), ForeignKey("experiences.id"), nullable=False),
    Column("vocabulary", Integer, ForeignKey("vocabularies.number"), nullable=False),
    Column("crc32", BigInteger, nullable=False, comment="of experience, model and labels"),
    Column("labels", LargeBinary, nullable=False, comment="what was recognised, best first"),
    Index("labels_by_experience", "experience_id", "vocabulary", unique=True),
    # what the index is checked against; by number, so that a new row touches no old page of it
    Index("labels_by_vocabulary", "vocabulary", "number", "crc32"),
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
Index(  # what changed since a stamp: indexes and readers follow it
    "clocks_of_changes",
    clocks.c.stamp,
    sqlite_where=clocks.c.field != WHOLE,
    postgresql_where=clocks.c.field != WHOLE,
)

payloads = Table(
    "payloads",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("bytes", BigInteger, nullable=False),
    Column("media_type", String(64), nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Column("last_used_ns", BigInteger, nullable=False),
    Column("pinned", Integer, nullable=False, default=0, comment="1: never evicted"),
    Index("payloads_by_use", "pinned", "last_used_ns"),
)

summary_members = Table(
    "summary_members",
    metadata,
    Column("summary_id", LargeBinary(16), ForeignKey("experiences.id"), primary_key=True),
    Column("member_id", LargeBinary(16), ForeignKey("experiences.id"), primary_key=True),
    Index("summaries_by_member", "member_id"),
    sqlite_with_rowid=False,
)

runs = Table(
    "consolidation_runs",
    metadata,
    Column("id", LargeBinary(16), primary_key=True, comment="UUIDv7"),
    Column("started_ns", BigInteger, nullable=False),
    Column("finished_ns", BigInteger),
    Column("state", String(16), nullable=False, comment="one of RUN_STATES"),
    Column("cause", String(64), nullable=False, comment="idle, or who asked"),
    Column("recall_before", Float),
    Column("recall_after", Float),
    Column(
        "report", Text, nullable=False, server_default=text("''"), comment="JSON: what was done"
    ),
)

forgettings = Table(
    "forgettings",
    metadata,
    Column("number", ROW_NUMBER, primary_key=True),
    Column("run_id", LargeBinary(16), comment="null: by a cap, or on request"),
    Column("experience_id", LargeBinary(16), nullable=False),
    Column("what", String(16), nullable=False, comment="one of EVICTABLE"),
    Column("reason", Text, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("undo_until_ns", BigInteger, comment="null: for good"),
    Column("undone_ns", BigInteger),
    # after the grace, the evictions of one run, kind and stamp are one row: ids and reasons
    Column("saved", LargeBinary, comment="what undoing needs; null once the grace period is over"),
    Index("forgettings_by_experience", "experience_id"),
    Index("forgettings_by_run", "run_id"),
)

entities = Table(
    "entities",
    metadata,
    Column("name", String(128), primary_key=True, comment="sensor:front, speaker:anna, device:x"),
    Column("kind", String(16), nullable=False, comment="sensor, speaker, device or thing"),
    Column("reward", Float, nullable=False, comment="mean, [-1, 1]"),
    Column("coherence", Float, nullable=False, comment="mean agreement with others, [0, 1]"),
    Column("conflict", Float, nullable=False, comment="mean, [0, 1]"),
    Column("trust", Float, nullable=False, comment="[0, 1], when it was last seen"),
    Column("observations", BigInteger, nullable=False),
    Column("last_ns", BigInteger, nullable=False),
)

places = Table(
    "places",
    metadata,
    Column("name", String(64), primary_key=True, comment="as people say it, small letters"),
    Column("frame", String(128), nullable=False),
    Column("x", Float, nullable=False, comment="of the centre [m]"),
    Column("y", Float, nullable=False),
    Column("z", Float, nullable=False),
    Column("radius_m", Float, nullable=False, comment="of the area"),
    Column("namings", BigInteger, nullable=False),
    Column("last_ns", BigInteger, nullable=False, comment="when it was named last"),
)

taught_words = Table(
    "taught_words",
    metadata,
    Column("word", String(64), primary_key=True, comment="small letters, single spaces"),
    Column("kind", String(16), primary_key=True, comment="picture or sound: what shows it"),
    Column("features_by", String(128), nullable=False, comment="model and version"),
    Column("examples", LargeBinary, nullable=False, comment="their features; see examples"),
    Column("looked_at", BigInteger, nullable=False, comment="number of the last experience"),
    Column("taught_ns", BigInteger, nullable=False, comment="when it was taught last"),
    Column("crc32", BigInteger, nullable=False, comment="of word, kind, features_by, examples"),
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
