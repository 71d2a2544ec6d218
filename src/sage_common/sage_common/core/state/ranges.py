"""Which numbers a declared attribute may hold: `State[Count]`, `State[Annotated[Array, SHARE]]`."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin

import numpy as np

from sage_common.core.errors import InvalidInput

LARGEST = sys.float_info.max


@dataclass(frozen=True)
class Range:
    """A mark beside a type: finite numbers from `least` to `most`, unless these are infinite.

    It holds for a number, for each of an array, and, within a list, for each of its items.
    """

    least: float = -LARGEST
    most: float = LARGEST

    def check(self, path: str, value: Any) -> None:
        """Whether a number, or every number of an array, lies within.

        Raises:
            InvalidInput: one does not; named is the first.
        """
        if isinstance(value, np.ndarray):
            # Beyond its largest number float32 has none to compare with.
            low = value >= self.least if self.least > -LARGEST else np.isfinite(value)
            high = value <= self.most if self.most != LARGEST else np.isfinite(value)
            wrong = ~(low & high)
            if wrong.any():
                raise InvalidInput(path, value[wrong][0].item(), f"numbers {self}")
        elif not self.least <= value <= self.most:
            raise InvalidInput(path, value, f"a number {self}")

    def __str__(self) -> str:
        least = "above 0" if self.least == _ABOVE_ZERO else f"of at least {self.least:g}"
        if self.least <= -LARGEST:
            return "of any finite size" if self.most >= LARGEST else f"of at most {self.most:g}"
        if self.most >= LARGEST:
            return least if self.most > LARGEST else f"{least}, finite"
        return f"{least}, at most {self.most:g}"


_ABOVE_ZERO = math.ulp(0.0)
FINITE = Range()
NOT_NEGATIVE = Range(0.0)
POSITIVE = Range(_ABOVE_ZERO)
SHARE = Range(0.0, 1.0)
STAMP = Range(-(2**63), 2**63 - 1)

Count = Annotated[int, NOT_NEGATIVE]
Stamp = Annotated[int, STAMP]
Finite = Annotated[float, FINITE]
NotNegative = Annotated[float, NOT_NEGATIVE]
Positive = Annotated[float, POSITIVE]
Share = Annotated[float, SHARE]


def range_of(kind: Any) -> Range | None:
    """The range that a declared type is marked with; None: any number will do."""
    if get_origin(kind) is not Annotated:
        return None
    return next((mark for mark in get_args(kind)[1:] if isinstance(mark, Range)), None)
