"""What was learned over hours and days, and that restarts do not end it."""

from __future__ import annotations

import pytest

from sage_common.core.errors import InvalidInput
from sage_common.core.state.fields import LEARNED
from sage_common.core.state.packing import pack
from sage_common.core.state.restoring import unpack
from sage_gateway.core.learning import DAYS_KEPT, HOURS_KEPT, LearningHistory
from sage_gateway.core.period_table import MOST_COLUMNS, PeriodTable

NOON_S = 1_700_049_600.0  # a full hour, and a day of which half is over


def test_an_hour_has_the_last_trust_mean_weights_and_sums() -> None:
    history = LearningHistory()
    history.sample(NOON_S + 1, {"look": 0.5}, {"vision": 0.8, "audio": 0.2})
    history.sample(NOON_S + 2, {"look": 0.6}, {"vision": 0.6})
    history.run(NOON_S + 3, "look", 4)
    history.run(NOON_S + 4, "look", 3)
    history.run(NOON_S + 4, "recall", 0)
    for reward in (1.0, -0.5, 0.0):
        history.outcome(NOON_S + 5, reward)
    (hour,), (day,) = history.answer().hours, history.answer().days
    assert (hour.start_s, day.start_s) == (NOON_S, NOON_S - 12 * 3600)
    assert hour.trust == {"look": 0.6} and hour.weights == {"vision": 0.7, "audio": 0.2}
    assert hour.runs == {"look": 2, "recall": 1} and hour.steps == {"look": 3.5, "recall": 0.0}
    assert (hour.outcomes, hour.good, hour.bad, hour.reward) == (3, 1, 1, 0.1667)


def test_what_did_not_come_in_an_hour_is_not_known_of_it() -> None:
    history = LearningHistory()
    history.run(NOON_S, "look", 4)
    history.sample(NOON_S + 3600, {"recall": 0.3}, {})
    first, second = history.answer().hours
    assert (first.runs, second.runs, second.trust) == ({"look": 1}, {}, {"recall": 0.3})
    assert second.reward is None
    (day,) = history.answer().days
    assert (day.runs, day.trust) == ({"look": 1}, {"recall": 0.3})


def test_hours_and_days_are_bounded_and_a_small_file() -> None:
    history = LearningHistory()
    for hour in range(24 * (DAYS_KEPT + 3)):
        trust = {f"plugin_{number}": 0.5 for number in range(8)}
        history.sample(NOON_S + 3600 * hour, trust, {"vision": 0.5, "audio": 0.5})
    found = history.answer()
    assert (len(found.hours), len(found.days)) == (HOURS_KEPT, DAYS_KEPT)
    assert sum(array.nbytes for array in pack(history, LEARNED).values()) < 50_000


def test_a_restart_goes_on_in_the_same_hour() -> None:
    before, after = LearningHistory(), LearningHistory()
    before.run(NOON_S, "look", 4)
    before.outcome(NOON_S, 0.5)
    unpack(after, pack(before, LEARNED), LEARNED)
    assert after.answer() == before.answer()
    after.run(NOON_S + 60, "look", 2)
    (hour,) = after.answer().hours
    assert hour.runs == {"look": 2} and hour.steps == {"look": 3.0}


def test_a_clock_that_goes_back_and_one_that_was_never_set_do_no_harm() -> None:
    table = PeriodTable(3600, 24)
    table.add(60.0, {"runs": 1.0})  # 1970, before the clock was set
    table.add(NOON_S, {"runs": 1.0})
    table.add(NOON_S - 7200, {"runs": 1.0})
    assert list(table) == [(NOON_S, {"runs": 2.0})]


def test_no_more_quantities_than_are_bounded_are_kept() -> None:
    table = PeriodTable(3600, 24)
    for number in range(MOST_COLUMNS + 5):
        table.put(NOON_S, {str(number): 1.0})
    ((_, row),) = table
    assert len(row) == MOST_COLUMNS


def test_a_state_that_does_not_fit_is_refused() -> None:
    before = PeriodTable(3600, 24)
    before.add(NOON_S, {"runs": 1.0})
    state = pack(before, LEARNED)
    with pytest.raises(InvalidInput, match="packed"):
        unpack(PeriodTable(3600, 24), {**state, "packed": state["packed"].repeat(2)}, LEARNED)
    with pytest.raises(InvalidInput, match="period_s"):
        unpack(PeriodTable(60, 24), state, LEARNED)
