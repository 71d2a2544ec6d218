"""What a model recognised in a percept: classes with probabilities, and where they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sage_common.core.errors import InvalidInput

MOST_LABELS = 32
"""Of one model in one percept."""
MOST_CLASSES = 2**16
"""Of one model."""
LONGEST_NAME = 128
Box = tuple[float, float, float, float]
_INTEGERS = (int, np.integer)
_NUMBERS = (float, int, np.floating, np.integer)
_SLACK = 1e-6
"""By how much rounding may put the far edge of a box out of the picture."""


@dataclass(frozen=True)
class Label:
    """One thing that was recognised.

    Attributes:
        number: of the class, in its model's vocabulary.
        probability: calibrated, [0, 1].
        box: left, top, width, height as shares of the picture, [0, 1]; None: somewhere in it.
    """

    number: int
    probability: float
    box: Box | None = None


@dataclass(frozen=True)
class Labels:
    """What one model recognised in one percept.

    Attributes:
        model_id: name-version@hash, as the ids of encoders.
        labels: best first, at most 32; none: it recognised nothing.
    """

    model_id: str
    labels: tuple[Label, ...]


def joined(found: Sequence[Labels]) -> Labels:
    """Classes of a percept with the things in it, by one model: best first, at most 32.

    What has a box is not named again without.
    """
    every = [label for one in found for label in one.labels]
    every.sort(key=lambda label: (-label.probability, label.box is None))
    named = {label.number for label in every if label.box is not None}
    kept: list[Label] = []
    for label in every:
        if label.box is not None or label.number not in named:
            kept.append(label)
            named.add(label.number)
    return Labels(found[0].model_id, tuple(kept[:MOST_LABELS]))


def check_labels(labels: Labels, classes: int = MOST_CLASSES) -> None:
    """Prove what a model recognised.

    Args:
        classes: how many its vocabulary has.

    Raises:
        InvalidInput: names the field, its value, and what was expected.
    """
    if not isinstance(labels, Labels):
        raise InvalidInput("labels", labels, "Labels")
    _check_name("model_id", labels.model_id)
    found = labels.labels
    if not isinstance(found, tuple) or len(found) > MOST_LABELS:
        raise InvalidInput("labels", found, f"a tuple of at most {MOST_LABELS} labels")
    best = 1.0
    for place, label in enumerate(found):
        name = f"labels[{place}]"
        if not isinstance(label, Label):
            raise InvalidInput(name, label, "a Label")
        number, probability = label.number, label.probability
        is_number = isinstance(number, _INTEGERS) and not isinstance(number, bool)
        if not is_number or not 0 <= number < classes:
            raise InvalidInput(f"{name}.number", number, f"an integer, 0 to {classes - 1}")
        if not isinstance(probability, _NUMBERS) or not 0.0 <= probability <= 1.0:  # nor is NaN
            raise InvalidInput(f"{name}.probability", probability, "a number in [0, 1]")
        if probability > best:
            raise InvalidInput(f"{name}.probability", probability, f"at most {best}: best first")
        best = probability
        if label.box is not None:
            _check_box(f"{name}.box", label.box)


def check_vocabulary(names: Sequence[str]) -> tuple[str, ...]:
    """The names of a model's classes in order, proven.

    Raises:
        InvalidInput: there are none or too many, or one of them is no name.
    """
    if not isinstance(names, Sequence) or isinstance(names, str | bytes):
        raise InvalidInput("vocabulary", names, "names of classes")
    if not 1 <= len(names) <= MOST_CLASSES:
        raise InvalidInput("len(vocabulary)", len(names), f"1..{MOST_CLASSES}")
    for place, name in enumerate(names):
        _check_name(f"vocabulary[{place}]", name)
    return tuple(names)


def _check_name(field: str, name: Any) -> None:
    try:
        fits = isinstance(name, str) and 1 <= len(name.encode().decode()) <= LONGEST_NAME
    except UnicodeEncodeError:  # lone surrogates
        fits = False
    if not fits:
        raise InvalidInput(field, name, f"1 to {LONGEST_NAME} characters")


def _check_box(field: str, box: Any) -> None:
    try:
        left, top, width, height = map(float, box)
        fits = all(0.0 <= share <= 1.0 for share in (left, top, width, height))
        fits = fits and left + width <= 1.0 + _SLACK and top + height <= 1.0 + _SLACK
    except (TypeError, ValueError, OverflowError):
        fits = False
    if not fits:
        raise InvalidInput(field, box, "left, top, width, height inside the picture, in [0, 1]")
