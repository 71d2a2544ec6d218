"""Detectors of single numbers beside salience: each hears the simple signals of a stream."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sage_bench.salience.baselines.forms import SIMPLE
from sage_bench.salience.baselines.running import Values, z_scores
from sage_bench.salience.scalars.detectors import (
    matrix_profile,
    relative_entropy,
    resonance,
    spectral_residual,
)
from sage_bench.salience.scalars.detectors.columns import Detector

DETECTORS: dict[str, Detector] = {
    "relative entropy": relative_entropy.relative_entropy,
    "resonance (after ARTime)": resonance.resonance,
    "spectral residual": spectral_residual.spectral_residual,
    "matrix profile": matrix_profile.matrix_profile,
}
WARM_UP = 300
"""Ticks that are not judged."""
NOTE = (
    f"detectors of single numbers ({', '.join(DETECTORS)}) hear each of {', '.join(SIMPLE)}; the "
    "largest of their running z-scores over 5 s counts, which on the development half finds more "
    "than their values, their ranks in the past and longer horizons do"
)


def largest_of_signals(raw: Mapping[str, Values]) -> dict[str, Values]:
    """The largest running z-score of a detector of any simple signal, float64 [T] by name.

    Args:
        raw: signals float64 [T], the simple ones among them.
    """
    return {
        name: np.max([z_scores(detector(raw[one][:, None], WARM_UP)) for one in SIMPLE], axis=0)
        for name, detector in DETECTORS.items()
    }
