"""What was named so far."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sage_common.core.labels import Box, Label, Labels
from sage_encoders.core.recognition.picture_classifier import Naming
from sage_orchestrator.core.plugin import Region
from sage_plugins.squares import Pixels, Square

LEAST_PROBABILITY = 1e-12
SAME_PLACE = 0.5
"""Intersection over union of an object's box and the region from which on it is attended."""


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
        objects: that were found in the picture; None: they were not looked for.
        finds: whether objects can be looked for.
    """

    image: Pixels
    region: Region | None
    whole: View
    looks: tuple[View, ...]
    waiting: tuple[Square, ...]
    objects: Labels | None = None
    finds: bool = False

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
    def looked_enough(self) -> bool:
        """Whether more looks at the region are of no use."""
        return not self.waiting or self.settled

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        return self.looked_enough and (self.objects is not None or not self.finds)

    @property
    def attended(self) -> tuple[Label, ...]:
        """The objects that the region shows, or the picture without one, best first."""
        if self.objects is None:
            return ()
        if self.region is None:
            return self.objects.labels
        height, width = self.image.shape[:2]
        return tuple(
            label
            for label in self.objects.labels
            if label.box is not None
            and overlap(label.box, shares(self.region, width, height)) >= SAME_PLACE
        )

    @property
    def wrong(self) -> float:
        """Probability that the best name is wrong, [0, 1]; 1 before the region was looked at."""
        if self.region is not None and not self.looks:
            return 1.0
        found = max((label.probability for label in self.attended), default=0.0)
        return 1.0 - max(float(self.probabilities.max()), found)


def shares(region: Region, width: int, height: int) -> Box:
    """Left, top, width and height of a region in shares of its picture."""
    across, down = region.left / width, region.top / height
    return across, down, region.width / width, region.height / height


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes, [0, 1]."""
    across = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    down = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    both = max(across, 0.0) * max(down, 0.0)
    return both / max(one[2] * one[3] + other[2] * other[3] - both, 1e-12)
