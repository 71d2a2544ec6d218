"""The list of what was evicted: a row for each experience, or a short form for many.

While a forgetting can be undone it has a row of its own, with a copy of what was evicted. Once its
grace is over, the rows of one run, stamp and kind become one, for good: `saved` then holds the
ids and the reasons of all of them, `experience_id` is the first, and `undo_until_ns` is null.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from sqlalchemy import and_, func, or_, select
from sqlalchemy.engine import Connection

from sage_memory.core.engine.schema import forgettings
from sage_memory.core.identifiers import ID_BYTES

COUNT = struct.Struct("<I")
MOST_BYTES = 2**28
"""Of a short form that is unpacked: far above what 4,096 reasons take."""
PERMANENT = and_(forgettings.c.undo_until_ns.is_(None), forgettings.c.saved.is_not(None))
"""Rows that are the short form of many."""
PER_EXPERIENCE = or_(forgettings.c.undo_until_ns.is_not(None), forgettings.c.saved.is_(None))
"""Rows about one experience."""


def pack(listed: Sequence[tuple[bytes, str]]) -> bytes:
    """Short form of ids (16 bytes each) and reasons: a count, then both, in zlib's format.

    The ids stand byte by byte, the first of all before the second of all: those of one time begin
    alike.
    """
    ids = np.frombuffer(b"".join(identifier for identifier, _ in listed), np.uint8)
    columns = ids.reshape(-1, ID_BYTES).T.tobytes()
    reasons = json.dumps([reason for _, reason in listed]).encode()
    return COUNT.pack(len(listed)) + zlib.compress(columns + reasons)


def unpack(blob: bytes) -> list[tuple[bytes, str]]:
    """Ids and reasons of a short form.

    Raises:
        ValueError, zlib.error: it is none.
    """
    (count,) = COUNT.unpack_from(blob)
    reader = zlib.decompressobj()
    content = reader.decompress(blob[COUNT.size :], MOST_BYTES)
    if not reader.eof:
        raise ValueError(f"short form of {len(blob)} bytes: not whole, or above {MOST_BYTES}")
    end = count * ID_BYTES
    rows = np.frombuffer(content[:end], np.uint8).reshape(ID_BYTES, count).T
    keys = [row.tobytes() for row in rows]
    reasons = json.loads(content[end:])
    if not (isinstance(reasons, list) and all(isinstance(reason, str) for reason in reasons)):
        raise ValueError("short form: expected a list of reasons")
    return list(zip(keys, reasons, strict=True))


def listings(connection: Connection) -> Counter[bytes]:
    """How often each experience is in the list of what was evicted and did not come back."""
    column = forgettings.c
    kept = column.undone_ns.is_(None)
    rows = connection.execute(
        select(column.experience_id, func.count())
        .where(kept, PER_EXPERIENCE)
        .group_by(column.experience_id)
    )
    counts = Counter({bytes(key): count for key, count in rows})
    counts.update(_settled(connection))
    return counts


def permanently_evicted(connection: Connection) -> set[bytes]:
    """Experiences of which something was evicted that cannot be restored any more."""
    return set(_settled(connection))


def _settled(connection: Connection) -> Iterator[bytes]:
    for blob in connection.execute(select(forgettings.c.saved).where(PERMANENT)).scalars():
        yield from (identifier for identifier, _ in unpack(blob))
