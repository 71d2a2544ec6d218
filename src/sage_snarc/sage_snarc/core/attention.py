"""Attention: where in the percept to look, listen or feel next."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_common.core.specs.places import Area, area_of
from sage_common.core.state.fields import State
from sage_common.core.state.ranges import NOT_NEGATIVE, Stamp
from sage_common.core.state.stateful import Stateful

SIZES = (3, 4, 5)
REGIONS = 3
INHIBITION_S = 1.5
INHIBITION = 0.8
LEAST_CELL = 0.05
ROUNDING = 1e-9


class _Window(NamedTuple):
    """A square of cells: its first row and column, and its size."""

    row: int
    column: int
    size: int

    @property
    def cells(self) -> tuple[slice, slice]:
        return (
            slice(self.row, self.row + self.size),
            slice(self.column, self.column + self.size),
        )


@dataclass(frozen=True)
class Region:
    """A square of cells of a percept, and why.

    Attributes:
        area: where it is.
        confidence: share of the grid's salience that lies inside, [0, 1].
        peak: largest cell inside, [0.05, 1].
        inhibited: how far the place was inhibited because it was attended lately, [0, 1].
    """

    area: Area
    confidence: float
    peak: float
    inhibited: float


class Attention(Stateful):
    """Chooses squares of 3 to 5 cells of the salience grid, with inhibition of return.

    Winner take all over sliding windows with inhibition of return (Koch and Ullman 1985; Itti,
    Koch and Niebur 1998). A window's worth is its salience after inhibition over the root of its
    area: a larger window must earn its size. The best window is attended; the next ones are the
    best of those that do not overlap a better one. Where attention has been is inhibited by up to
    80 %, which fades with a time constant of 1.5 s; attention stays where it is as long as that
    place is still the best in spite of it. Each kind of percept (modality and source) has its own
    inhibition.
    """

    _inhibition: State[dict[str, Annotated[NDArray[np.float64], NOT_NEGATIVE]]]
    _stamps: State[dict[str, Stamp]]

    def __init__(self) -> None:
        self._inhibition = {}
        self._stamps = {}

    def choose(
        self, key: str, stamp_ns: int, grid: NDArray[np.float32], count: int = REGIONS
    ) -> tuple[Region, ...]:
        """The best regions of a grid float32 [rows, columns] (each >= 5), cells 0..1.

        Args:
            key: whose grid it is; inhibition is kept for each key.
            count: at most so many regions, >= 1.

        Returns:
            Regions that do not overlap, best first; the first is the one attended. Each has a
            cell of at least 0.05: less is nothing. Empty if there is no such cell.

        Raises:
            InvalidInput: a grid smaller than 5x5, or cells that are not in [0, 1].
        """
        if grid.ndim != 2 or min(grid.shape) < SIZES[-1]:
            raise InvalidInput("grid", list(grid.shape), "at least 5 rows and 5 columns")
        if not (float(grid.min()) >= 0.0 and float(grid.max()) <= 1.0):
            raise InvalidInput("grid", float(grid.max()), "cells from 0 to 1")
        inhibition = self._faded(key, stamp_ns, grid.shape)
        cells = grid.astype(np.float64)
        salient = np.where(grid >= LEAST_CELL, cells, 0.0)
        windows = _best_windows(salient * (1.0 - inhibition), count)
        regions = tuple(
            Region(
                area=area_of(grid, *window),
                confidence=min(float(cells[window.cells].sum()) / float(cells.sum()), 1.0),
                peak=float(cells[window.cells].max()),
                inhibited=float(inhibition[window.cells].mean()),
            )
            for window in windows
        )
        if windows:
            attended = windows[0].cells
            inhibition[attended] += (INHIBITION - inhibition[attended]) * 0.5
        return regions

    def _faded(self, key: str, stamp_ns: int, shape: tuple[int, ...]) -> NDArray[np.float64]:
        kept = self._inhibition.get(key)
        if kept is None or kept.shape != shape:
            kept = self._inhibition[key] = np.zeros(shape)
        elapsed_s = max(stamp_ns - self._stamps.get(key, stamp_ns), 0) * 1e-9
        kept *= math.exp(-elapsed_s / INHIBITION_S)
        self._stamps[key] = stamp_ns
        return kept


def _best_windows(worth: NDArray[np.float64], count: int) -> list[_Window]:
    """At most `count` windows apart from each other, each the best that is left, worth > 0."""
    sums = np.zeros((worth.shape[0] + 1, worth.shape[1] + 1))
    sums[1:, 1:] = worth.cumsum(axis=0).cumsum(axis=1)
    scores = {
        size: (
            sums[size:, size:] - sums[:-size, size:] - sums[size:, :-size] + sums[:-size, :-size]
        )
        / size
        for size in SIZES
    }
    chosen: list[_Window] = []
    while len(chosen) < count:
        size = max(SIZES, key=lambda size: float(scores[size].max()))
        place = np.unravel_index(int(scores[size].argmax()), scores[size].shape)
        # Sums of sums leave a trace where every cell is 0.
        if scores[size][place] < ROUNDING:
            break
        best = _Window(int(place[0]), int(place[1]), size)
        chosen.append(best)
        for other, left in scores.items():
            top, start = max(best.row - other + 1, 0), max(best.column - other + 1, 0)
            left[top : best.row + size, start : best.column + size] = 0.0
    return chosen
