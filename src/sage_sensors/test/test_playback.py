"""Tracks are played at exact deadlines, in step, with an exact seam."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sage_common.core.clock import NS_PER_S
from sage_sensors.core.playback import LATEST_NS, Playback, Schedule
from sage_sensors.core.samples import SourceError, Stamped, Words

START = 1_700_000_000 * NS_PER_S
SOON = START + 100_000_000


class Ticks:
    """A track of numbered words, one each `period_ns`."""

    source = "test"
    period_s = 0.0

    def __init__(self, count: int, period_ns: int, fail_at: int = -1) -> None:
        self.length_ns = count * period_ns
        self.opened = 0
        self._count, self._period_ns, self._fail_at = count, period_ns, fail_at

    def items(self) -> Iterator[Stamped[Words]]:
        self.opened += 1
        for number in range(self._count):
            if number == self._fail_at:
                raise SourceError("broken file")
            yield Stamped(number * self._period_ns, Words(str(number)))


def play(playback: Playback[Words], until_ns: int, step_ns: int) -> list[Stamped[Words]]:
    played: list[Stamped[Words]] = []
    for now_ns in range(START, until_ns + 1, step_ns):
        if playback.wants_filling:
            playback.fill()
        played += playback.due(now_ns, limit=100)
    return played


def test_each_sample_has_its_exact_deadline_and_none_comes_early() -> None:
    playback = Playback(Ticks(10, 33_366_667), Schedule(START), depth=4)
    played = play(playback, START + NS_PER_S, 2_000_000)
    assert [item.time_ns for item in played] == [START + n * 33_366_667 for n in range(10)]
    assert [item.value.text for item in played] == [str(n) for n in range(10)]
    assert playback.ended


def test_nothing_is_handed_out_before_it_is_due() -> None:
    playback = Playback(Ticks(3, 1000), Schedule(START), depth=4)
    playback.fill()
    assert playback.due(START - 1, 10) == []
    assert len(playback.due(START, 10)) == 1
    assert playback.due(START + 999, 10) == []
    assert not playback.ended


def test_two_tracks_of_one_schedule_stay_in_step_over_a_thousand_laps() -> None:
    length_ns = 10_510_500_000
    schedule = Schedule(START, length_ns, loop=True)
    frames = Playback(Ticks(315, 33_366_666), schedule, depth=8)
    last = [schedule.due_ns(lap, 0) for lap in (0, 1, 1000)]
    assert last == [START, START + length_ns, START + 1000 * length_ns]
    frames.fill()
    assert frames.due(SOON, 1)[0].time_ns == START


def test_the_seam_is_one_period_and_what_lies_beyond_the_cut_is_left_out() -> None:
    track = Ticks(12, 100)
    playback = Playback(track, Schedule(START, length_ns=1000, loop=True), depth=30)
    playback.fill()
    played = playback.due(START + 2999, 100)
    assert [item.time_ns - START for item in played] == list(range(0, 3000, 100))
    assert [item.value.text for item in played[8:12]] == ["8", "9", "0", "1"]
    assert (playback.beyond, playback.skipped) == (1, 0)
    assert track.opened == 3


def test_limit_spreads_a_backlog_over_several_calls_without_losing_any() -> None:
    playback = Playback(Ticks(6, 1), Schedule(START), depth=6)
    playback.fill()
    assert [len(playback.due(SOON, 4)) for _ in range(2)] == [4, 2]


def test_reading_ahead_stays_within_the_depth() -> None:
    playback = Playback(Ticks(1000, 1), Schedule(START), depth=8)
    playback.fill()
    assert not playback.wants_filling
    assert len(playback.due(SOON, 1000)) == 8
    assert playback.wants_filling


def test_a_track_that_breaks_still_plays_what_was_read_and_then_ends() -> None:
    playback = Playback(Ticks(10, 1, fail_at=3), Schedule(START), depth=8)
    with pytest.raises(SourceError, match="broken file"):
        playback.fill()
    assert len(playback.due(SOON, 100)) == 3
    assert playback.ended and not playback.wants_filling


def test_an_empty_track_does_not_loop_for_ever() -> None:
    playback = Playback(Ticks(0, 1), Schedule(START, length_ns=10, loop=True), depth=8)
    playback.fill()
    assert playback.due(SOON, 1) == []
    assert playback.ended


def test_close_forgets_what_was_read_ahead() -> None:
    playback = Playback(Ticks(10, 1), Schedule(START), depth=8)
    playback.fill()
    playback.close()
    assert playback.due(SOON, 100) == []
    assert not playback.wants_filling


def test_a_jump_of_the_clock_moves_the_recording_and_a_late_tick_does_not() -> None:
    schedule = Schedule(START, length_ns=NS_PER_S, loop=True)
    assert schedule.follow(START + 4 * NS_PER_S) == 0
    assert schedule.due_ns(0, 0) == START
    hour = 3600 * NS_PER_S
    assert schedule.follow(START + 4 * NS_PER_S + hour) == hour
    assert schedule.due_ns(0, 5) == START + hour + 5
    assert schedule.follow(START + 4 * NS_PER_S) == -hour
    assert schedule.due_ns(0, 5) == START + 5


@given(
    rate=st.floats(0.05, 20.0),
    lap=st.integers(0, 10_000),
    offset_ns=st.integers(0, 10 * NS_PER_S),
)
def test_rate_scales_time_without_drift(rate: float, lap: int, offset_ns: int) -> None:
    schedule = Schedule(START, length_ns=10 * NS_PER_S, loop=True, rate=rate)
    exact = (lap * 10 * NS_PER_S + offset_ns) / rate
    assert schedule.due_ns(lap, offset_ns) - START == pytest.approx(exact, rel=1e-12, abs=1.0)


@pytest.mark.parametrize(
    ("length_ns", "loop", "rate"), [(-1, False, 1.0), (0, True, 1.0), (1, True, 0.0)]
)
def test_wrong_schedules_are_refused(length_ns: int, loop: bool, rate: float) -> None:
    with pytest.raises(ValueError, match="expected"):
        Schedule(START, length_ns, loop, rate)


class SlowTicks(Ticks):
    """Samples that need not all be made."""

    def __init__(self, count: int, period_ns: int) -> None:
        super().__init__(count, period_ns)
        self.passed, self.wanted_ns = 0, 0

    def skip_to(self, time_ns: int) -> None:
        self.wanted_ns = time_ns

    def items(self) -> Iterator[Stamped[Words]]:
        self.wanted_ns = 0
        for item in super().items():
            if item.time_ns < self.wanted_ns:
                self.passed += 1
            else:
                yield item


def test_what_is_not_taken_in_time_is_overtaken_by_the_newest_that_is_due() -> None:
    playback = Playback(Ticks(100, 10_000_000), Schedule(START), depth=100)
    playback.fill()
    assert playback.due(START + LATEST_NS, 1)[0].time_ns == START
    late = playback.due(START + LATEST_NS + 50_000_000, 10)
    assert [item.time_ns - START for item in late] == [300_000_000]
    assert playback.skipped == 29
    assert [i.time_ns - START for i in playback.due(START + 320_000_000, 10)] == [
        310_000_000, 320_000_000,
    ]  # fmt: skip
    assert playback.skipped == 29


def test_the_newest_sample_comes_however_late_it_is() -> None:
    playback = Playback(Ticks(3, 10_000_000), Schedule(START), depth=8)
    playback.fill()
    assert playback.due(START + NS_PER_S, 10)[0].value.text == "2"
    assert (playback.skipped, playback.ended) == (2, True)


def test_what_is_late_when_it_is_read_does_not_enter_the_queue() -> None:
    playback = Playback(Ticks(1000, 10_000_000), Schedule(START), depth=4)
    playback.fill()
    now_ns = START + 5 * NS_PER_S
    assert playback.due(now_ns, 10)[0].value.text == "3"
    playback.fill()
    first = playback.due(now_ns, 1)[0]
    assert now_ns - first.time_ns == LATEST_NS
    assert playback.skipped == int(first.value.text) - 1


@pytest.mark.parametrize("rate", [1.0, 4.0])
def test_a_costly_track_is_told_what_it_can_leave_out(rate: float) -> None:
    track = SlowTicks(1000, 10_000_000)
    schedule = Schedule(START, track.length_ns, loop=True, rate=rate)
    playback = Playback(track, schedule, depth=4)
    playback.fill()
    now_ns = START + round((track.length_ns + 500_000_000) / rate)
    playback.due(now_ns, 1)
    playback.fill()
    assert track.passed > 900
    first = playback.due(now_ns, 1)[0]
    assert 0 <= now_ns - first.time_ns <= LATEST_NS
    assert playback.skipped + 2 == schedule.reached_ns(0, first.time_ns) // 10_000_000 + 1
