"""Proof that a row of the `vectors` table holds the vector that was written."""

from __future__ import annotations

import zlib

import numpy as np

from sage.memory.exports.tables import Row
from sage_common.core.errors import InvalidInput
from sage_memory.core.engine import schema
from sage_memory.core.rows.encoded_vectors import decode

LENGTHS = {
    schema.ENCODING_FLOAT32: (0.999, 1.001),
    schema.ENCODING_INT8: (0.5, 2.0),
}
"""Least and most length of a vector; that of int8 is up to its rounding."""


def check_vector(row: Row) -> None:
    """Prove encoding, size, checksum, and that it is finite and of length 1.

    Raises:
        InvalidInput: names what is wrong.
    """
    blob, dim, encoding = row["vector"], row["dim"], row["encoding"]
    try:
        values = decode(encoding, dim, blob)
    except InvalidInput as error:
        raise InvalidInput(f"vectors.{error.field}", error.value, error.expected) from None
    if zlib.crc32(blob) != row["crc32"]:
        raise InvalidInput("vectors.crc32", row["crc32"], f"{zlib.crc32(blob)}, that of the vector")
    least, most = LENGTHS[encoding]
    with np.errstate(all="ignore"):  # what is not finite has no length within bounds
        length = float(np.linalg.norm(values.astype(np.float64)))
    if not least <= length <= most:  # nor is NaN
        raise InvalidInput("|vectors.vector|", length, f"a length from {least} to {most}")
