"""The total of fused salience in serialized messages, read without deserializing."""

from __future__ import annotations

import struct

_DIMENSIONS_BEFORE_TOTAL = 5


def fused_total(data: bytes) -> float:
    """The total in a serialized FusedSalience, without reading the rest.

    Deserializing takes 0.2 ms a message; an hour of them is 200,000.

    Raises:
        struct.error: the message is too short.
    """
    order = "<" if data[1] & 1 else ">"
    place = 4 + 8  # encapsulation, stamp
    for _ in ("frame_id", "trigger_modality"):
        (length,) = struct.unpack_from(f"{order}I", data, place)
        place += 4 + length
        place += -place % 4
    place += 4 * _DIMENSIONS_BEFORE_TOTAL
    return float(struct.unpack_from(f"{order}f", data, place)[0])
