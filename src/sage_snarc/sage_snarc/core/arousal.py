"""Arousal and its grid: intensity and change of the signal itself, and where they are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sage_snarc.core.sections import Arrays

GRID = 10
BLOCK = 3
MEAN_HORIZON = 100
CELL_FLOOR = 0.15
CELL_FULL = 4.0
POOL = np.kron(np.eye(GRID), np.full((1, BLOCK), 1.0 / BLOCK)).astype(np.float32)
POOL_COLUMNS = np.ascontiguousarray(POOL.T)
ONES = np.full(30 * 30, 1.0 / (30 * 30), np.float32)
CODE_RANGE = 9.0
EMPTY_GRID = np.zeros((0, 0), np.float32)


class CodeArousal:
    """Arousal of a puzzle, and the grid of where it changes or is unusual.

    Codes are ordered, so differences mean something. Raw arousal is the mean change of the codes
    since the last sample plus the deviation of their mean (the intensity: loudness, brightness)
    from its usual one, both as a share of the code range. A cell of the 10x10 grid is the change
    and deviation of its 3x3 codes in units of what is usual for that cell, 0 up to once and 1 from
    four times the usual; half of `CELL_FLOOR` codes is nothing anywhere.
    """

    def __init__(self) -> None:
        self._count = 0
        self._last = np.zeros((30, 30), np.float32)
        self._mean = np.zeros((30, 30), np.float32)
        self._usual = np.zeros((GRID, GRID), np.float32)

    def observe(self, codes: NDArray[np.uint8], gap: bool) -> tuple[float, NDArray[np.float32]]:
        """Raw arousal (>= 0) and grid (float32 [10, 10], each 0..1) of codes uint8 [30, 30].

        The first sample has neither; the first after a `gap` has no change, only deviation.
        """
        now = codes.astype(np.float32)
        self._count += 1
        if self._count == 1:
            self._mean[...] = now
            self._last = now
            return 0.0, np.zeros((GRID, GRID), np.float32)
        offset = now - self._mean
        unusual = np.abs(offset)
        raw = abs(float(offset.ravel() @ ONES))
        if not gap:
            change = now - self._last
            np.abs(change, out=change)
            raw += float(change.ravel() @ ONES)
            unusual += change
        rate = 1.0 / min(self._count, MEAN_HORIZON)
        cells: NDArray[np.float32] = POOL @ unusual @ POOL_COLUMNS
        grid = cells / (self._usual + CELL_FLOOR)
        grid -= 1.0
        grid /= CELL_FULL - 1.0
        np.minimum(np.maximum(grid, 0.0, out=grid), 1.0, out=grid)
        offset *= rate
        self._mean += offset
        cells -= self._usual
        cells *= rate
        self._usual += cells
        self._last = now
        return raw / CODE_RANGE, grid

    def state(self) -> Arrays:
        """Everything learned."""
        return {
            "count": np.array(self._count, np.int64),
            "last": self._last.copy(),
            "mean": self._mean.copy(),
            "usual": self._usual.copy(),
        }

    def restore(self, state: Arrays) -> None:
        """Continue from `state()`."""
        self._count = int(state["count"])
        self._last = np.array(state["last"], np.float32)
        self._mean = np.array(state["mean"], np.float32)
        self._usual = np.array(state["usual"], np.float32)


class VectorArousal:
    """Arousal of a bare vector: its change plus its distance from its mean, in its own unit."""

    def __init__(self, size: int) -> None:
        self._count = 0
        self._last = np.zeros(size)
        self._mean = np.zeros(size)

    def observe(self, vector: NDArray[np.float64], resolution: float, gap: bool) -> float:
        """Raw arousal (>= 0); what is up to `resolution` is 0, and so is the first sample's."""
        self._count += 1
        if self._count == 1:
            self._mean[...] = vector
            self._last = vector
            return 0.0
        change = 0.0 if gap else float(np.linalg.norm(vector - self._last))
        offset = vector - self._mean
        deviation = float(np.linalg.norm(offset))
        self._mean += offset / min(self._count, MEAN_HORIZON)
        self._last = vector
        return (change if change > resolution else 0.0) + (
            deviation if deviation > resolution else 0.0
        )

    def state(self) -> Arrays:
        """Everything learned."""
        count = np.array(self._count, np.int64)
        return {"count": count, "last": self._last.copy(), "mean": self._mean.copy()}

    def restore(self, state: Arrays) -> None:
        """Continue from `state()`."""
        self._count = int(state["count"])
        self._last = np.array(state["last"], np.float64)
        self._mean = np.array(state["mean"], np.float64)
