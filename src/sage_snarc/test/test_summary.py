"""The few numbers at the end of an embedding, watched by themselves."""

from __future__ import annotations

import numpy as np
import pytest

from sage_common.core.puzzle import Percept
from sage_snarc.core.dimensions.summary import Summary
from sage_snarc.core.scorer import Scorer

TICK_NS = 100_000_000


def unit(rows: np.ndarray, summary: np.ndarray) -> np.ndarray:
    """Rows [n, 90] with a summary [n, 2] at their ends, of unit length, float32 [n, 92]."""
    rest = np.sqrt(1.0 - (summary**2).sum(axis=1, keepdims=True))
    rows = rows * rest / np.linalg.norm(rows, axis=1, keepdims=True)
    return np.concatenate([rows, summary], axis=1).astype(np.float32)


def restless(summary: np.ndarray) -> np.ndarray:
    """Ninety numbers that all vary by a tenth of their length, before a summary [n, 2]."""
    rows = np.random.default_rng(0).normal(0.0, 0.01, (len(summary), 90))
    rows[:, 0] += 1.0
    return unit(rows, summary)


def error_of_last(rows: np.ndarray, summary: int) -> float:
    """In units of the usual error."""
    scorer = Scorer("proprioception", summary=summary)
    codes = np.zeros((30, 30), np.uint8)
    for tick, row in enumerate(rows):
        result = scorer.score(Percept(tick * TICK_NS, "proprioception", "imu", codes, row, "id"))
    return result.prediction_error / result.usual_error


def test_a_small_change_of_the_summary_is_found_among_many_restless_numbers() -> None:
    summary = np.random.default_rng(1).normal(0.1, 0.005, (300, 2))
    summary[-1, -1] += 0.05
    rows = restless(summary)
    assert error_of_last(rows, 0) < 1.5
    assert error_of_last(rows, 2) > 2.0


def test_a_summary_that_never_varies_does_not_silence_the_rest() -> None:
    summary = np.full((300, 2), 0.1)
    rows = restless(summary)
    rows[-1, :90] = np.roll(rows[-1, :90], 1)
    assert error_of_last(rows, 2) > 2.0


def test_a_manner_of_moving_becomes_usual_within_seconds() -> None:
    generator = np.random.default_rng(1)
    summary = Summary(2)
    calm = generator.normal(0.1, 0.01, (300, 2)).astype(np.float32)
    rough = generator.normal(0.3, 0.03, (100, 2)).astype(np.float32)
    before = [summary.observe(row, False)[0][0] for row in calm]
    after = [summary.observe(row, False)[0][0] for row in rough]
    assert after[0] > 5.0 * np.median(before)
    assert np.median(after[50:]) < 1.5


def test_after_a_gap_nothing_was_predicted() -> None:
    summary = Summary(2)
    for row in np.random.default_rng(2).normal(0.1, 0.01, (20, 2)).astype(np.float32):
        summary.observe(row, False)
    assert summary.observe(np.ones(2, np.float32), True)[1] == (0.0,)


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_to_turn_faster_than_lately_is_an_event_and_to_turn_slower_is_none(sign: float) -> None:
    def rise(last: float) -> float:
        summary = Summary(2)
        for rate in np.random.default_rng(4).normal(0.3, 0.02, 100):
            summary.observe(np.array([0.0, sign * rate, 0.0], np.float32), False)
        return summary.observe(np.array([0.0, sign * last, 0.0], np.float32), False)[0][1]

    assert rise(0.45) > 4.0
    assert rise(-0.45) > 4.0
    assert rise(0.15) == 0.0


def test_state_resumes_bit_equal() -> None:
    rows = np.random.default_rng(3).normal(0.1, 0.01, (200, 2)).astype(np.float32)
    whole, first, second = Summary(2), Summary(2), Summary(2)
    for row in rows[:120]:
        assert whole.observe(row, False) == first.observe(row, False)
    second.restore({name: array.copy() for name, array in first.state().items()})
    for row in rows[120:]:
        assert whole.observe(row, False) == second.observe(row, False)


@pytest.mark.parametrize("size", [3, 92])
def test_an_embedding_no_longer_than_its_summary_has_none(size: int) -> None:
    scorer = Scorer("proprioception", summary=92)
    row = np.full(size, 1.0 / np.sqrt(size), np.float32)
    scorer.score(Percept(0, "proprioception", "imu", np.zeros((30, 30), np.uint8), row, "id"))
    scorer.restore(scorer.state())
