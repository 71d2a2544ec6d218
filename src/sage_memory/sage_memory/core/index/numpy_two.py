"""What the index uses of NumPy 2, also on the NumPy 1.26 that ROS 2 Jazzy is built for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_ONES = np.array([bin(byte).count("1") for byte in range(256)], np.uint8)
HAS_BOTH = hasattr(np, "vecdot") and hasattr(np, "bitwise_count")


def vecdot_by_others(
    first: NDArray[Any], second: NDArray[Any], out: NDArray[Any] | None = None
) -> NDArray[Any]:
    """`numpy.vecdot`: products of the last axis, [..., n] with [n] or with as many, summed."""
    if second.ndim == 1:
        return np.asarray(np.matmul(first, second, out=out))
    return np.asarray(np.einsum("...i,...i->...", first, second, out=out))


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


vecdot: Any = np.vecdot if HAS_BOTH else vecdot_by_others
bitwise_count: Any = np.bitwise_count if HAS_BOTH else bitwise_count_by_table
