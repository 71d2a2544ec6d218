"""What the detector adds to looks at what is attended."""

from __future__ import annotations

import numpy as np
import pytest

from sage_bench.recognition.detector_last import rows
from sage_bench.recognition.scenes import Thing
from sage_common.core.labels import Label, Labels
from sage_encoders.core.recognition.picture_classifier import Naming
from sage_orchestrator.core.plugin import Region

IMAGE = np.zeros((100, 200, 3), np.uint8)
REGION, BOX = Region(100, 0, 100, 100), (0.5, 0.0, 0.5, 1.0)
NAMES = ("cat", "dog")


class Classifier:
    """As sure of the first class as it is told."""

    def __init__(self, sure: float) -> None:
        self.sure = sure

    def name(self, image: np.ndarray) -> Naming:
        probabilities = np.full(1000, (1.0 - self.sure) / 999, np.float32)
        probabilities[0] = self.sure
        return Naming(probabilities, np.zeros(1280, np.float32))


class Finder:
    """Finds a dog in the right half."""

    def find(self, image: np.ndarray) -> Labels:
        return Labels("finder-1@0", (Label(1, 0.8, BOX),))


@pytest.mark.parametrize(
    ("sure", "right", "beside"),
    [(0.3, 1.0, (1.0, 0.0, 1.0)), (0.6, 0.0, (1.0, 0.0, 1.0)), (0.9, 0.0, (0.0, 0.0, 1.0))],
)
def test_it_comes_where_looks_are_not_sure(
    sure: float, right: float, beside: tuple[float, float, float]
) -> None:
    dog = Thing(IMAGE, REGION, np.zeros(1000, np.bool_), "dog")
    named, taken = rows([dog], NAMES, Classifier(sure), Finder())
    assert named.value == right
    ways = ("detector anyway", "looks alone", "detector alone")
    assert tuple(named.baselines[way] for way in ways) == beside
    assert taken.unit == "ms" and taken.value <= taken.baselines["detector anyway"]
