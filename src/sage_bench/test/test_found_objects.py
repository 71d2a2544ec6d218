"""What is said of objects that are found in scenes."""

from __future__ import annotations

import numpy as np
import pytest

from sage_bench.recognition.found_objects import (
    Scene,
    calibration_error,
    caption_recall,
    mean_precision,
    object_words,
)
from sage_common.core.labels import Label, Labels

IMAGE = np.zeros((4, 4, 3), np.uint8)
LEFT, RIGHT = (0.0, 0.0, 0.5, 1.0), (0.5, 0.0, 0.5, 1.0)
NAMES = ("cat", "dog")
SCENES = [
    Scene(IMAGE, {"cat": np.array([[0.0, 0.0, 0.5, 1.0]])}, "a cat"),
    Scene(IMAGE, {"dog": np.array([[0.5, 0.0, 1.0, 1.0]])}, "a dog"),
]


def found(*labels: Label) -> Labels:
    return Labels("finder-1@0", labels)


def test_precision_counts_each_object_once_and_where_it_is() -> None:
    right = [found(Label(0, 0.9, LEFT)), found(Label(1, 0.8, RIGHT))]
    assert mean_precision(SCENES, right, NAMES) == pytest.approx(1.0)
    twice = [found(Label(0, 0.9, LEFT), Label(0, 0.8, LEFT)), right[1]]
    assert mean_precision(SCENES, twice, NAMES) == pytest.approx(1.0), "behind the right one"
    elsewhere = [found(Label(0, 0.9, RIGHT)), right[1]]
    assert mean_precision(SCENES, elsewhere, NAMES) == pytest.approx(0.5)
    before = [found(Label(0, 0.9, RIGHT), Label(0, 0.8, LEFT)), right[1]]
    assert mean_precision(SCENES, before, NAMES) == pytest.approx(0.75)
    assert mean_precision(SCENES, [found(), found()], NAMES) == 0.0


def test_probabilities_are_held_against_what_is_right() -> None:
    sure = [found(Label(0, 1.0, LEFT)), found(Label(1, 1.0, RIGHT))]
    assert calibration_error(SCENES, sure, NAMES) == pytest.approx(0.0)
    wrong = [found(Label(1, 0.8, LEFT)), found(Label(0, 0.8, RIGHT))]
    assert calibration_error(SCENES, wrong, NAMES) == pytest.approx(0.8)


def test_rankings_by_words_and_by_captions() -> None:
    answers = {"a cat": [0, 1], "a dog": [0, 1]}
    assert object_words(SCENES, lambda words, _: answers[words]) == pytest.approx(0.75)
    assert caption_recall(SCENES, lambda words, _: [0]) == pytest.approx(0.5)
