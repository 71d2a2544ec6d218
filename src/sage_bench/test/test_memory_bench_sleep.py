"""What the memory bench says of sleep, growth and hindsight, at toy size."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from memory_bench_toys import by_name

from sage_bench.memory.inputs.life import life
from sage_bench.memory.inputs.sentences import Sentences
from sage_bench.memory.process import growth
from sage_bench.memory.process.growth import Growth, slope
from sage_bench.memory.sleep import hindsight, sleeping
from sage_bench.memory.sleep.hindsight import Counts, Kept
from sage_bench.memory.workplace import Workplace
from sage_bench.result import Row
from sage_bench.salience.played import Played


def test_a_sleep_stands_beside_simpler_ways_to_evict(
    toy_place: Callable[..., Workplace], monkeypatch: pytest.MonkeyPatch
) -> None:
    def peer_rows(place: Workplace, notes: list[str]) -> list[Row]:
        notes.append("no peer")
        return []

    monkeypatch.setattr(sleeping, "_peer_rows", peer_rows)
    found = sleeping.rows(toy_place())
    rows = by_name(found)
    assert rows["sleep on 150 memories"].goal is None, "only the full size has goals"
    assert 0.0 < rows["bytes after a sleep on 150, to before"].value < 150.0
    still = rows["all questions still answered after a sleep on 150"]
    assert 0.0 <= still.value <= 100.0
    assert set(still.baselines) == {
        "dropping at random", "dropping the oldest", "dropping the least salient",
    }  # fmt: skip
    assert "no peer" in found.notes


def test_still_answered_is_of_what_was_answered() -> None:
    before, after = np.array([1, 1, 0, 0], bool), np.array([1, 0, 1, 0], bool)
    assert sleeping.still(before, after) == 50.0
    assert sleeping.still(np.zeros(4, bool), after) == 100.0


def test_dropping_keeps_as_many_bytes_as_it_may(toy_sentences: Sentences) -> None:
    lived = life(toy_sentences, 200, 20)
    everything = sleeping.dropping(lived, 1.0)
    for before, after in everything.values():
        assert np.array_equal(before, after)
    nothing = sleeping.dropping(lived, 0.0)
    assert not any(after.any() for _, after in nothing.values())


def test_growth_is_the_median_slope(toy_place: Callable[..., Workplace]) -> None:
    assert slope([1.0, 2.0, 3.0, 100.0, 5.0]) == pytest.approx(1.0, abs=0.6)
    assert slope([4.0] * 6) == 0.0
    found = Growth(
        **growth.in_process("sage_bench.memory.process.growth", str(toy_place().folder), "100")
    )
    assert len(found.resident_mb) == growth.PARTS and found.part == 10
    assert 0.0 < found.index_mb[0] < found.index_mb[-1] < found.resident_mb[-1]
    assert 0 < found.payload_bytes <= growth.CAP_BYTES


def test_hindsight_counts_events_and_moments_within_them(streams: Played) -> None:
    fusings = [hindsight.fuse(scored) for scored in streams.scored]
    times_s = np.array([10.0, 34.2, 50.0, 34.9, 44.1])
    stream = np.array([0, 0, 0, 1, 1])
    found = Kept(stream, times_s, np.arange(5.0), np.full(5, 0.5))
    counted = hindsight.counts(streams, fusings, found)
    once = np.ones((1, len(counted.kept)), np.int64)
    assert counted.kept.sum() == 4, "the warm-up is not judged"
    assert counted.precision(once)[0] == 0.75
    assert counted.recall(once)[0] == 0.5, "three of six events"
    assert len(found.strongest(2)) == 2 and set(found.strongest(2).score) == {3.0, 4.0}
    values, (gain, low, high) = hindsight.compared(counted, counted, Counts.precision)
    assert values == (0.75, 0.75) and gain == low == high == 0.0


def test_hindsight_has_rows_with_baselines(
    toy_place: Callable[..., Workplace], streams: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hindsight, "play", lambda setting, half: streams)
    monkeypatch.setattr(hindsight, "inputs", lambda setting: {"made": "0"})
    rows = by_name(hindsight.rows(toy_place()))
    precision = rows["precision of what is kept, with hindsight"]
    assert 0.5 < precision.value <= 1.0 and set(precision.baselines) == {"judged at once"}
    gain = rows["precision of what is kept, hindsight minus at once"]
    assert gain.low is not None and gain.low <= gain.value <= gain.high
