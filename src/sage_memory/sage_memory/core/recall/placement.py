"""Where one experience stands among all that are kept: in time and in salience."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sage_memory.core.experience import Experience
from sage_memory.core.index.index import View


@dataclass(frozen=True)
class Placed:
    """An experience among all that are kept.

    Attributes:
        experience: the whole record, without its embedding.
        rank: share of all whose total salience is smaller, [0, 1).
        oldest_ns, newest_ns: first start and last end of all [ns].
    """

    experience: Experience
    rank: float
    oldest_ns: int
    newest_ns: int


def nearest(view: View, stamp_ns: int, left_out: Sequence[int] = ()) -> int | None:
    """Row of the experience nearest in time, of equally near ones the last; None if none is kept.

    An experience that covers the stamp is at distance 0. Rows in `left_out` do not count.
    """
    rows = np.flatnonzero(view.columns["alive"])
    if left_out:
        rows = rows[~np.isin(rows, left_out)]
    if not rows.size:
        return None
    before_ns = view.columns["start_ns"][rows] - stamp_ns
    after_ns = stamp_ns - view.columns["end_ns"][rows]
    away_ns = np.maximum(np.maximum(before_ns, after_ns), 0)
    return int(rows[len(rows) - 1 - int(away_ns[::-1].argmin())])


def numbered(view: View, number: int) -> int | None:
    """Row of the experience with a store's number; None if it is not there, or was forgotten."""
    numbers = view.columns["number"]
    row = int(np.searchsorted(numbers, number))
    known = row < len(numbers) and numbers[row] == number and view.columns["alive"][row]
    return row if known else None


def placed(view: View, row: int, experience: Experience) -> Placed:
    """The experience in `row` with its place among all that are kept."""
    alive = view.columns["alive"]
    totals = view.columns["total"]
    return Placed(
        experience,
        float((totals[alive] < totals[row]).mean()),
        int(view.columns["start_ns"][alive].min()),
        int(view.columns["end_ns"][alive].max()),
    )
