"""Schema 4: every row of an experience has a checksum; the clock is not behind any row."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sage_memory.core.rows.checksums import COLUMNS, row_crc32

revision = "0004"
down_revision = "0003"

ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
BATCH = 1024
CLOCK = "UPDATE meta SET value = :newest WHERE key = 'clock'"


def upgrade() -> None:
    """Add the column and fill it: rows count as whole as they are now."""
    op.add_column(
        "experiences",
        sa.Column(
            "crc32",
            sa.BigInteger,
            nullable=False,
            server_default="0",
            comment="checksum of the row's other columns; see checksums",
        ),
    )
    _fill(op.get_bind())
    _advance_clock(op.get_bind())
    op.execute("UPDATE meta SET value = '4' WHERE key = 'schema_version'")


def _fill(connection: sa.Connection) -> None:
    table = sa.table(
        "experiences",
        sa.column("number", ROW_NUMBER),
        sa.column("crc32", sa.BigInteger),
        *(sa.column(name) for name in COLUMNS if name != "number"),
    )
    change = (
        sa.update(table)
        .where(table.c.number == sa.bindparam("row"))
        .values(crc32=sa.bindparam("checksum"))
    )
    after = sa.select(*(table.c[name] for name in COLUMNS)).order_by(table.c.number).limit(BATCH)
    last = 0
    while rows := connection.execute(after.where(table.c.number > last)).all():
        last = rows[-1].number
        found = [{"row": row.number, "checksum": row_crc32(tuple(row))} for row in rows]
        connection.execute(change, found)


def _advance_clock(connection: sa.Connection) -> None:
    """Before this version a crash in a night could leave the clock behind the rows."""
    saved = connection.scalar(sa.text("SELECT value FROM meta WHERE key = 'clock'"))
    stamp = connection.scalar(sa.text("SELECT max(stamp) FROM clocks"))
    if stamp is not None and stamp > int(saved):
        connection.execute(sa.text(CLOCK), {"newest": str(stamp)})
