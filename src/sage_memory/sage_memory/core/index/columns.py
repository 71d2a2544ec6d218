"""What filters look at: one value an experience and column, in memory."""

from __future__ import annotations

import math
import mmap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from sage_memory.core.rows.indexed import COLUMNS, SKETCH_SIZE

GROWTH = 1.5
MAPPED_BYTES = 2**18
"""From so many on an array has pages of its own, which go back to the system with it."""
DERIVED: dict[str, DTypeLike] = {"puzzle": np.bool_}
"""Whether it has a puzzle still."""
NAMED = ("modality", "source", "entity", "device_id", "place_frame")
SHAPES = {"sketch": (SKETCH_SIZE,)}
TIMES = ("start_ns", "end_ns")
"""Columns that ascend as long as what is remembered comes in its order of time."""


class GrowingArray:
    """Rows that are appended; views of the first rows stay valid while it grows."""

    def __init__(self, dtype: DTypeLike, row_shape: tuple[int, ...] = ()) -> None:
        self._rows = np.empty((64, *row_shape), dtype)
        self._count = 0

    def extend(self, rows: NDArray[Any]) -> None:
        """Append rows [n, *row_shape]."""
        end = self._count + len(rows)
        if end > len(self._rows):
            capacity = max(end, int(len(self._rows) * GROWTH))
            grown = _room((capacity, *self._rows.shape[1:]), self._rows.dtype)
            grown[: self._count] = self._rows[: self._count]
            self._rows = grown
        self._rows[self._count : end] = rows
        self._count = end

    def adopt(self, rows: NDArray[Any]) -> None:
        """Take over rows [n, *row_shape], into an empty array: not copied, nobody else keeps them.

        Raises:
            ValueError: rows of another kind.
        """
        if (rows.dtype, rows.shape[1:]) != (self._rows.dtype, self._rows.shape[1:]):
            raise ValueError(f"rows are {rows.dtype} {rows.shape[1:]}")
        self._rows, self._count = rows, len(rows)

    def view(self) -> NDArray[Any]:
        """All rows, not copied."""
        return self._rows[: self._count]


def _room(shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """An array to be filled; what is not filled is not resident, and nothing is left of it."""
    size = math.prod(shape) * dtype.itemsize
    if size < MAPPED_BYTES:
        return np.empty(shape, dtype)
    pages = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return np.frombuffer(pages, dtype).reshape(shape)


class Columns:
    """The columns of all experiences, ascending by number.

    Attributes:
        codes: column of `NAMED` -> name -> code; only ever added to.
        ascending: those of `TIMES` whose values never fall.
    """

    def __init__(self) -> None:
        self.ascending = frozenset(TIMES)
        self.codes: dict[str, dict[str, int]] = {name: {} for name in NAMED}
        self._arrays = {
            name: GrowingArray(dtype, SHAPES.get(name, ()))
            for name, dtype in (COLUMNS | DERIVED).items()
        }

    def __len__(self) -> int:
        return len(self._arrays["number"].view())

    def views(self) -> dict[str, NDArray[Any]]:
        """All columns, not copied."""
        return {name: array.view() for name, array in self._arrays.items()}

    def extend(self, experiences: Sequence[Sequence[Any]]) -> None:
        """Append experiences, values in the order of `COLUMNS`, numbers ascending."""
        for name, values in zip(COLUMNS, zip(*experiences, strict=True), strict=True):
            self._append(name, self._encoded(name, values))
            if name == "sketch":
                self._arrays["puzzle"].extend(np.array([len(s) == SKETCH_SIZE for s in values]))

    def adopt(
        self, arrays: Mapping[str, NDArray[Any]], codes: Mapping[str, Mapping[str, int]]
    ) -> None:
        """Take over what `copy` returned, into empty columns."""
        for name in NAMED:
            self.codes[name].update(codes[name])
        for name, values in arrays.items():
            self._append(name, values)

    def copy(self) -> tuple[dict[str, NDArray[Any]], dict[str, dict[str, int]]]:
        """All columns and codes now, without what was forgotten: times, names, places, puzzles."""
        arrays = {name: values.copy() for name, values in self.views().items()}
        gone = ~arrays["alive"]
        arrays["sketch"][gone] = 0
        arrays["puzzle"][gone] = False
        for name in ("start_ns", "end_ns", "total", "covers"):
            arrays[name][gone] = 0
        for name in ("place_x", "place_y", "place_z"):
            arrays[name][gone] = np.nan
        codes = {}
        for name in NAMED:
            names = {code: known for known, code in self.codes[name].items()}
            codes_used = np.flatnonzero(np.bincount(arrays[name][~gone]))
            used = [names[code] for code in codes_used.tolist()]
            own = {known: code for code, known in enumerate(["", *filter(None, used)])}
            fresh = np.array([own.get(names[code], 0) for code in range(len(names))] or [0])
            arrays[name] = fresh[arrays[name]].astype(np.int32)
            codes[name] = own
            arrays[name][gone] = 0
        return arrays, codes

    def rows_of(self, numbers: Sequence[int]) -> NDArray[np.int64]:
        """Rows of the experiences with these numbers; those unknown are left out."""
        known = self._arrays["number"].view()
        wanted = np.asarray(numbers, np.int64)
        rows = np.searchsorted(known, wanted)
        inside = rows < len(known)
        inside[inside] = known[rows[inside]] == wanted[inside]
        return np.asarray(rows[inside], np.int64)

    def change(self, name: str, rows: NDArray[np.int64], value: Any) -> None:
        """Set one column of some rows to one value."""
        if name in self.ascending and (self._arrays[name].view()[rows] != value).any():
            fresh = GrowingArray(COLUMNS[name])  # views that were given out keep theirs
            fresh.extend(self._arrays[name].view())
            self._arrays[name] = fresh
            self.ascending -= {name}
        self._arrays[name].view()[rows] = self._encoded(name, (value,))[0]
        if name == "sketch":
            self._arrays["puzzle"].view()[rows] = len(value) == SKETCH_SIZE

    def _append(self, name: str, values: NDArray[Any]) -> None:
        array = self._arrays[name]
        if name in self.ascending and len(values):
            before = array.view()[-1:]
            falls = before.size and values[0] < before[0]
            if falls or (values[1:] < values[:-1]).any():
                self.ascending -= {name}
        array.extend(values)

    def _encoded(self, name: str, values: Sequence[Any]) -> NDArray[Any]:
        if name in NAMED:
            codes = self.codes[name]
            return np.array([codes.setdefault(value or "", len(codes)) for value in values])
        if name == "id":
            return np.frombuffer(b"".join(values), COLUMNS["id"])
        if name == "sketch":
            blank = bytes(SKETCH_SIZE)
            whole = b"".join(s if len(s) == SKETCH_SIZE else blank for s in values)
            return np.frombuffer(whole, np.uint8).reshape(-1, SKETCH_SIZE)
        return np.asarray(values, COLUMNS[name])  # None becomes NaN: no place
