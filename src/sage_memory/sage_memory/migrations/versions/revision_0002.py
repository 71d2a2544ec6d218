"""Schema 2: entities, places' context, sketches, pins, summaries, nights, forgettings."""

from __future__ import annotations

import zlib

import numpy as np
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
BATCH = 1024


def upgrade() -> None:
    """Add columns and tables; every row keeps what it has, and gets a sketch of its puzzle."""
    _extend_experiences()
    _extend_vectors()
    _create_tables_of_sleep()
    op.create_table(
        "entities",
        sa.Column(
            "name", sa.String(128), primary_key=True, comment="sensor:front, speaker:anna, device:x"
        ),
        sa.Column(
            "kind", sa.String(16), nullable=False, comment="sensor, speaker, device or thing"
        ),
        sa.Column("reward", sa.Float, nullable=False, comment="mean, [-1, 1]"),
        sa.Column(
            "coherence", sa.Float, nullable=False, comment="mean agreement with others, [0, 1]"
        ),
        sa.Column("conflict", sa.Float, nullable=False, comment="mean, [0, 1]"),
        sa.Column("trust", sa.Float, nullable=False, comment="[0, 1], when it was last seen"),
        sa.Column("observations", sa.BigInteger, nullable=False),
        sa.Column("last_ns", sa.BigInteger, nullable=False),
    )
    _draw_sketches(op.get_bind())
    op.execute("UPDATE meta SET value = '2' WHERE key = 'schema_version'")


def _extend_experiences() -> None:
    no_bytes = sa.text("x''" if op.get_context().dialect.name == "sqlite" else r"'\x'::bytea")
    for column in (
        sa.Column(
            "entity",
            sa.String(128),
            nullable=False,
            server_default="",
            comment="who or what it is about or from: a speaker, a person, an object",
        ),
        sa.Column(
            "sketch",
            sa.LargeBinary(36),
            nullable=False,
            server_default=no_bytes,
            comment="sums of the puzzle's 5x5 blocks, uint8[6, 6]",
        ),
        sa.Column(
            "context", sa.Text, comment="JSON: modality -> five dimensions, of all when it was kept"
        ),
        sa.Column(
            "covers",
            sa.Integer,
            nullable=False,
            server_default="0",
            comment="moments that this summary stands for; 0: it is a moment itself",
        ),
        sa.Column(
            "pinned",
            sa.Integer,
            nullable=False,
            server_default="0",
            comment="1: never consolidated, never let go",
        ),
    ):
        op.add_column("experiences", column)
    if op.get_context().dialect.supports_comments:
        op.alter_column("experiences", "codes", comment="puzzle, 900 bytes, zlib; empty: let go")


def _extend_vectors() -> None:
    op.add_column(
        "vectors",
        sa.Column(
            "encoding",
            sa.String(4),
            nullable=False,
            server_default="f32",
            comment="f32: float32[dim] of unit length; i8: float32 scale, int8[dim]",
        ),
    )
    if op.get_context().dialect.supports_comments:
        op.alter_column("vectors", "vector", comment=None)
    op.create_index("vectors_by_encoder", "vectors", ["encoder_id", "crc32"])
    changes = sa.text("field != '*'")
    op.create_index(
        "clocks_of_changes", "clocks", ["stamp"], sqlite_where=changes, postgresql_where=changes
    )


def _create_tables_of_sleep() -> None:
    op.create_table(
        "summary_members",
        sa.Column(
            "summary_id", sa.LargeBinary(16), sa.ForeignKey("experiences.id"), primary_key=True
        ),
        sa.Column(
            "member_id", sa.LargeBinary(16), sa.ForeignKey("experiences.id"), primary_key=True
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("summaries_by_member", "summary_members", ["member_id"])
    op.create_table(
        "nights",
        sa.Column("id", sa.LargeBinary(16), primary_key=True, comment="UUIDv7"),
        sa.Column("started_ns", sa.BigInteger, nullable=False),
        sa.Column("finished_ns", sa.BigInteger),
        sa.Column("state", sa.String(16), nullable=False, comment="one of NIGHT_STATES"),
        sa.Column("cause", sa.String(64), nullable=False, comment="idle, or who asked"),
        sa.Column("recall_before", sa.Float),
        sa.Column("recall_after", sa.Float),
        sa.Column(
            "report", sa.Text, nullable=False, server_default="", comment="JSON: what was done"
        ),
    )
    op.create_table(
        "forgettings",
        sa.Column("number", ROW_NUMBER, primary_key=True),
        sa.Column("night_id", sa.LargeBinary(16), comment="null: by a cap, or on request"),
        sa.Column("experience_id", sa.LargeBinary(16), nullable=False),
        sa.Column("what", sa.String(16), nullable=False, comment="one of LET_GO"),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("undo_until_ns", sa.BigInteger, comment="null: for good"),
        sa.Column("undone_ns", sa.BigInteger),
        sa.Column(
            "saved",
            sa.LargeBinary,
            comment="what undoing needs; null once the grace period is over",
        ),
    )
    op.create_index("forgettings_by_experience", "forgettings", ["experience_id"])
    op.create_index("forgettings_by_night", "forgettings", ["night_id"])


def _draw_sketches(connection: sa.Connection) -> None:
    """Sums of the 5x5 blocks of every puzzle; a puzzle that cannot be read gets none."""
    table = sa.table(
        "experiences",
        sa.column("number", ROW_NUMBER),
        sa.column("codes", sa.LargeBinary),
        sa.column("sketch", sa.LargeBinary),
    )
    change = (
        sa.update(table)
        .where(table.c.number == sa.bindparam("row"))
        .values(sketch=sa.bindparam("sums"))
    )
    after = sa.select(table.c.number, table.c.codes).order_by(table.c.number).limit(BATCH)
    last = 0
    while rows := connection.execute(after.where(table.c.number > last)).all():
        last = rows[-1].number
        drawn = [{"row": row.number, "sums": _sketch(row.codes)} for row in rows]
        connection.execute(change, drawn)


def _sketch(codes: bytes) -> bytes:
    try:
        puzzle = np.frombuffer(zlib.decompress(codes), np.uint8)
    except zlib.error:
        return b""
    if puzzle.size != 900:
        return b""
    return puzzle.reshape(6, 5, 6, 5).sum(axis=(1, 3), dtype=np.uint8).tobytes()
