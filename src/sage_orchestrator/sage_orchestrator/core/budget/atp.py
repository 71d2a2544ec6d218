"""ATP, the currency of compute: 1 ATP is 0.1 ms of one worker's measured time.

Inside, amounts are whole nanoseconds, so that sums are exact and nothing is minted by rounding;
ATP appear only in messages and parameters.
"""

from __future__ import annotations

import math

from sage_common.core.errors import InvalidInput

NS_PER_ATP = 100_000


def to_ns(atp: float, field: str = "atp") -> int:
    """ATP as nanoseconds of a worker's time.

    Raises:
        InvalidInput: not finite, or negative.
    """
    if not math.isfinite(atp) or atp < 0.0:
        raise InvalidInput(field, atp, "a finite number of ATP, at least 0")
    return round(atp * NS_PER_ATP)


def to_atp(ns: int) -> float:
    """Nanoseconds of a worker's time as ATP."""
    return ns / NS_PER_ATP
