"""What was named so far."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sage_encoders.core.recognition.picture_classifier import Naming
from sage_orchestrator.core.plugin import Region
from sage_plugins.squares import Pixels, Square

LEAST_PROBABILITY = 1e-12


@dataclass(frozen=True)
class View:
    """A square of the picture and what it was taken for."""

    square: Square
    naming: Naming


@dataclass(frozen=True)
class RecogniseState:
    """What was named so far.

    Attributes:
        image: native RGB uint8 [H, W, 3].
        region: of attention, inside the image; None: nothing is attended.
        whole: the largest centred square.
        looks: at the region, each with other surroundings.
        waiting: squares around the region that were not looked at, in order.
    """

    image: Pixels
    region: Region | None
    whole: View
    looks: tuple[View, ...]
    waiting: tuple[Square, ...]

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """Of each class that the region shows it, float32 [1000]; before it was looked at, and
        without one, that the picture does.

        The geometric mean of what the looks said (a logarithmic opinion pool: T. Heskes,
        "Selecting Weighting Factors in Logarithmic Opinion Pools", NIPS 1997).
        """
        if not self.looks:
            return self.whole.naming.probabilities
        said = np.stack([look.naming.probabilities for look in self.looks])
        logarithm = np.log(np.maximum(said, LEAST_PROBABILITY)).mean(axis=0, dtype=np.float64)
        powers = np.exp(logarithm - logarithm.max())
        return np.asarray(powers / powers.sum(), np.float32)

    @property
    def settled(self) -> bool:
        """Whether the newest look left the best name what it was."""
        if len(self.looks) < 2:
            return False
        before = replace(self, looks=self.looks[:-1])
        return int(before.probabilities.argmax()) == int(self.probabilities.argmax())

    @property
    def wrong(self) -> float:
        """Probability that the best name is wrong, [0, 1]; 1 before the region was looked at."""
        if self.region is not None and not self.looks:
            return 1.0
        return 1.0 - float(self.probabilities.max())
