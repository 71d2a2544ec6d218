"""What one model recognised at one moment, class by class: which experiences show how much of it.

A label counts if its probability times the fit of its class to what is asked for is `LEAST` or
more: ten labels that do not count are together less than `10 * LEAST`. Of a class only the labels
down to that probability are read: they lie in the order of their probabilities.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sage_memory.core.labels.encoding import probabilities

LEAST = np.float32(0.01)
MOST = np.float32(0.9999)
"""Of a probability: no model is more certain, whatever it says."""
PROBABILITIES = probabilities()
STEPS = np.array([2.0**-step for step in range(8)], np.float32)
"""Probabilities down to which the labels of a class are counted; there are more below them."""


@dataclass(frozen=True)
class LabelView:
    """The labels of one model; in the order of their classes, then of their probabilities.

    Attributes:
        rows: int32 [n], experience row of each label.
        codes: uint16 [n], of their probabilities.
        starts: int64 [classes + 1], where the labels of a class begin.
        counts: int32 [classes, steps], how many of them reach each probability of `STEPS`.
        new_numbers, new_rows, new_codes: uint16, int32 and uint16 [m], labels in no order yet.
        labelled: bool [experiences known], which experiences have labels, maybe none recognised.
    """

    rows: NDArray[np.int32]
    codes: NDArray[np.uint16]
    starts: NDArray[np.int64]
    counts: NDArray[np.int32]
    new_numbers: NDArray[np.uint16]
    new_rows: NDArray[np.int32]
    new_codes: NDArray[np.uint16]
    labelled: NDArray[np.bool_]

    def doubt(self, fits: NDArray[np.float32], experiences: int) -> NDArray[np.float64]:
        """Logarithm of the probability that nothing in an experience is what is asked for.

        Args:
            fits: float32 [classes of the vocabulary], how well each is what is asked for, [0, 1].
            experiences: how many there are.

        Returns:
            float64 [experiences]: 0 where nothing was recognised that fits.
        """
        found = [self._new(fits)]
        known = len(self.starts) - 1
        asked = np.flatnonzero(fits[:known] >= LEAST)
        if asked.size:
            found.append(self._ordered(asked, fits[asked]))
        rows, evidence = (np.concatenate(parts) for parts in zip(*found, strict=True))
        counting = np.flatnonzero(evidence >= LEAST)
        certain = np.minimum(evidence[counting], MOST)
        doubts = np.bincount(rows[counting], np.log1p(-certain), minlength=experiences)
        return np.asarray(doubts[:experiences], np.float64)

    def _new(self, fits: NDArray[np.float32]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        return self.new_rows, PROBABILITIES[self.new_codes] * fits[self.new_numbers]

    def _ordered(
        self, asked: NDArray[np.int64], fits: NDArray[np.float32]
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Experience rows and evidence of the labels of some classes, as far as they count."""
        least = LEAST / fits
        step = np.searchsorted(-STEPS, -least)
        ends = self.starts[asked + 1]
        within = step < len(STEPS)
        counted = self.counts[asked[within], step[within]]
        ends[within] = self.starts[asked[within]] + counted
        lengths = ends - self.starts[asked]
        slices = [
            slice(*ends) for ends in zip(self.starts[asked].tolist(), ends.tolist(), strict=True)
        ]
        rows = np.concatenate([self.rows[some] for some in slices])
        codes = np.concatenate([self.codes[some] for some in slices])
        return rows, PROBABILITIES[codes] * np.repeat(fits, lengths)
