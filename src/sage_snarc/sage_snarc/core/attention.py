"""Attention: where in the percept to look, listen or feel next."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput

SIZES = (3, 4, 5)
INHIBITION_S = 1.5
INHIBITION = 0.8
LEAST_CELL = 0.05


@dataclass(frozen=True)
class Region:
    """A rectangle of a percept, as fractions of its width and height, and why.

    Attributes:
        x_min, y_min, x_max, y_max: [0, 1], minima smaller than maxima.
        confidence: share of the grid's salience that lies inside, [0, 1].
        peak: largest cell inside, [0, 1].
        inhibited: how far the place was inhibited because it was attended lately, [0, 1].
    """

    x_min: float
    y_min: float
    x_max: float
    y_max: float
    confidence: float
    peak: float
    inhibited: float

    @property
    def rectangle(self) -> tuple[float, float, float, float]:
        """x_min, y_min, x_max, y_max."""
        return self.x_min, self.y_min, self.x_max, self.y_max


class Attention:
    """Chooses a square of 3 to 5 cells of the salience grid, with inhibition of return.

    Winner take all over sliding windows with inhibition of return (Koch and Ullman 1985; Itti,
    Koch and Niebur 1998). A window's worth is its salience after inhibition over the root of its
    area: a larger window must earn its size. Where attention has been is inhibited by up to 80 %,
    which fades with a time constant of 1.5 s; attention stays where it is as long as that place
    is still the best in spite of it. Each kind of percept (modality and source) has its own
    inhibition.
    """

    def __init__(self) -> None:
        self._inhibition: dict[str, NDArray[np.float64]] = {}
        self._stamps: dict[str, int] = {}

    def choose(self, key: str, stamp_ns: int, grid: NDArray[np.float32]) -> Region | None:
        """The best region of a grid float32 [rows, columns] (each >= 5), cells 0..1.

        Args:
            key: whose grid it is; inhibition is kept for each key.

        Returns:
            None if no cell reaches 0.05: there is nothing to attend to.

        Raises:
            InvalidInput: a grid smaller than 5x5, or cells that are not in [0, 1].
        """
        if grid.ndim != 2 or min(grid.shape) < SIZES[-1]:
            raise InvalidInput("grid", list(grid.shape), "at least 5 rows and 5 columns")
        if not (float(grid.min()) >= 0.0 and float(grid.max()) <= 1.0):
            raise InvalidInput("grid", float(grid.max()), "cells from 0 to 1")
        inhibition = self._faded(key, stamp_ns, grid.shape)
        if float(grid.max()) < LEAST_CELL:
            return None
        cells = grid.astype(np.float64)
        row, column, size = _best_window(cells * (1.0 - inhibition))
        window = (slice(row, row + size), slice(column, column + size))
        inside = float(cells[window].sum())
        inhibited = float(inhibition[window].mean())
        inhibition[window] += (INHIBITION - inhibition[window]) * 0.5
        rows, columns = grid.shape
        return Region(
            x_min=column / columns,
            y_min=row / rows,
            x_max=(column + size) / columns,
            y_max=(row + size) / rows,
            confidence=min(inside / float(cells.sum()), 1.0),
            peak=float(cells[window].max()),
            inhibited=inhibited,
        )

    def _faded(self, key: str, stamp_ns: int, shape: tuple[int, ...]) -> NDArray[np.float64]:
        kept = self._inhibition.get(key)
        if kept is None or kept.shape != shape:
            kept = self._inhibition[key] = np.zeros(shape)
        elapsed_s = max(stamp_ns - self._stamps.get(key, stamp_ns), 0) * 1e-9
        kept *= math.exp(-elapsed_s / INHIBITION_S)
        self._stamps[key] = stamp_ns
        return kept


def _best_window(worth: NDArray[np.float64]) -> tuple[int, int, int]:
    """Row, column and size of the window with the largest sum over root of area."""
    sums = np.zeros((worth.shape[0] + 1, worth.shape[1] + 1))
    sums[1:, 1:] = worth.cumsum(axis=0).cumsum(axis=1)
    best = (-1.0, 0, 0, SIZES[0])
    for size in SIZES:
        inside = (
            sums[size:, size:] - sums[:-size, size:] - sums[size:, :-size] + sums[:-size, :-size]
        )
        place = int(inside.argmax())
        row, column = divmod(place, inside.shape[1])
        best = max(
            best, (float(inside[row, column]) / size, row, column, size), key=lambda item: item[0]
        )
    return best[1], best[2], best[3]
