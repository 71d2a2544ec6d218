"""What the index uses of NumPy 2, also on the NumPy 1.26 that ROS 2 Jazzy is built for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_ONES = np.array([bin(byte).count("1") for byte in range(256)], np.uint8)


def bitwise_count_by_table(
    values: NDArray[Any], out: NDArray[np.uint8] | None = None
) -> NDArray[np.uint8]:
    """`numpy.bitwise_count`: how many bits of each whole number, unsigned, are set."""
    whole = np.ascontiguousarray(values)
    parts = whole.reshape(-1, 1).view(np.uint8)
    counts = _ONES[parts].sum(axis=1, dtype=np.uint8).reshape(whole.shape)
    if out is None:
        return np.asarray(counts, np.uint8)
    out[...] = counts
    return out


bitwise_count: Any = getattr(np, "bitwise_count", bitwise_count_by_table)
