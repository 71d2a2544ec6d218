"""Energy and memory pressure make crises, which end with their causes."""

from __future__ import annotations

import math

import pytest
from metabolic_robot import CRISIS, NOON_NS, RED, REST, WAKE, Robot, S

from sage_orchestrator.core.metabolism.energy import RESERVE_S, EnergyReserve


def test_memory_pressure_makes_a_crisis_that_ends_with_it() -> None:
    robot = Robot()
    robot.live(1.0)
    robot.metabolism.hear_pressure(RED, "red")
    robot.live(0.2)
    assert robot.state is CRISIS and robot.metabolism.reason == "memory pressure is red"
    robot.live(30.0)
    assert robot.state is CRISIS
    robot.metabolism.hear_pressure(0, "green")
    robot.live(9.0)
    assert robot.state is CRISIS
    robot.live(2.0)
    assert robot.state is WAKE


def test_an_empty_battery_makes_a_crisis_unless_it_charges() -> None:
    robot = Robot()
    robot.energy.hear_battery(0.08, False, robot.now_ns)
    robot.live(0.2)
    assert robot.state is CRISIS and "8%" in robot.metabolism.reason
    robot.energy.hear_battery(0.12, False, robot.now_ns)
    robot.live(20.0)
    assert robot.state is CRISIS, "between the two thresholds nothing changes"
    robot.energy.hear_battery(0.12, True, robot.now_ns)
    robot.live(11.0)
    assert robot.state is WAKE


@pytest.mark.parametrize("share", [math.nan, math.inf, -0.1, 1.5])
def test_a_battery_that_says_nonsense_is_said_and_what_it_said_before_holds(share: float) -> None:
    energy = EnergyReserve(0.0, 1.0)
    energy.hear_battery(share, False, NOON_NS)
    reading = energy.reading(NOON_NS)
    assert (reading.source, reading.reserve, reading.battery) == ("budget use", 1.0, None)
    assert "the battery says percentage" in reading.fault
    energy.hear_battery(0.05, False, NOON_NS)
    assert energy.reading(NOON_NS).fault == ""
    energy.hear_battery(share, False, NOON_NS)
    reading = energy.reading(NOON_NS)
    assert (reading.source, reading.reserve) == ("battery", 0.05)
    assert "the battery says percentage" in reading.fault
    assert reading.fault.endswith("; it was at 5% before, and that holds")


@pytest.mark.parametrize("silent", [False, True])
def test_a_crisis_outlasts_a_battery_that_says_no_more(silent: bool) -> None:
    robot = Robot()
    robot.energy.hear_battery(0.05, False, robot.now_ns)
    robot.live(1.0)
    if not silent:
        robot.energy.hear_battery(math.nan, False, robot.now_ns)
    robot.live(120.0, load=0.0)
    assert robot.state is CRISIS and robot.metabolism.energy.reading(robot.now_ns).fault
    robot.energy.hear_battery(math.nan, True, robot.now_ns)
    robot.live(11.0)
    assert robot.state is WAKE, "what charges is not scarce, whatever its share"
    robot.energy.hear_battery(math.nan, False, robot.now_ns)
    robot.live(0.1)
    assert robot.metabolism.reason == "the battery was last at 5%"
    robot.energy.hear_battery(0.9, False, robot.now_ns)
    robot.live(11.0)
    assert robot.state is WAKE


def test_a_silent_battery_is_drained_by_the_estimate_and_said() -> None:
    robot = Robot()
    robot.energy.hear_battery(0.5, False, robot.now_ns)
    robot.live(62.0, alarms_per_hour=1.0, load=0.0)
    reading = robot.energy.reading(robot.now_ns)
    assert (reading.source, reading.reserve) == ("battery", 0.5)
    assert "the battery says nothing any more" in reading.fault
    robot.live(RESERVE_S / 2, alarms_per_hour=1.0, load=1.0)
    reading = robot.energy.reading(robot.now_ns)
    assert reading.source == "budget use" and reading.reserve < 0.1
    assert robot.state is WAKE, "an estimate makes no crisis"


def test_a_reserve_drains_with_work_and_fills_at_rest() -> None:
    robot = Robot()
    robot.live(RESERVE_S / 2, alarms_per_hour=1.0, load=1.0)
    assert robot.energy.reading(robot.now_ns).reserve == pytest.approx(0.5, abs=0.02)
    robot.live(RESERVE_S / 4, load=0.0)
    assert robot.energy.reading(robot.now_ns).reserve == pytest.approx(0.75, abs=0.02)


def test_board_power_counts_where_the_rated_one_is_known() -> None:
    energy = EnergyReserve(15.0, 1.0)
    energy.hear_power(15.0)
    for second in range(301):
        energy.reading(NOON_NS + second * S)
    reading = energy.reading(NOON_NS + 301 * S)
    assert reading.source == "board power"
    assert reading.reserve == pytest.approx(1.0 - 301 / RESERVE_S, abs=0.01)


def test_who_is_tired_rests_sooner_and_only_what_is_rarer_wakes() -> None:
    robot = Robot()
    robot.live(RESERVE_S, alarms_per_hour=1.0, load=1.0)
    robot.live(10.0, load=1.0)
    assert robot.state is REST and robot.metabolism.reason.startswith("tired")
    robot.live(0.5, alarms_per_hour=20.0, load=1.0)
    assert robot.state is REST
    robot.live(0.1, alarms_per_hour=0.1, load=1.0)
    assert robot.state is WAKE


def test_the_cause_of_a_crisis_that_is_over_is_not_said_to_last() -> None:
    robot = Robot()
    robot.metabolism.hear_pressure(RED, "red")
    robot.live(1.0)
    robot.metabolism.hear_pressure(0, "green")
    robot.live(1.0)
    assert robot.state is CRISIS
    forced = robot.metabolism.force(WAKE, 60.0, robot.now_ns)
    began = "it overrides CRISIS: it began with: memory pressure is red"
    assert forced.reason == f"forced for 60 s; {began}"
