"""The bench of waking: what counts as woken, and what its lives are made of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sage_bench.budget.states import waking as bench
from sage_bench.budget.states.quiet_scene import Event
from sage_bench.budget.states.waking import Heard, Woken, waking

S = 1_000_000_000
START = 1_700_000_000 * S
LOUD = Event(45.0, sound=np.ones(4))
MOTION = Event(60.0, photo=np.zeros((4, 4, 3), np.uint8))
SOFT = replace(LOUD.softened(0.04), time_s=75.0)


def at(time_s: float) -> int:
    return START + round(time_s * S)


def test_only_what_came_in_rest_is_counted_and_from_when_it_began() -> None:
    heard = Heard(
        woken=[(at(45.1), "woken by audio"), (at(60.15), "woken by vision")],
        rests=[at(7.0), at(52.0), at(68.0)],
        loud_ns=[at(45.0)],
    )
    found = waking(heard, (LOUD, MOTION, SOFT))
    assert [event.time_s for event, _ in found] == [45.0, 60.0, 75.0]
    assert [delay for _, delay in found] == [pytest.approx(100.0), pytest.approx(150.0), None]
    awake = Heard(heard.woken[:1], heard.rests[:1], heard.loud_ns)
    assert [event.time_s for event, _ in waking(awake, (LOUD, MOTION, SOFT))] == [45.0]


def test_what_wakes_much_later_was_not_the_bang() -> None:
    heard = Heard(woken=[(at(49.0), "later")], rests=[at(7.0)], loud_ns=[at(45.0)])
    assert waking(heard, (LOUD,)) == [(LOUD, None)]


def test_a_scene_without_its_sound_is_no_measurement() -> None:
    with pytest.raises(RuntimeError, match="was not heard"):
        waking(Heard(), (LOUD,))


def test_soft_sounds_are_counted_apart() -> None:
    found = Woken()
    for delay_ms, is_soft in ((80.0, False), (None, False), (90.0, True), (None, True)):
        found.count(delay_ms, is_soft)
    assert found == Woken([80.0], missed=1, soft_woke=1, soft_missed=1)


def test_no_event_comes_in_two_lives(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    def events(data, count: int) -> list[Event]:
        sounds = [Event(0.0, sound=np.full(2, n + 1.0)) for n in range(count // 2)]
        photos = [Event(0.0, photo=np.full((1, 1, 3), n, np.uint8)) for n in range(count // 2)]
        return [event for pair in zip(sounds, photos, strict=True) for event in pair]

    monkeypatch.setattr(bench, "events_of", events)
    lives = bench._lives(tmp_path, 12)
    assert len(lives) == 12
    for life in lives:
        assert [event.is_soft for event in life] == [False, False, True]
        assert np.diff([event.time_s for event in life]) == pytest.approx([15.0, 15.0])
    loud = [float(life[0].sound[0]) for life in lives]
    soft = [float(life[2].sound[0]) / bench.SOFT for life in lives]
    assert len({round(value, 3) for value in [*loud, *soft]}) == 24
    assert len({int(life[1].photo[0, 0, 0]) for life in lives}) == 12
