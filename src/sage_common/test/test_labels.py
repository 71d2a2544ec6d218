"""Labels are proven before anybody uses them, each wrong field by its name."""

from __future__ import annotations

import numpy as np
import pytest

from sage_common.core.errors import InvalidInput
from sage_common.core.labels import Label, Labels, check_labels, check_vocabulary

WHOLE = (0.0, 0.0, 1.0, 1.0)


def of(*labels: Label) -> Labels:
    return Labels("classes-1@abc", labels)


@pytest.mark.parametrize(
    "labels",
    [
        of(),
        of(Label(0, 1.0, WHOLE), Label(9, 0.0)),
        of(Label(np.int32(3), np.float32(0.5), (0.3, 0.2, 0.7, 0.8))),
        of(*[Label(4, 0.1)] * 32),
    ],
)
def test_labels_that_are_right_pass(labels: Labels) -> None:
    check_labels(labels, 10)


@pytest.mark.parametrize(
    ("labels", "named"),
    [
        (None, "labels = None"),
        (Labels("", ()), "model_id = ''"),
        (Labels("x" * 129, ()), "model_id"),
        (Labels("\ud800", ()), "model_id"),
        (Labels("a", [Label(1, 0.5)]), r"labels = \[.*a tuple of at most 32"),  # type: ignore[arg-type]
        (of(*[Label(1, 0.5)] * 33), "a tuple of at most 32 labels"),
        (of("cat"), r"labels\[0\] = 'cat'"),  # type: ignore[arg-type]
        (of(Label(10, 0.5)), r"labels\[0\].number = 10: expected an integer, 0 to 9"),
        (of(Label(-1, 0.5)), r"labels\[0\].number"),
        (of(Label(True, 0.5)), r"labels\[0\].number"),
        (of(Label(1, float("nan"))), r"labels\[0\].probability"),
        (of(Label(1, 1.5)), r"labels\[0\].probability"),
        (of(Label(1, "much")), r"labels\[0\].probability"),  # type: ignore[arg-type]
        (of(Label(1, 0.1), Label(2, 0.2)), r"labels\[1\].probability = 0.2: .* best first"),
        (of(Label(1, 0.5, (0, 0, 1))), r"labels\[0\].box"),  # type: ignore[arg-type]
        (of(Label(1, 0.5, (0.5, 0, 0.6, 1))), r"labels\[0\].box"),
        (of(Label(1, 0.5, (0, float("nan"), 1, 1))), r"labels\[0\].box"),
        (of(Label(1, 0.5, 3)), r"labels\[0\].box = 3"),  # type: ignore[arg-type]
    ],
)
def test_what_is_wrong_is_named(labels: Labels, named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        check_labels(labels, 10)


@pytest.mark.parametrize(
    ("names", "named"),
    [
        ("cat", "vocabulary = 'cat'"),
        ([], r"len\(vocabulary\) = 0"),
        (["cat", 3], r"vocabulary\[1\] = 3"),
        (["cat", ""], r"vocabulary\[1\] = ''"),
        (["x"] * 65537, r"len\(vocabulary\) = 65537"),
    ],
)
def test_a_vocabulary_is_proven(names: object, named: str) -> None:
    assert check_vocabulary(["cat", "dog"]) == ("cat", "dog")
    with pytest.raises(InvalidInput, match=named):
        check_vocabulary(names)  # type: ignore[arg-type]
