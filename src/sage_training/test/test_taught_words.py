"""What a taught word is told by is fitted to classes that are given, and asked of the others."""

from __future__ import annotations

import numpy as np
import pytest

from sage_memory.core.taught.taught_word import Logistic
from sage_training.taught_words import (
    SHOWN,
    Labelled,
    Trial,
    fitted_logistic,
    fitted_scale,
    trials,
)


def things(classes: int, members: int, spread: float) -> Labelled:
    """Features around a direction for each class."""
    random = np.random.default_rng(0)
    numbers = np.repeat(np.arange(classes), members)
    around = random.normal(size=(classes, 64))[numbers]
    features = (around + random.normal(0.0, spread, around.shape)).astype(np.float32)
    return Labelled(features / np.linalg.norm(features, axis=1, keepdims=True), numbers)


def test_what_was_shown_is_not_asked_for() -> None:
    found = things(4, 6, 0.1)
    tried = [*trials(found, 2, counts=(1, 3), strangers=found.features[:5])]
    assert len(tried) == 2 * 2 * 4
    for trial in tried:
        assert len(trial.cosines) == 24 - trial.examples
        assert trial.right.sum() == 6 - trial.examples
        assert trial.cosines[trial.right].min() > trial.cosines[~trial.right].max()
        assert trial.others is not None and trial.others.shape == (5,)
    assert not [*trials(found, 1, counts=(6,))], "nothing would be left to find"


def test_a_logistic_is_found_again() -> None:
    random = np.random.default_rng(1)
    known = Logistic(12.0, 0.4, 0.05)
    tried = []
    for count in (1, 3, 5):
        cosines = random.uniform(0.0, 0.9, 20_000).astype(np.float32)
        odds = np.array([known.probability(float(c), count) for c in cosines])
        tried.append(Trial(count, cosines, random.random(len(cosines)) < odds))
    right = np.concatenate([trial.right for trial in tried]).mean()
    moved = np.log(right / (1.0 - right)) - np.log(SHOWN / (1.0 - SHOWN))
    found = fitted_logistic(tried)
    assert found.slope == pytest.approx(known.slope, rel=0.05)
    assert found.even == pytest.approx(known.even + moved / known.slope, abs=0.02)
    assert found.growth == pytest.approx(known.growth, abs=0.01)


def test_a_scale_has_no_deviation_of_nothing() -> None:
    features = np.zeros((5, 3), np.float32)
    features[:, 1] = np.arange(5)
    mean, deviation = fitted_scale(features)
    assert mean.tolist() == [0.0, 2.0, 0.0] and (deviation > 0.0).all()
