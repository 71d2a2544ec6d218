"""What the index holds of each row, in the order in which it is given it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

SKETCH_SIZE = 36
COLUMNS: dict[str, DTypeLike] = {
    "number": np.int64,
    "id": "V16",
    "start_ns": np.int64,
    "end_ns": np.int64,
    "total": np.float32,
    "modality": np.int32,
    "source": np.int32,
    "entity": np.int32,
    "device_id": np.int32,
    "place_frame": np.int32,
    "place_x": np.float64,
    "place_y": np.float64,
    "place_z": np.float64,
    "covers": np.int32,
    "pinned": np.bool_,
    "sketch": np.uint8,
    "alive": np.bool_,
}
"""Columns of `experiences`; names as codes."""


class VectorRow(NamedTuple):
    """A row of the `vectors` table with the number of its experience."""

    number: int
    encoder_id: str
    role: str
    dim: int
    encoding: str
    crc32: int
    vector: bytes
