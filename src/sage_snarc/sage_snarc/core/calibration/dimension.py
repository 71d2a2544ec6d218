"""From a raw measure to a calibrated dimension and to what it contributes to salience."""

from __future__ import annotations

from typing import NamedTuple

from sage_common.core.state.fields import State
from sage_common.core.state.stateful import Stateful
from sage_snarc.core.calibration.tail import Tail


class Reading(NamedTuple):
    """One calibrated reading.

    Attributes:
        rank: share of the past that was smaller, [0, 1).
        excess: `-ln p`, p the chance that the past holds for a value at least as large, >= 0; 0
            while unknown, without an upper bound.
    """

    rank: float
    excess: float


NOTHING = Reading(0.0, 0.0)


class Dimension(Stateful):
    """A raw measure (>= 0), its rank and its rarity.

    A rank alone cannot be salience: in a steady stream ranks are uniform, however little happens,
    and they say nothing of how far beyond the largest something is. The tail does.
    """

    new_keys = frozenset({"tail"})
    tail: State[Tail]

    def __init__(self, floor: float = 0.0) -> None:
        """`floor`: the measure's absolute resolution; 0: free scale."""
        self.tail = Tail(floor)

    @property
    def count(self) -> int:
        """Number of values that have become past."""
        return self.tail.quantile.count

    def compare(self, value: float) -> Reading:
        """`value` (finite, >= 0) beside the past."""
        return Reading(self.tail.quantile.rank(value), self.tail.excess(value))

    def learn(self, value: float, horizon: int) -> None:
        """Let `value` become past; `horizon`: samples of memory."""
        self.tail.add(value, horizon)

    def value(self, share: float) -> float:
        """The value below which `share` (0..1) of the past lies; 0 before any past."""
        return self.tail.quantile.value(share)
