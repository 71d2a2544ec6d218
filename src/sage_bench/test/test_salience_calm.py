"""Rows of false alarms and of repetition, on streams small enough to count by hand."""

from __future__ import annotations

import numpy as np
import pytest

from sage_bench.salience import alarms, repetition


def test_alarms_a_second_apart_are_one() -> None:
    alarmed = np.zeros(100, np.bool_)
    alarmed[[10, 11, 18, 40, 99]] = True
    assert alarms._runs(alarmed, 10.0) == 3
    assert alarms._runs(np.zeros(5, np.bool_), 10.0) == 0


def test_a_quiet_stream_has_fewer_alarms_the_fewer_are_asked() -> None:
    values = np.random.default_rng(0).standard_normal((12_000, 4))
    had = alarms.alarms(values, 10.0)
    assert had[0] > 0
    assert list(had) == sorted(had, reverse=True)


def test_the_learning_quarter_is_not_judged() -> None:
    values = np.random.default_rng(1).standard_normal((4000, 2))
    values[1000:] = values[1000]
    values[500] = 50.0
    assert alarms.alarms(values, 10.0)[2] == 0


@pytest.mark.parametrize("size", [1, 6])
def test_pulses_stand_at_their_onsets(size: int) -> None:
    values, onsets_s = repetition.pulses(size)
    assert len(onsets_s) == repetition.MINUTES
    strength = np.linalg.norm(values, axis=1)
    for onset_s in onsets_s:
        first = int(np.ceil(onset_s * repetition.RATE_HZ))
        assert strength[first] > 1.2 > strength[first - 1]


def test_the_tenth_of_a_pulse_is_quieter_than_another() -> None:
    values, onsets_s = repetition.pulses(1)
    curve = repetition.Curve(*repetition._scored(values), tuple(onsets_s))
    rows = repetition._faded("pulse", curve)
    first, second, tenth, other = (row.value for row in rows)
    assert max(second, tenth) < repetition.QUIET
    assert min(first, other) > 0.8


def test_sounds_stand_in_the_room_at_each_minute() -> None:
    room = np.random.default_rng(0).standard_normal(20 * repetition.SOUND_RATE)
    same, other = repetition.bang(1, 0.12, 600.0), repetition.bang(2, 0.3, 3500.0)
    samples, onsets_s = repetition.each_minute(room, same, other)
    assert np.abs(samples).max() <= 1.0
    assert np.abs(same).max() == pytest.approx(repetition.BANG_PEAK)
    for minute, onset_s in enumerate(onsets_s, 1):
        at = round(onset_s * repetition.SOUND_RATE)
        sound = other if minute == repetition.OTHER_AT else same
        assert np.corrcoef(samples[at : at + len(sound)], sound)[0, 1] > 0.7
