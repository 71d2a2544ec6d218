"""A long vector seen through fewer numbers."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

LONGEST = 64
SEED = 20


@lru_cache(maxsize=16)
def sketch(size: int) -> NDArray[np.float32] | None:
    """A matrix float32 [64, size] that keeps lengths on average; None if `size` is no more.

    Rows are orthonormal up to one factor, drawn at random once for each size (Johnson and
    Lindenstrauss 1984), so what learns a covariance or a list of neighbours costs the same for a
    laser scan as for an embedding.
    """
    if size <= LONGEST:
        return None
    normal = np.random.default_rng([SEED, size, LONGEST]).standard_normal((size, LONGEST))
    orthonormal, _ = np.linalg.qr(normal)
    return np.ascontiguousarray(orthonormal.T * np.sqrt(size / LONGEST), np.float32)
