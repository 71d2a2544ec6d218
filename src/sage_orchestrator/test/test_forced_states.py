"""States that are forced by hand."""

from __future__ import annotations

import math

import pytest
from metabolic_robot import CRISIS, DREAM, FOCUS, RED, REST, WAKE, Robot, S

from sage_common.core.errors import InvalidInput
from sage_common.core.state.fields import LEARNED
from sage_common.core.state.packing import pack
from sage_common.core.state.restoring import unpack
from sage_orchestrator.core.metabolism.state import state_named


def test_a_forced_state_stays_for_its_time_and_the_newer_wins() -> None:
    robot = Robot()
    robot.live(1.0)
    robot.metabolism.force(REST, 10.0, robot.now_ns)
    robot.live(5.0, alarms_per_hour=0.1)
    assert robot.state is REST
    newer = robot.metabolism.force(FOCUS, 10.0, robot.now_ns)
    assert newer.reason == "forced for 10 s, instead of REST, which was forced"
    robot.live(9.5)
    assert robot.state is FOCUS
    robot.live(1.0)
    assert robot.state is WAKE and robot.metabolism.reason == "the forced state has ended"
    robot.metabolism.force(DREAM, 1e4, robot.now_ns)
    assert robot.metabolism.release(robot.now_ns) is not None
    assert robot.metabolism.release(robot.now_ns) is None


def test_a_state_that_is_forced_over_a_crisis_says_so_and_stays_below_critical() -> None:
    robot = Robot()
    robot.metabolism.hear_pressure(RED, "red")
    robot.live(1.0)
    forced = robot.metabolism.force(REST, 60.0, robot.now_ns)
    assert forced.reason == "forced for 60 s; it overrides CRISIS: memory pressure is red"
    robot.live(10.0)
    assert robot.state is REST
    robot.metabolism.hear_pressure(RED + 1, "critical")
    robot.live(0.1)
    ended = "memory pressure is critical, which ends the forced REST"
    assert robot.state is CRISIS and robot.metabolism.reason == ended
    assert not robot.metabolism.is_forced
    with pytest.raises(InvalidInput, match="state = 'REST': expected CRISIS while"):
        robot.metabolism.force(REST, 60.0, robot.now_ns)
    again = robot.metabolism.force(CRISIS, 60.0, robot.now_ns)
    assert again.words == "stays CRISIS: forced for 60 s"


@pytest.mark.parametrize("duration_s", [0.0, -1.0, math.nan, math.inf, 86_401.0])
def test_a_duration_that_cannot_be_is_refused(duration_s: float) -> None:
    robot = Robot()
    with pytest.raises(InvalidInput, match="duration_s"):
        robot.metabolism.force(REST, duration_s, robot.now_ns)
    assert robot.state is WAKE and not robot.metabolism.is_forced


def test_an_unknown_state_is_refused() -> None:
    assert state_named("rest") is REST
    with pytest.raises(InvalidInput, match=r"state = 'SLEEP'.*WAKE, FOCUS, REST, DREAM, CRISIS"):
        state_named("SLEEP")


@pytest.mark.parametrize("away_s", [-1e6, 20.0, 60.0])
def test_a_forced_state_outlasts_a_restart_while_time_remains(away_s: float) -> None:
    left = Robot()
    left.live(1.0)
    left.metabolism.force(REST, 60.0, left.now_ns)
    resumed = Robot()
    unpack(resumed.metabolism, pack(left.metabolism, LEARNED), LEARNED)
    resumed.now_ns = left.now_ns + round(away_s * S)
    transition = resumed.metabolism.resume_forced(resumed.now_ns)
    assert transition is not None
    if away_s != 20.0:
        assert transition.reason == "the graph has started; REST, forced before, has ended"
        assert resumed.state is WAKE and not resumed.metabolism.is_forced
        return
    assert transition.reason == "forced before a restart, for 40 s more"
    resumed.live(39.0, alarms_per_hour=0.1)
    assert resumed.state is REST and resumed.metabolism.resume_forced(resumed.now_ns) is None
    resumed.live(1.5)
    assert resumed.state is WAKE
