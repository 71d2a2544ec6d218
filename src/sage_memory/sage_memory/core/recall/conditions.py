"""The conditions of a query: which experiences fulfil them, and in words why one does not."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_common.core.clock import NS_PER_S
from sage_memory.core.index.index import View
from sage_memory.core.recall.query import Kept, Query

Mask = NDArray[np.bool_]
Columns = Mapping[str, NDArray[Any]]
Test = Callable[[Columns], Mask]
EVERYTHING = "kept in memory"
PICK_BELOW = 0.04
"""Below this share of all, picking out the values of those that are left is cheaper."""
SLACK = 1.0 + 1e-9
"""Times a radius: more than rounding can add to a distance."""


@dataclass(frozen=True)
class Condition:
    """One condition of a query.

    Attributes:
        name: in words.
        tests: bool [n] each for columns of n experiences; all must hold.
        failure: in words, why the experience in a row fails it.
        last: one more test, which takes long: only of those that are left.
        span: first row that fulfils it, and first one after them that does not, where those that
            do are known to be a run; None: they are not.
    """

    name: str
    tests: tuple[Test, ...]
    failure: Callable[[int], str]
    last: Test | None = None
    span: tuple[int, int] | None = None

    def narrow(self, columns: Columns, left: _Left) -> None:
        """Take out of those left the ones that do not fulfil it."""
        for test in self.tests:
            left.keep(test, columns)
        if self.last is not None:
            left.pick()
            left.keep(self.last, columns)

    def holds(self, columns: Columns, row: int) -> bool:
        """Whether the experience in a row fulfils it."""
        left = _Left(np.ones(1, np.bool_))
        self.narrow(_Picked(columns, np.array([row])), left)
        return left.count == 1


class _Picked(Mapping[str, NDArray[Any]]):
    """The values of some rows, of those columns that are looked at."""

    def __init__(self, columns: Columns, rows: NDArray[np.int64]) -> None:
        self._columns, self._rows = columns, rows

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._columns[name].take(self._rows, axis=0)

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)


class _Left:
    """Those of some experiences that are left, as a mask, and once they are few, as rows.

    Args:
        mask: bool [n], is written to.
    """

    def __init__(self, mask: Mask) -> None:
        self.count = int(np.count_nonzero(mask))
        self._mask = mask
        self._rows: NDArray[np.int64] | None = None

    def cut(self, first: int, last: int) -> None:
        """Keep those from row `first` to before row `last`."""
        if self._rows is None:
            self._mask[:first] = False
            self._mask[last:] = False
            self.count = int(np.count_nonzero(self._mask))
        else:
            self._rows = self._rows[slice(*self._rows.searchsorted((first, last)).tolist())]
            self.count = len(self._rows)

    def pick(self) -> None:
        """Go on with their rows alone."""
        if self._rows is None:
            self._rows = np.flatnonzero(self._mask)

    def keep(self, test: Test, columns: Columns) -> None:
        """Keep those of which a test holds, which is only made of them where that is cheaper."""
        if self.count < PICK_BELOW * len(self._mask):
            self.pick()
        if self._rows is None:
            self._mask &= test(columns)
            self.count = int(np.count_nonzero(self._mask))
        else:
            holding = test(_Picked(columns, self._rows))
            self._rows = self._rows.take(np.flatnonzero(holding))
            self.count = len(self._rows)

    def settle(self) -> None:
        """Let the mask say who is left."""
        if self._rows is not None:
            self._mask[:] = False
            self._mask[self._rows] = True


def conditions(view: View, query: Query) -> list[Condition]:
    """The conditions that a query sets, the cheap ones first."""
    found = [
        _named(view, name, word, getattr(query, name))
        for name, word in (
            ("modality", "modality"), ("source", "source"), ("entity", "entity"),
            ("device_id", "device"),
        )
        if getattr(query, name)
    ]  # fmt: skip
    if query.min_salience > 0.0:
        found.append(_salient(view, query.min_salience))
    if query.start_ns is not None:
        found.append(_not_before(view, query.start_ns))
    if query.end_ns is not None:
        found.append(_not_after(view, query.end_ns))
    if query.place is not None:
        found.append(_near(view, query))
    return found


def wanted(view: View, tried: list[Condition]) -> tuple[Mask, tuple[Kept, ...]]:
    """Experiences that fulfil all conditions, bool [n], and how many each one left."""
    fitting: Mask = view.columns["alive"].copy()
    left = _Left(fitting)
    kept = [Kept(EVERYTHING, left.count)]
    for condition in tried:
        if condition.span is None:
            condition.narrow(view.columns, left)
        else:
            left.cut(*condition.span)
        kept.append(Kept(condition.name, left.count))
    left.settle()
    return fitting, tuple(kept)


def failures(view: View, tried: list[Condition], row: int) -> list[str]:
    """In words, the conditions that the experience in a row does not fulfil."""
    return [condition.failure(row) for condition in tried if not condition.holds(view.columns, row)]


def _named(view: View, column: str, word: str, value: str) -> Condition:
    code = view.codes[column].get(value, -1)

    def failure(row: int) -> str:
        found = view.name(column, row)
        return f"{word} is {found}, not {value}" if found else f"no {word}, not {value}"

    return Condition(f"{word} {value}", (lambda columns: columns[column] == code,), failure)


def _salient(view: View, least: float) -> Condition:
    return Condition(
        f"salience from {least:.2f}",
        (lambda columns: columns["total"] >= np.float32(least),),
        lambda row: f"salience {view.columns['total'][row]:.2f} is below {least:.2f}",
    )


def _not_before(view: View, start_ns: int) -> Condition:
    def failure(row: int) -> str:
        return f"over {_seconds(start_ns - int(view.columns['end_ns'][row]))} too early"

    tests = (lambda columns: columns["end_ns"] >= start_ns,)
    span = None
    if "end_ns" in view.ascending:
        ends_ns = view.columns["end_ns"]
        span = int(np.searchsorted(ends_ns, start_ns)), len(ends_ns)
    return Condition("from the start", tests, failure, span=span)


def _not_after(view: View, end_ns: int) -> Condition:
    def failure(row: int) -> str:
        return f"began {_seconds(int(view.columns['start_ns'][row]) - end_ns)} too late"

    tests = (lambda columns: columns["start_ns"] <= end_ns,)
    span = None
    if "start_ns" in view.ascending:
        span = 0, int(np.searchsorted(view.columns["start_ns"], end_ns, side="right"))
    return Condition("until the end", tests, failure, span=span)


def _near(view: View, query: Query) -> Condition:
    assert query.place is not None
    x, y, z = query.place
    radius = query.place_radius_m
    code = view.codes["place_frame"].get(query.place_frame, -1)

    def distance(columns: Columns) -> NDArray[np.float64]:
        squares = np.square(columns["place_x"] - x) + np.square(columns["place_y"] - y)
        if not math.isnan(z):
            squares += np.square(columns["place_z"] - z)
        return np.asarray(np.sqrt(squares), np.float64)

    west, east = _around(x, radius)
    south, north = _around(y, radius)
    tests: tuple[Test, ...] = (
        lambda columns: _between(columns["place_x"], west, east),
        lambda columns: _between(columns["place_y"], south, north),
    )
    if code < 0 or set(view.codes["place_frame"]) - {"", query.place_frame}:
        tests = (lambda columns: columns["place_frame"] == code, *tests)
    # else every place is in this frame; what has no frame has coordinates of NaN

    def inside(columns: Columns) -> Mask:
        return np.asarray(distance(columns) <= radius)

    def failure(row: int) -> str:
        frame = view.name("place_frame", row)
        if not frame:
            return "its place is unknown"
        if frame != query.place_frame:
            return f"its place is in frame {frame}, not {query.place_frame}"
        one = _Picked(view.columns, np.array([row]))
        return f"{distance(one)[0]:.1f} m from the place, at most {radius:.1f} m were asked for"

    return Condition(f"within {radius:g} m of the place", tests, failure, inside)


def _between(values: NDArray[np.float64], low: float, high: float) -> Mask:
    inside = values >= low
    inside &= values <= high
    return inside


def _around(middle: float, radius: float) -> tuple[float, float]:
    """Beyond these nothing can be within the radius, however it was rounded."""
    return (
        math.nextafter(middle - SLACK * radius, -math.inf),
        math.nextafter(middle + SLACK * radius, math.inf),
    )


def _seconds(duration_ns: int) -> str:
    return f"{duration_ns / NS_PER_S:.3g} s"
