"""Numbers of fused salience in serialized messages, read without deserializing.

Deserializing takes 0.2 ms a message; an hour of them is 200,000.
"""

from __future__ import annotations

import struct

_DIMENSIONS_BEFORE_TOTAL = 5


def fused_total(data: bytes) -> float:
    """The total in a serialized FusedSalience.

    Raises:
        struct.error: the message is too short.
    """
    return _total_and_rate(data)[0]


def fused_alarms_per_hour(data: bytes) -> float:
    """How often as much is said while nothing happens [1/h], in a serialized FusedSalience.

    Raises:
        struct.error: the message is too short.
    """
    return _total_and_rate(data)[1]


def _total_and_rate(data: bytes) -> tuple[float, float]:
    order = "<" if data[1] & 1 else ">"
    place = 4 + 8  # encapsulation, stamp
    for _ in ("frame_id", "trigger_modality"):
        (length,) = struct.unpack_from(f"{order}I", data, place)
        place += 4 + length
        place += -place % 4
    place += 4 * _DIMENSIONS_BEFORE_TOTAL
    total, alarms_per_hour = struct.unpack_from(f"{order}2f", data, place)
    return float(total), float(alarms_per_hour)
