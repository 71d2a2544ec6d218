"""What a scorer refuses, and by which name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sage_common.core.errors import InvalidInput
from sage_common.core.puzzle import Percept
from sage_snarc.core.fusion import Fusion
from sage_snarc.core.scorer import Scorer, VectorScorer

PERIOD_NS = 33_333_333
Make = Callable[..., Percept]


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        ([np.nan, 1.0], "vector = nan"),
        ([np.inf, 1.0], "vector = inf"),
        ([1e30, 1.0], "vector = 1"),
        ([], "vector = "),
        ([[1.0]], "vector = "),
        (["warm"], "vector = "),
        ([10**400, 1.0], "vector = "),
        ([1.0, 2.0, 3.0], "vector = '3 components'"),
    ],
)
def test_a_wrong_vector_is_refused_by_name(vector: list[object], message: str) -> None:
    scorer = VectorScorer("x")
    scorer.score(0, [1.0, 2.0])
    before = scorer.state()
    with pytest.raises(InvalidInput, match=message):
        scorer.score(1, vector)
    after = scorer.state()
    assert all(np.array_equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize("stamp", [np.nan, 2**63, -(2**63) - 1, 1.5, "now", None])
def test_a_wrong_stamp_is_refused_and_nothing_is_learned(stamp: Any) -> None:
    scorer = VectorScorer("x")
    scorer.score(0, [1.0])
    before = scorer.state()
    with pytest.raises(InvalidInput, match="stamp_ns = "):
        scorer.score(stamp, [2.0])
    after = scorer.state()
    assert all(np.array_equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize("rate", [0.0, -1.0, np.nan, np.inf, 1e9, "60", None])
def test_a_rate_that_cannot_be_asked_for_is_refused_at_once(rate: Any) -> None:
    for make in (VectorScorer, Scorer):
        with pytest.raises(InvalidInput, match="false_alarms_per_hour = "):
            make("vision", false_alarms_per_hour=rate)
    with pytest.raises(InvalidInput, match="false_alarms_per_hour = "):
        Fusion(["vision"], false_alarms_per_hour=rate)


def test_numbers_of_numpy_are_numbers() -> None:
    scorer = VectorScorer("x", capacity=np.int64(10), false_alarms_per_hour=np.float32(60.0))
    assert scorer.score(np.int64(0), [1.0]).stamp_ns == 0
    assert scorer.learn(0, 0, np.float32(1.0)) == 1


@pytest.mark.parametrize("capacity", [0, -1, 1.5, "1000"])
def test_a_memory_that_cannot_be_is_refused_at_once(capacity: Any) -> None:
    for make in (VectorScorer, Scorer):
        with pytest.raises(InvalidInput, match="capacity = "):
            make("vision", capacity=capacity)


@pytest.mark.parametrize("reward", [1.5, np.nan, "good"])
def test_a_wrong_reward_is_refused_by_name(reward: Any) -> None:
    scorer = VectorScorer("x")
    scorer.score(0, [1.0])
    with pytest.raises(InvalidInput, match="reward = "):
        scorer.learn(0, 0, reward)


def test_a_wrong_percept_is_refused_by_name(percept: Make) -> None:
    scorer = Scorer("vision")
    scorer.score(percept(np.ones(8)))
    good = percept(np.ones(8), PERIOD_NS)
    wrong = {
        "modality": {"modality": "audio"},
        "stamp_ns = nan": {"stamp_ns": np.nan},
        "codes": {"codes": np.full((30, 30), 10, np.uint8)},
        "codes = 'uint8 [3, 3]'": {"codes": np.zeros((3, 3), np.uint8)},
        "codes = 'float64": {"codes": np.zeros((30, 30))},
        "embedding = nan": {"embedding": np.full(8, np.nan, np.float32)},
        "embedding = inf": {"embedding": np.full(8, np.inf, np.float32)},
        "embedding = 'length 2.8": {"embedding": np.ones(8, np.float32)},
        "embedding = '4 components": {"embedding": np.full(4, 0.5, np.float32)},
    }
    for message, fields in wrong.items():
        with pytest.raises(InvalidInput) as caught:
            scorer.score(Percept(**{**vars(good), **fields}))
        assert message.split(" ")[0] == caught.value.field
        assert str(caught.value).startswith(message)


@pytest.mark.parametrize("reward", [np.nan, 1.5, -np.inf])
def test_a_wrong_reward_is_refused(reward: float) -> None:
    scorer = VectorScorer("x")
    scorer.score(0, [1.0])
    with pytest.raises(InvalidInput, match="reward = "):
        scorer.learn(0, 0, reward)
    assert scorer.score(1, [1.0]).reward == 0.5
