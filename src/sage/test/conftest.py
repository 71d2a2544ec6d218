"""Percepts made at random, for the tests of the salience bench; modules beside the tests."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sage.bench.salience.percepts import MODALITIES, Percepts, Sensed

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def random_percepts() -> Callable[..., Percepts]:
    """Makes independent percepts of every modality at every tick; no events."""

    def make(ticks: int, seed: int = 0) -> Percepts:
        generator = np.random.default_rng(seed)
        sensed = {}
        for modality in MODALITIES:
            vectors = generator.standard_normal((ticks, 16)).astype(np.float32)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            codes = generator.integers(0, 10, (ticks, 30, 30), np.uint8)
            sensed[modality] = Sensed(np.arange(ticks), codes, vectors, "made 1")
        return Percepts("made", "", ticks / 10, (), (), np.arange(1, ticks + 1) / 10.0, sensed)

    return make
