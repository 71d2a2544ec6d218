"""How scores of labelled streams are judged: spans, samples, ranks, halves, cuts."""

from __future__ import annotations

import numpy as np
import pytest

from sage_bench.salience.scalars.halves import MOST_STREAMS, half_of
from sage_bench.salience.scalars.measures import GUARD, SHORTEST, found, is_judged, ranks
from sage_bench.salience.scalars.stream import MOST_SAMPLES, LabelledStream, part_of, spans


def stream(labels: np.ndarray, family: str = "made", name: str = "a") -> LabelledStream:
    stamps = np.arange(len(labels)) * 1_000_000_000
    values = np.random.default_rng(0).normal(size=(len(labels), 1))
    return LabelledStream(family, name, stamps, values, labels)


def labelled(count: int, *at: tuple[int, int]) -> np.ndarray:
    labels = np.zeros(count, bool)
    for first, last in at:
        labels[first:last] = True
    return labels


def test_spans_are_first_and_one_past_the_last() -> None:
    assert spans(labelled(10, (0, 2), (5, 6), (9, 10))) == [(0, 2), (5, 6), (9, 10)]
    assert spans(labelled(4)) == []


def test_a_span_counts_by_its_largest_score() -> None:
    judged = stream(labelled(1000, (500, 520)))
    scores = np.random.default_rng(1).random(1000)
    scores[510] = 2.0
    assert found(judged, scores).by_span == 1.0
    scores[510] = -1.0
    assert found(judged, scores).by_span < 1.0
    scores[500:520] = -1.0
    assert found(judged, scores).by_span == 0.0


def test_background_is_cut_into_pieces_of_the_spans_length() -> None:
    """Warm-up 100; background from 100 to 480 and 540 to 1,000: 19 and 23 pieces of 20."""
    judged = stream(labelled(1000, (500, 520)))
    scores = np.zeros(1000)
    scores[505] = 1.0
    scores[[105, 125, 545]] = 2.0  # Three pieces above.
    scores[150] = 1.0  # One that is equal counts half.
    assert found(judged, scores).by_span == pytest.approx(1.0 - 3.5 / 42)


def test_the_warm_up_and_what_is_near_a_label_are_not_judged() -> None:
    judged = stream(labelled(1000, (50, 60), (500, 520)))
    scores = np.zeros(1000)
    scores[510], scores[:100] = 1.0, 5.0
    scores[500 - GUARD : 500] = scores[520 : 520 + GUARD] = 5.0
    assert found(judged, scores).by_span == 1.0
    scores[520 + GUARD] = 5.0
    assert found(judged, scores).by_span < 1.0


def test_a_short_span_is_judged_with_what_follows() -> None:
    judged = stream(labelled(1000, (500, 501)))
    scores = np.zeros(1000)
    scores[500 + SHORTEST - 1] = 1.0
    assert found(judged, scores).by_span == 1.0
    assert found(judged, np.roll(scores, 1)).by_span == 0.5


def test_a_long_span_counts_by_its_beginning() -> None:
    judged = stream(labelled(1000, (400, 800)))
    late = np.zeros(1000)
    late[700:800] = 1.0
    assert found(judged, late).by_span == 0.5
    early = np.zeros(1000)
    early[410] = 1.0
    assert found(judged, early).by_span == 1.0


def test_samples_are_judged_by_precision_and_area() -> None:
    judged = stream(labelled(1000, (500, 550)))
    perfect = found(judged, judged.labels.astype(np.float64))
    assert perfect.precision == perfect.by_sample == 1.0
    constant = found(judged, np.zeros(1000))
    assert constant.precision == pytest.approx(50 / 900) and constant.by_sample == 0.5
    assert found(judged, -judged.labels.astype(np.float64)).by_sample == 0.0


def test_streams_without_spans_or_background_are_not_judged() -> None:
    assert is_judged(stream(labelled(1000, (500, 520))))
    assert not is_judged(stream(labelled(1000, (20, 40))))
    assert not is_judged(stream(labelled(1000)))
    assert not is_judged(stream(labelled(1000, (130, 1000))))


def test_ranks_share_ties() -> None:
    assert ranks({"a": 0.5, "b": 0.9, "c": 0.5, "d": 0.1}) == {"a": 2.5, "b": 1, "c": 2.5, "d": 4}


def test_a_long_stream_is_cut_where_most_is_labelled() -> None:
    """Three cuts begin at 0, 5,000 and 10,000; the last has two spans after its warm-up."""
    at = ((1_500, 1_510), (10_500, 10_510), (12_000, 12_010), (19_000, 19_010))
    whole = stream(labelled(20_000, *at))
    part = part_of(whole)
    assert len(part.values) == MOST_SAMPLES == len(part.labels) == len(part.stamps_ns)
    # The one at 5,000 has those at 10,500 and 12,000; the one at 10,000 has 12,000 and 19,000.
    assert part.stamps_ns[0] == 5_000 * 1_000_000_000
    assert part_of(part) is part


def test_halves_share_no_stream_and_take_turns() -> None:
    made = [stream(labelled(1000, (500, 520)), name=f"{number:02d}") for number in range(19)]
    unlabelled = stream(labelled(1000), name="00a")
    development = half_of([*reversed(made), unlabelled], "development")
    test = half_of([*made, unlabelled], "test")
    assert [one.name for one in development] == [f"{n:02d}" for n in range(0, 19, 2)][:MOST_STREAMS]
    assert [one.name for one in test] == [f"{n:02d}" for n in range(1, 19, 2)][:MOST_STREAMS]
