"""The unit of salience: as many false alarms an hour as were asked for, whatever was predicted."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from sage_snarc.core.calibration.false_alarms import (
    USUAL_PER_HOUR,
    FalseAlarms,
    Salience,
    rarity_of,
    rate_of,
)

HOUR = 36_000
PERIOD_S = 0.1
ASKED = (10.0, 60.0)


def rarities(excesses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of `-ln p` of samples that come ten times a second."""
    return np.array([rarity_of(excess, 1.0) for excess in excesses.tolist()])


def learned(
    predicted: Iterable[float], period_s: float = PERIOD_S, usual: float = USUAL_PER_HOUR
) -> FalseAlarms:
    alarms = FalseAlarms()
    for rarity in predicted:
        alarms.learn(float(rarity), period_s, period_s, usual)
    return alarms


def had_per_hour(
    predicted: NDArray[np.float64],
    asked: float,
    alarms: FalseAlarms,
    period_s: float = PERIOD_S,
    usual: float = USUAL_PER_HOUR,
) -> float:
    """False alarms of a stream while it is learned: runs of totals of 0.5 or more, 1 s apart."""
    salience = Salience(asked)
    passed = []
    for index, rarity in enumerate(predicted.tolist()):
        if salience.total(alarms.corrected(rarity)) >= 0.5:
            passed.append(index * period_s)
        alarms.learn(rarity, period_s, period_s, usual)
    runs = int(np.sum(np.diff(passed) > max(1.0, 3.0 * period_s))) + bool(passed)
    return runs / (len(predicted) * period_s / 3600.0)


def clustered(draw: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Each excess stays for half a second."""
    return np.repeat(draw.exponential(size=count // 5), 5)


@pytest.mark.parametrize("asked", [1.0, 10.0, 60.0, 600.0])
def test_half_is_as_rare_as_was_asked(asked: float) -> None:
    salience = Salience(asked)
    half = salience.rarity(0.5)
    assert salience.total(half) == pytest.approx(0.5)
    assert USUAL_PER_HOUR / math.expm1(half) == pytest.approx(asked)


def test_fewer_false_alarms_mean_a_higher_total() -> None:
    salience = Salience(60.0)
    totals = [salience.total(math.log1p(USUAL_PER_HOUR / rate)) for rate in (600, 60, 10, 1)]
    assert totals == pytest.approx([0.07, 0.5, 0.81, 0.95], abs=0.01)


@given(st.floats(0.0, 600.0), st.floats(0.0, 600.0), st.sampled_from([1.0, 60.0, 600.0]))
def test_total_rises_and_can_be_undone(one: float, other: float, asked: float) -> None:
    salience = Salience(asked)
    low, high = sorted((one, other))
    assert 0.0 <= salience.total(low) <= salience.total(high) < 1.0
    if 0.1 < low < 50.0:
        assert salience.rarity(salience.total(low)) == pytest.approx(low, rel=1e-6)
        assert salience.total(low) < salience.total(1.01 * low)


def test_a_total_that_a_message_rounded_to_one_has_a_rarity() -> None:
    salience = Salience(60.0)
    assert np.float32(salience.total(300.0)) == 1.0
    assert math.isfinite(salience.rarity(1.0)) and salience.rarity(1.0) > salience.rarity(0.9999)


@pytest.mark.parametrize(("excess", "share"), [(0.0, 1.0), (3.0, 1.0), (9.0, 0.2), (9.0, 0.01)])
def test_a_rarity_is_the_rate_of_samples_as_rare(excess: float, share: float) -> None:
    """`share`: ten a second over the rate of the samples."""
    rate = USUAL_PER_HOUR / share * math.exp(-excess)
    assert rarity_of(excess, share) == pytest.approx(math.log1p(USUAL_PER_HOUR / rate))


@pytest.mark.parametrize("rate", [1e-6, 1.0, 60.0, USUAL_PER_HOUR])
def test_a_rate_is_that_of_its_rarity(rate: float) -> None:
    assert rate_of(math.log1p(USUAL_PER_HOUR / rate), USUAL_PER_HOUR) == pytest.approx(rate)


def test_no_rarity_has_a_finite_rate() -> None:
    assert rate_of(0.0, USUAL_PER_HOUR) == rate_of(0.5, USUAL_PER_HOUR) == USUAL_PER_HOUR
    assert 0.0 < rate_of(1e4, USUAL_PER_HOUR) < 1e-12


def test_rarities_rise_for_ever() -> None:
    excesses = np.concatenate([np.linspace(0.0, 50.0, 500), np.logspace(1.7, 2.6, 200)])
    found = [rarity_of(excess, 0.2) for excess in excesses.tolist()]
    assert (np.diff(found) > 0.0).all()
    assert math.isfinite(rarity_of(1e6, 0.2))


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize(
    "factor", [pytest.param(1.0, id="exact"), pytest.param(1.3, id="too many"), 0.8]
)
def test_as_many_come_as_were_asked_for(asked: float, factor: float) -> None:
    """Predicted excesses are `factor` times too large: 4 or 0.2 times as many come at 60."""
    draw = np.random.default_rng(0)
    predicted = rarities(factor * draw.exponential(size=9 * HOUR))
    had = had_per_hour(predicted[5 * HOUR :], asked, learned(predicted[: 5 * HOUR]))
    assert asked / 2.0 <= had <= 2.0 * asked


@pytest.mark.parametrize("offset", [math.log(3.0), -math.log(3.0)])
def test_three_times_too_many_or_too_few_are_put_right(offset: float) -> None:
    draw = np.random.default_rng(1)
    predicted = rarities(np.maximum(draw.exponential(size=6 * HOUR) + offset, 0.0))
    had = had_per_hour(predicted[3 * HOUR :], 60.0, learned(predicted[: 3 * HOUR]))
    assert 30.0 <= had <= 120.0


def test_alarms_that_come_in_clusters_are_counted_once() -> None:
    predicted = rarities(clustered(np.random.default_rng(2), 8 * HOUR))
    had = had_per_hour(predicted[4 * HOUR :], 60.0, learned(predicted[: 4 * HOUR]))
    assert 30.0 <= had <= 120.0


@pytest.mark.parametrize("period_s", [1.0, 10.0])
def test_of_a_slow_stream_one_in_as_many_samples_is_an_alarm(period_s: float) -> None:
    per_hour = 3600.0 / period_s
    predicted = rarities(np.random.default_rng(3).exponential(size=60_000))
    alarms = learned(predicted[:30_000], period_s, per_hour)
    had = had_per_hour(predicted[30_000:], 60.0, alarms, period_s, per_hour)
    asked = 60.0 * per_hour / USUAL_PER_HOUR
    assert asked / 2.0 <= had <= 2.0 * asked


@pytest.mark.parametrize("factor", [0.7, 1.4])
def test_how_fast_rates_fall_is_learned_and_goes_on_beyond_what_was_counted(factor: float) -> None:
    """After four hours little or nothing is known of what comes once a day."""
    predicted = rarities(factor * np.random.default_rng(10).exponential(size=4 * HOUR))
    once_a_day = math.log1p(24.0 * USUAL_PER_HOUR)
    found = learned(predicted).corrected(factor * once_a_day)
    assert found == pytest.approx(once_a_day, abs=0.8)


def test_what_a_new_stream_said_is_soon_outweighed() -> None:
    """A stream that says nothing for its first half hour, and then what is right."""
    draw = np.random.default_rng(11)
    predicted = rarities(draw.exponential(size=2 * HOUR))
    predicted[: HOUR // 2] = 0.0
    had = had_per_hour(predicted[HOUR // 2 :], 60.0, learned(predicted[: HOUR // 2]))
    assert had < 1.75 * 60.0


def test_at_first_what_is_predicted_holds() -> None:
    alarms = FalseAlarms()
    for rarity in (0.0, 0.4, 1.0, 6.4, 19.9, 20.0, 300.0):
        assert alarms.corrected(rarity) == pytest.approx(rarity)


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0])
def test_the_correction_keeps_the_order(factor: float) -> None:
    draw = np.random.default_rng(4)
    alarms = learned(rarities(factor * draw.exponential(size=2 * HOUR)))
    found = np.array([alarms.corrected(rarity) for rarity in np.linspace(0.0, 60.0, 3000)])
    assert (np.diff(found) >= 0.0).all()
    assert (found >= 0.0).all()
    assert (np.diff(found[1000:]) > 0.0).all()


@given(
    st.lists(st.tuples(st.floats(0.0, 60.0), st.floats(0.0, 3600.0)), min_size=1, max_size=80),
    st.floats(1.0, 36_000.0),
)
def test_any_stream_is_corrected_in_order(seen: list[tuple[float, float]], usual: float) -> None:
    alarms = FalseAlarms()
    for rarity, elapsed_s in seen:
        alarms.learn(rarity, elapsed_s, 0.1, usual)
    found = [alarms.corrected(rarity) for rarity in np.linspace(0.0, 40.0, 81).tolist()]
    assert found == sorted(found) and found[0] >= 0.0 and math.isfinite(found[-1])


def test_rare_events_do_not_dull_the_rest() -> None:
    """An event far beyond every level each ten minutes, for four hours."""
    predicted = rarities(np.random.default_rng(5).exponential(size=4 * HOUR))
    quiet = learned(predicted)
    predicted[::6000] = 40.0
    disturbed = learned(predicted)
    for rarity in (6.0, 8.0, 12.0):
        assert disturbed.corrected(rarity) > quiet.corrected(rarity) - 0.3


def test_an_event_that_flickers_is_no_false_alarm_and_no_error() -> None:
    alarms = learned(rarities(np.random.default_rng(6).exponential(size=HOUR)))
    before = alarms.corrected(7.0)
    for index in range(6000):
        alarms.learn(25.0 if index // 20 % 2 else 7.0, PERIOD_S, PERIOD_S, USUAL_PER_HOUR)
    assert alarms.corrected(7.0) == pytest.approx(before, abs=0.5)


def test_what_was_counted_is_forgotten_as_fast_as_its_hours() -> None:
    """The same rates for five days: the correction stays what it was after one."""
    draw = np.random.default_rng(7)
    alarms, found = FalseAlarms(), []
    for _ in range(5):
        for rarity in rarities(draw.exponential(size=24 * 360)).tolist():
            alarms.learn(rarity, 10.0, 10.0, 360.0)
        found.append(alarms.corrected(6.0))
    assert found == pytest.approx([found[0]] * 5, abs=0.35)


def test_after_a_bad_day_it_recovers() -> None:
    draw = np.random.default_rng(8)
    alarms = learned(rarities(2.0 * draw.exponential(size=24 * 360)), 10.0, 360.0)
    dulled = alarms.corrected(6.0)
    for rarity in rarities(draw.exponential(size=3 * 24 * 360)).tolist():
        alarms.learn(rarity, 10.0, 10.0, 360.0)
    assert dulled < 5.2
    assert alarms.corrected(6.0) > 5.5


def test_time_that_was_not_watched_does_not_count() -> None:
    """After a gap no time is said to have passed."""
    alarms = FalseAlarms()
    for _ in range(1000):
        alarms.learn(0.0, 0.0, PERIOD_S, USUAL_PER_HOUR)
    assert alarms.corrected(8.0) == 8.0


def test_state_resumes_bit_equal() -> None:
    predicted = rarities(np.random.default_rng(9).exponential(size=8000))
    first, second = learned(predicted[:5001]), FalseAlarms()
    second.restore({name: array.copy() for name, array in first.state().items()})
    for rarity in predicted[5001:].tolist():
        assert first.corrected(rarity) == second.corrected(rarity)
        for alarms in (first, second):
            alarms.learn(rarity, PERIOD_S, PERIOD_S, USUAL_PER_HOUR)
