"""Sums by the hour or by the day, of quantities that come and go, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_common.core.state.fields import Fixed, State, Variable
from sage_common.core.state.ranges import FINITE
from sage_common.core.state.stateful import Stateful

MOST_COLUMNS = 128
"""A quantity that comes when there are so many is left out."""


class PeriodTable(Stateful):
    """One row a period, one column a quantity; what did not come in a period is 0 there.

    A clock that goes back writes into the newest row. What began more than `kept` periods before
    the newest goes.

    Args:
        period_s: length of a period.
        kept: how many are.
    """

    _period_s: Fixed[int]
    _columns: State[list[str]]
    _starts_s: State[Variable]
    _packed: State[Annotated[Variable, FINITE]]

    def __init__(self, period_s: int, kept: int) -> None:
        self._period_s, self._kept = period_s, kept
        self._columns = []
        self._starts_s = np.zeros(0, np.int64)
        self._values: NDArray[np.float64] = np.zeros((0, 0))
        self._packed = np.zeros(0, np.float32)

    def __iter__(self) -> Iterator[tuple[int, dict[str, float]]]:
        """Begin of each period [s] and its quantities, the oldest first."""
        for start_s, row in zip(self._starts_s.tolist(), self._values.tolist(), strict=True):
            yield start_s, dict(zip(self._columns, row, strict=True))

    def add(self, time_s: float, amounts: Mapping[str, float]) -> None:
        """Add to what came in the period of a time [s]."""
        self._begin(time_s)
        for name, amount in amounts.items():
            if (column := self._column(name)) is not None:
                self._values[-1, column] += amount

    def put(self, time_s: float, values: Mapping[str, float]) -> None:
        """Set what holds in the period of a time [s]; the last counts."""
        self._begin(time_s)
        for name, value in values.items():
            if (column := self._column(name)) is not None:
                self._values[-1, column] = value

    def _begin(self, time_s: float) -> None:
        start_s = int(time_s // self._period_s) * self._period_s
        if len(self._starts_s) and start_s <= self._starts_s[-1]:
            return
        row = np.zeros((1, len(self._columns)))
        starts_s = np.append(self._starts_s, np.int64(start_s))
        is_kept = starts_s > start_s - self._kept * self._period_s
        self._values = np.concatenate((self._values, row))[is_kept]
        self._starts_s = starts_s[is_kept]

    def _column(self, name: str) -> int | None:
        if name in self._columns:
            return self._columns.index(name)
        if len(self._columns) >= MOST_COLUMNS:
            return None
        self._columns.append(name)
        self._values = np.pad(self._values, ((0, 0), (0, 1)))
        return len(self._columns) - 1

    def packing(self) -> None:
        self._packed = self._values.astype(np.float32).reshape(-1)

    def check_values(self, values: Mapping[str, Any]) -> None:
        cells = len(values["starts_s"]) * len(values["columns"])
        if len(values["packed"]) != cells:
            raise InvalidInput("packed", f"{len(values['packed'])} numbers", f"{cells}")
        if (np.diff(values["starts_s"]) <= 0).any():
            raise InvalidInput("starts_s", "not in order", "each later than the one before")

    def restored(self) -> None:
        shape = len(self._starts_s), len(self._columns)
        self._values = self._packed.astype(np.float64).reshape(shape)
