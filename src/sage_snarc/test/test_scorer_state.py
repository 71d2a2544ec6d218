"""The state of a scorer: resumed bit for bit, refused where it is another's, bounded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from sage_common.core.errors import InvalidInput
from sage_common.core.puzzle import Percept
from sage_common.core.state.arrays import json_array, json_of
from sage_common.core.state.packing import VALUES
from sage_snarc.core.fusion import Fusion
from sage_snarc.core.scorer import Scorer, VectorScorer

NEW_PARTS = ("combined", "episodes", "false_alarms", "clock", "level", "levels", "summary")
PERIOD_NS = 33_333_333
MakeStream = Callable[..., Iterator[Percept]]


def test_state_resumes_bit_equal(stream: MakeStream) -> None:
    rows = np.random.default_rng(9).standard_normal((1400, 24))
    items = list(stream(np.concatenate([rows, rows[:100]])))
    whole, first = Scorer("vision"), Scorer("vision")
    for item in items[:1200]:
        whole.score(item)
        first.score(item)
    for scorer in (whole, first):
        scorer.learn(items[300].stamp_ns, items[340].stamp_ns, 0.7)
    second = Scorer("vision")
    second.restore({name: array.copy() for name, array in first.state().items()})
    for item in items[1200:]:
        one, other = whole.score(item), second.score(item)
        assert np.array_equal(one.grid, other.grid)
        assert {**vars(one), "grid": 0} == {**vars(other), "grid": 0}
    for name, array in whole.state().items():
        assert np.array_equal(array, second.state()[name]), name


def test_what_is_no_state_is_refused() -> None:
    with pytest.raises(InvalidInput, match="the state of a scorer"):
        VectorScorer("x").restore({"a": np.zeros(1)})


def test_state_of_an_earlier_form_is_refused() -> None:
    with pytest.raises(InvalidInput, match="form = 1: expected 2"):
        VectorScorer("x").restore({"size": np.array([1, 1000])})


def test_a_state_from_before_tails_opens_and_its_calibration_begins_anew() -> None:
    rows = np.random.default_rng(4).standard_normal((60, 3))
    old, new = VectorScorer("x", capacity=50), VectorScorer("x", capacity=50)
    for index, row in enumerate(rows):
        old.score(index * PERIOD_NS, row)
    assert old.learn(0, 10 * PERIOD_NS, 1.0)
    new.restore(of_before(old.state()))
    seen = [scorer.score(60 * PERIOD_NS, rows[5]) for scorer in (old, new)]
    assert seen[0].novelty == seen[1].novelty == 0.0
    assert seen[0].reward == seen[1].reward > 0.6
    assert seen[0].prediction_error == seen[1].prediction_error > 0.0
    assert seen[0].p_value < 1.0 == seen[1].p_value
    for index, row in enumerate(rows):
        last = new.score((61 + index) * PERIOD_NS, row)
    assert 0.0 < last.p_value < 1.0


def of_before(state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """A state as it was saved while dimensions were calibrated by two quantiles."""
    values = json_of(state[VALUES])
    stream = values["stream"]
    stream |= {name: stream["clock"][name] for name in ("last_ns", "period_s")}
    for name in NEW_PARTS:
        del stream[name]
    for name in ("surprise", "distance", "arousal"):
        kept = {"count": 60, "kept": [float(value) for value in range(60)]}
        stream[name] = {"quantile": kept, "rarity": 0.0, "middle": 1.0, "spread": 0.5}
    for name in ("stay_rate", "stays", "stopped", "ratios"):
        del stream["flatline"][name]
    unwanted = tuple(f"stream.{name}" for name in NEW_PARTS)
    arrays = {name: array for name, array in state.items() if not name.startswith(unwanted)}
    return {**arrays, VALUES: json_array(values)}


def test_a_damaged_state_is_refused_by_name_and_changes_nothing() -> None:
    scorer = VectorScorer("x")
    for index in range(20):
        scorer.score(index * PERIOD_NS, [float(index % 3)])
    good = scorer.state()
    mean = "stream.predictor.mean"
    for message, damaged in (
        (f"{mean} = 'NaN': expected numbers", {mean: np.full_like(good[mean], np.nan)}),
        ("state = .*: expected JSON", {VALUES: good[VALUES][:50]}),
        ("state = .*: expected JSON", {VALUES: np.full(4, 255, np.uint8)}),
    ):
        with pytest.raises(InvalidInput, match=message):
            scorer.restore({**good, **damaged})
        assert all(np.array_equal(array, good[name]) for name, array in scorer.state().items())


def test_state_of_another_memory_size_is_refused() -> None:
    small = VectorScorer("x", capacity=10)
    small.score(0, [1.0])
    with pytest.raises(InvalidInput, match="capacity = 10: expected 1000"):
        VectorScorer("x").restore(small.state())


def test_state_does_not_grow_with_the_stream() -> None:
    """20,000 frames of a wandering 4-vector, with outcomes."""
    generator = np.random.default_rng(10)
    rows = generator.standard_normal((20_000, 4)).cumsum(axis=0).astype(np.float32)
    scorer = VectorScorer("x", capacity=200)
    sizes: list[int] = []
    words: list[int] = []
    for index, row in enumerate(rows):
        scorer.score(index * PERIOD_NS, row)
        if index % 5000 == 4999:
            scorer.learn((index - 50) * PERIOD_NS, index * PERIOD_NS, 1.0)
            arrays = scorer.state()
            words.append(arrays.pop(VALUES).nbytes)
            sizes.append(sum(array.nbytes for array in arrays.values()))
    assert sizes[0] == sizes[-1]
    assert words[-1] < 1.1 * words[0]


@pytest.mark.parametrize("state", [None, [], {}, "state", {"a": np.zeros(1)}])
def test_what_is_no_mapping_or_holds_nothing_known_is_refused(state: Any) -> None:
    for scorer in (VectorScorer("x"), Scorer("vision"), Fusion(["audio", "vision"])):
        with pytest.raises(InvalidInput):
            scorer.restore(state)


def scored() -> VectorScorer:
    """One that has seen something in every part of its state."""
    rows = np.random.default_rng(6).standard_normal((80, 2))
    rows[60] += 20.0
    scorer = VectorScorer("x", capacity=50)
    for index, row in enumerate(rows):
        scorer.score(index * PERIOD_NS, row)
    assert scorer.learn(0, 10 * PERIOD_NS, 1.0)
    return scorer


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("capacity", -50),
        ("stream.size", 0),
        ("stream.size", 10**15),
        ("stream.size", "two"),
        ("stream.count", -1),
        ("stream.clock.period_s", -0.1),
        ("stream.surprise.tail.shape", 0.0),
        ("stream.surprise.tail.rarity", -1.0),
        ("stream.surprise.tail.means", [1.0]),
        ("stream.surprise.tail.means.0", -1.0),
        ("stream.surprise.tail.quantile.count", -80),
        ("stream.surprise.tail.quantile.kept.0", -2.0),
        ("stream.surprise.tail.quantile.kept.0", 1e9),
        ("stream.combined.shape", -1.0),
        ("stream.combined.scale", 0.0),
        ("stream.combined.mean", -1.0),
        ("stream.combined.covariance", -1.0),
        ("stream.false_alarms.exposure", -3.0),
        ("stream.false_alarms.alarms", -1.0),
        ("stream.false_alarms.above_s", -1.0),
        ("stream.false_alarms.corrected", -1.0),
        ("stream.false_alarms.corrected", 1e3),
        ("stream.flatline.stop_rate", 1.5),
        ("stream.flatline.stopped", -1),
        ("stream.memory.count", -1),
        ("stream.memory.count", 51),
        ("stream.memory.mean_square", -1.0),
        ("stream.memory.dimension", 0.0),
        ("stream.memory.rows", np.inf),
        ("stream.memory.spacing", -1.0),
        ("stream.predictor.power", -1.0),
        ("stream.predictor.errors.covariance", -1.0),
        ("stream.predictor.errors.filled", 16),
        ("stream.bounds.square", -1.0),
        ("stream.level.count", -1),
        ("stream.habituation.dose", -1.0),
        ("stream.habituation.fade", 1.5),
        ("stream.habituation.last_slot", 50),
        ("stream.episodes.noise", -1.0),
        ("stream.episodes.peak", 1.5),
        ("stream.episodes.courses.doses", -1.0),
        ("stream.episodes.from_onset.place", -1),
        ("stream.reward.value", 1.5),
        ("stream.reward.trials", -1.0),
        ("stream.reward.slots", 50),
    ],
)
def test_values_out_of_range_are_refused_by_name_and_change_nothing(path: str, value: Any) -> None:
    """Of an array the first number is changed."""
    good = scored().state()
    if path in good:
        damaged = good | {path: good[path].copy()}
        damaged[path].flat[0] = value
    else:
        values = json_of(good[VALUES])
        inner = values
        *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
        for step in steps:
            inner = inner[step]
        assert last in inner or isinstance(last, int)
        inner[last] = value
        damaged = good | {VALUES: json_array(values)}
    other = scored()
    other.score(80 * PERIOD_NS, [3.0, 1.0])
    before = other.state()
    for scorer in (other, VectorScorer("x", capacity=50)):
        with pytest.raises(InvalidInput) as refused:
            scorer.restore(damaged)
        assert refused.value.field.startswith(path.removesuffix(".0")), refused.value
        assert refused.value.expected
    after = other.state()
    assert all(np.array_equal(array, after[name]) for name, array in before.items())
    assert VectorScorer("x", capacity=50).state().keys() == {VALUES}


@pytest.mark.parametrize(
    "values",
    [
        [0.0] * 60,
        [1e15, -1e15] * 60,
        [1e-30, 0.0, 1e15] * 40,
        [0.0] * 40 + [5.0] + [0.0] * 40 + [5.0] * 20,
        [float(index % 7) for index in range(120)],
    ],
)
def test_whatever_a_stream_holds_its_own_state_opens(values: list[float]) -> None:
    scorer = VectorScorer("x", capacity=30)
    for index, value in enumerate(values):
        stamp_ns = index * PERIOD_NS + (index // 50) * 10**13  # hours between
        scorer.score(-(2**62) + stamp_ns, [value, -value])
        if index % 10 == 0:
            scorer.learn(-(2**62), 2**62, -1.0 if index % 20 else 1.0)
            other = VectorScorer("x", capacity=30)
            other.restore(scorer.state())
            assert other.state().keys() == scorer.state().keys()
