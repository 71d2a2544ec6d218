"""Where in a percept something is, in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput

NOW_S = 0.1
# Areas end where cells do, but for rounding.
ROUNDING = 1e-6


class Area(NamedTuple):
    """A rectangle of a percept, and the place of its strongest cell.

    Attributes:
        x_min, y_min, x_max, y_max: fractions of the percept's width and height, minima smaller.
        x_peak, y_peak: centre of the strongest cell, inside.
    """

    x_min: float
    y_min: float
    x_max: float
    y_max: float
    x_peak: float
    y_peak: float


class Places(Protocol):
    """Names places of one kind of percept."""

    def name(self, area: Area) -> str:
        """Where `area` is, to go after "at"."""


@dataclass(frozen=True)
class Table:
    """Names the place of the strongest cell from a table.

    Attributes:
        names: [rows][columns], spread evenly over the percept, the first at the top left.
    """

    names: Sequence[Sequence[str]]

    def name(self, area: Area) -> str:
        """See `Places`."""
        row = self.names[min(int(area.y_peak * len(self.names)), len(self.names) - 1)]
        return row[min(int(area.x_peak * len(row)), len(row) - 1)]


PICTURE = Table(
    (
        ("top left", "top centre", "top right"),
        ("middle left", "centre", "middle right"),
        ("bottom left", "bottom centre", "bottom right"),
    )
)
"""Places of a picture, and of whatever has no names of its own."""


class Spectrogram:
    """Names bands and times of a sound: rows are bands, columns are time, the newest last."""

    def __init__(self, edges_hz: Sequence[float], window_s: float) -> None:
        """Name places of a percept.

        Args:
            edges_hz: edges of its rows, rising, the first row's lower edge first.
            window_s: time from its left edge to its right edge, which is now.

        Raises:
            InvalidInput: edges that do not rise, or fewer than two.
        """
        if len(edges_hz) < 2 or any(np.diff(edges_hz) <= 0.0):
            raise InvalidInput("edges_hz", list(edges_hz), "at least two frequencies that rise")
        self._edges_hz = [float(edge) for edge in edges_hz]
        self._window_s = window_s

    def name(self, area: Area) -> str:
        """Band of the area and time of its strongest cell: "1.3-3.4 kHz, 0.3 s ago"."""
        rows = len(self._edges_hz) - 1
        low = min(math.floor(area.y_min * rows + ROUNDING), rows - 1)
        high = min(max(math.ceil(area.y_max * rows - ROUNDING), low + 1), rows)
        return f"{self._band(low, high)}, {_ago((1.0 - area.x_peak) * self._window_s)}"

    def _band(self, low: int, high: int) -> str:
        bottom, top = self._edges_hz[low], self._edges_hz[high]
        if low == 0:
            return "all bands" if high == len(self._edges_hz) - 1 else f"below {_frequency(top)}"
        if high == len(self._edges_hz) - 1:
            return f"above {_frequency(bottom)}"
        if top >= 1000.0:
            return f"{bottom / 1000.0:.1f}-{top / 1000.0:.1f} kHz"
        return f"{round(bottom, -1):.0f}-{round(top, -1):.0f} Hz"


def _frequency(hertz: float) -> str:
    return f"{hertz / 1000.0:.1f} kHz" if hertz >= 1000.0 else f"{round(hertz, -1):.0f} Hz"


def _ago(seconds: float) -> str:
    return "just now" if seconds < NOW_S else f"{seconds:.1f} s ago"


def strongest(grid: NDArray[np.float32]) -> Area:
    """The largest cell of a grid [rows, columns]."""
    row, column = (int(place) for place in np.unravel_index(int(grid.argmax()), grid.shape))
    return area_of(grid, row, column, 1)


def area_of(grid: NDArray[np.float32], row: int, column: int, size: int) -> Area:
    """The square of `size` cells of a grid [rows, columns] whose first cell is given."""
    rows, columns = grid.shape
    inside = grid[row : row + size, column : column + size]
    peak_row, peak_column = divmod(int(inside.argmax()), inside.shape[1])
    return Area(
        x_min=column / columns,
        y_min=row / rows,
        x_max=(column + size) / columns,
        y_max=(row + size) / rows,
        x_peak=(column + peak_column + 0.5) / columns,
        y_peak=(row + peak_row + 0.5) / rows,
    )
