"""Proof that a row of the `vectors` table holds the vector that was written."""

from __future__ import annotations

import zlib

from sage.memory.tables import Row
from sage_common.core.errors import InvalidInput
from sage_memory.core import schema

FLOAT_BYTES = 4


def check_vector(row: Row) -> None:
    """Prove encoding, length and checksum.

    Raises:
        InvalidInput: names what is wrong.
    """
    blob, dim, encoding = row["vector"], row["dim"], row["encoding"]
    sizes = {
        schema.ENCODING_FLOAT32: FLOAT_BYTES * dim,
        schema.ENCODING_INT8: FLOAT_BYTES + dim,
    }
    if encoding not in sizes:
        raise InvalidInput("vectors.encoding", encoding, f"one of {', '.join(sizes)}")
    if dim < 1 or len(blob) != sizes[encoding]:
        found = f"{len(blob)} bytes for dim {dim}"
        raise InvalidInput("vectors.vector", found, f"{sizes[encoding]} bytes and dim of 1 or more")
    if zlib.crc32(blob) != row["crc32"]:
        raise InvalidInput("vectors.crc32", row["crc32"], f"{zlib.crc32(blob)}, that of the vector")
