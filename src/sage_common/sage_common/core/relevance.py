"""How similar words must be to be an answer, rather than the least unlike of what there is."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Relevance:
    """The floor of an encoder, calibrated on questions about something else.

    The largest of n unrelated similarities grows with the logarithm of n where their distribution
    has an exponential tail (Gumbel's law of extremes), so the floor does, too: 19 of 20
    questions about something else stay below it, up to `most`.

    Attributes:
        level: floor for one text, cosine.
        growth: of the floor for e times as many.
        most: the floor never exceeds this: 99 of 100 questions that have an answer reach it.
    """

    level: float
    growth: float
    most: float

    def floor(self, count: int) -> float:
        """Least cosine of an answer among so many that were compared."""
        return min(self.most, self.level + self.growth * math.log(max(count, 1)))
