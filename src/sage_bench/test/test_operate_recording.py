"""What the bench of operation says of salient recordings: whole events, chance, empty moments."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sage_bench.encoders.section import Setting
from sage_bench.operate import recording
from sage_bench.operate.recording import RATES, Kept, rows_of
from sage_bench.operate.sparse_stream import SparseStream
from sage_bench.salience.streams.percepts import Percepts
from sage_bench.salience.streams.schedule import WARM_UP_S, Event
from sage_bench.salience.streams.stream import Moment
from sage_bench.salience.trace import FUSED, Trace

EVENTS = ((20.0, 22.0), (60.0, 62.0))


def kept(*spans: tuple[float, float]) -> Kept:
    return Kept(spans, 10, 100, 100.0, EVENTS)


def test_an_event_counts_that_is_recorded_from_onset_to_end() -> None:
    assert kept((15.0, 27.0)).whole_events == 1
    assert kept((15.0, 21.0)).whole_events == 0
    assert kept((15.0, 21.0), (21.5, 90.0)).whole_events == 1


def test_chance_is_that_of_as_much_at_random_times() -> None:
    assert kept((0.0, 100.0)).chance() > 1.8
    assert kept().chance() == 0.0
    tenth = kept((15.0, 27.0)).chance() / len(EVENTS)
    assert 0.06 < tenth < 0.14


def test_rows_are_of_all_streams_together() -> None:
    share, size, empty = rows_of("x", [kept((15.0, 27.0), (80.0, 90.0)), kept((15.0, 70.0))], 1.0)
    assert (share.value, share.samples, share.met) == (0.75, 4, False)
    assert share.low is not None and share.high is not None and share.low < 0.75 < share.high
    assert size.value == pytest.approx(0.1)
    assert empty.value == pytest.approx(1 / 200.0 * 3600.0) and empty.samples == 3


class Stream(SparseStream):
    """Noise from all sensors, 20 s after the first half minute."""

    def __init__(self) -> None:
        self.length_s = WARM_UP_S + 20.0

    def moments(self):  # type: ignore[no-untyped-def]
        random = np.random.default_rng(0)
        for tick in range(round(self.length_s * 10)):
            frame = random.integers(0, 255, (16, 16, 3), np.uint8)
            sound = random.normal(size=1600).astype(np.float32)
            felt = random.normal(size=(2, 10, 3))
            yield Moment((tick + 1) / 10, frame, sound, *felt)


def test_a_stream_is_recorded_where_it_is_salient(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Stream()
    totals = np.zeros(round(stream.length_s * 10))
    totals[400] = 0.9  # at 40.1 s
    event = Event("knock", 39.0, 40.0)
    percepts = Percepts("noise", "", stream.length_s, (event,), (), totals, {})
    trace = Trace(totals, {FUSED: totals})
    monkeypatch.setattr(recording, "percepts_of", lambda *given: percepts)
    monkeypatch.setattr(recording, "score", lambda percepts: percepts)
    monkeypatch.setattr(recording, "fuse", lambda scored: trace)
    found = recording.recorded(stream, Setting(Path(), Path(), quick=True))
    assert set(found) == set(RATES)
    for each in found.values():
        assert each.spans == (pytest.approx((5.1, 15.1)),)
        assert each.whole_events == 1
        assert 0.4 < each.salient_bytes / each.full_bytes < 0.6
