"""Fixed-size history of samples in one array."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from sage_common.core.state.fields import State
from sage_common.core.state.stateful import Stateful


class RingBuffer(Stateful):
    """The newest `capacity` rows of a stream, without reallocating.

    Args:
        capacity: rows kept, >= 1.
        row_shape: shape of one row; `()` for scalars.
        dtype: element type.
    """

    _rows: State[NDArray[Any]]
    _written: State[int] = 0

    def __init__(
        self, capacity: int, row_shape: tuple[int, ...] = (), dtype: DTypeLike = np.float32
    ) -> None:
        if capacity < 1:
            raise ValueError(f"capacity = {capacity}: expected at least 1")
        self._rows = np.zeros((capacity, *row_shape), dtype=dtype)

    def __len__(self) -> int:
        return min(self._written, len(self._rows))

    @property
    def capacity(self) -> int:
        return len(self._rows)

    @property
    def written(self) -> int:
        """Rows ever written, those that have been overwritten included."""
        return self._written

    def extend(self, rows: NDArray[np.generic]) -> None:
        """Append rows [n, *row_shape], oldest first."""
        count = len(rows)
        kept = rows[-self.capacity :]
        start = (self._written + count - len(kept)) % self.capacity
        first = min(len(kept), self.capacity - start)
        self._rows[start : start + first] = kept[:first]
        self._rows[: len(kept) - first] = kept[first:]
        self._written += count

    def latest(self, count: int | None = None) -> NDArray[np.generic]:
        """A copy of the newest `count` rows (all by default), oldest first."""
        available = len(self)
        wanted = available if count is None else min(count, available)
        end = self._written % self.capacity
        if wanted <= end:
            rows: NDArray[np.generic] = self._rows[end - wanted : end].copy()
        else:
            rows = np.concatenate([self._rows[end - wanted :], self._rows[:end]])
        return rows
