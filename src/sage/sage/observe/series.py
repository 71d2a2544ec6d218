"""Statistics of a stream of numbers, in constant memory."""

from __future__ import annotations

import math

from sage.observe.quantile_sketch import QuantileSketch


class Series:
    """Numbers of one kind, none of which is kept: their moments, and their percentiles.

    Mean and variance after Welford (1962); percentiles within 0.5 % of their value.
    """

    def __init__(self) -> None:
        self.n = 0
        self._mean = 0.0
        self._squares = 0.0
        self._sketch = QuantileSketch()

    def add(self, value: float) -> None:
        """Count a number; one that is not finite is left out."""
        if not math.isfinite(value):
            return
        self.n += 1
        off = value - self._mean
        self._mean += off / self.n
        self._squares += off * (value - self._mean)
        self._sketch.add(value)

    def moments(self) -> dict[str, float | int]:
        """n, mean, std (population) and max; zeros if there are none."""
        if not self.n:
            return {"n": 0, "mean": 0.0, "std": 0.0, "max": 0.0}
        return {
            "n": self.n,
            "mean": round(self._mean, 4),
            "std": round(math.sqrt(self._squares / self.n), 4),
            "max": round(self._sketch.high, 4),
        }

    def percentiles(self, *ranks: int) -> dict[str, float | None]:
        """Percentiles, `p50` and so on; None if there are no values."""
        if not self.n:
            return {f"p{rank}": None for rank in ranks}
        return {f"p{rank}": round(self._sketch.quantile(rank / 100), 3) for rank in ranks}
