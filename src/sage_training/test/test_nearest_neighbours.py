import numpy as np
import pytest

from sage_common.core.errors import InvalidInput
from sage_training.nearest_neighbours import accuracy, unit


def test_the_nearest_by_angle_answer() -> None:
    known = np.array([[5, 0], [4, 0.1], [0, 1], [0.1, 2]], np.float32)
    labels = np.array([0, 0, 1, 1])
    asked = np.array([[0.1, 0], [0, 30], [1, 0.1]], np.float32)
    assert accuracy(known, labels, asked, np.array([0, 1, 0]), k=2) == 1.0
    assert accuracy(known, labels, asked, np.array([1, 1, 0]), k=2) == pytest.approx(2 / 3)


def test_a_majority_beats_the_nearest_and_the_nearer_wins_a_draw() -> None:
    known = np.array([[1, 0], [1, 0.5], [1, 0.6]], np.float32)
    labels = np.array([0, 1, 1])
    asked = np.array([[1, 0]], np.float32)
    assert accuracy(known, labels, asked, np.array([1]), k=3) == 1.0
    assert accuracy(known, labels, asked, np.array([0]), k=2) == 1.0


def test_many_queries_are_answered_in_batches() -> None:
    rng = np.random.default_rng(0)
    known = rng.normal(0, 1, (50, 8)).astype(np.float32)
    labels = np.arange(50)
    chosen = rng.integers(0, 50, 1200)
    asked = known[chosen] * rng.uniform(0.5, 9, (1200, 1)).astype(np.float32)
    assert accuracy(known, labels, asked, chosen, k=1) == 1.0


def test_noise_is_at_chance() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(0, 1, (2000, 16)).astype(np.float32)
    labels = rng.integers(0, 10, 2000)
    assert accuracy(rows[:1000], labels[:1000], rows[1000:], labels[1000:], k=5) < 0.15


def test_rows_of_zeros_stay_finite() -> None:
    assert np.array_equal(unit(np.zeros((2, 3), np.float32)), np.zeros((2, 3)))


@pytest.mark.parametrize(
    ("asked", "asked_labels", "k", "field"),
    [
        (np.zeros((2, 4), np.float32), np.zeros(2, np.int64), 1, "asked.shape"),
        (np.zeros((2, 3), np.float32), np.zeros(3, np.int64), 1, "asked_labels.shape"),
        (np.zeros((2, 3), np.float32), np.zeros(2, np.int64), 6, "k"),
        (np.zeros((2, 3), np.float32), np.zeros(2, np.int64), 0, "k"),
        (np.zeros((0, 3), np.float32), np.zeros(0, np.int64), 1, "asked"),
    ],
)
def test_wrong_input_is_named(
    asked: np.ndarray, asked_labels: np.ndarray, k: int, field: str
) -> None:
    known, labels = np.ones((5, 3), np.float32), np.zeros(5, np.int64)
    with pytest.raises(InvalidInput) as caught:
        accuracy(known, labels, asked, asked_labels, k)
    assert caught.value.field == field
