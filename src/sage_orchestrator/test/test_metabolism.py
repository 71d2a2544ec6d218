"""The metabolic states without ROS: how they are entered and left, and that none is a trap."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from metabolic_robot import CRISIS, DREAM, FOCUS, NS, POLICIES, RED, REST, WAKE, Robot, S

from sage_common.core.errors import InvalidInput
from sage_common.core.parameters import ParameterError, build
from sage_common.core.state.packing import pack
from sage_common.core.state.restoring import unpack
from sage_orchestrator.core.metabolism.policy import check_policies
from sage_orchestrator.core.metabolism.state import MetabolicState
from sage_orchestrator.core.scheduling.policy import CyclePolicy
from sage_orchestrator.params import OrchestratorParameters
from sage_orchestrator.state_parameters import TransitionParameters


def test_it_rests_when_nothing_happens_and_wakes_at_once() -> None:
    robot = Robot()
    robot.live(29.0)
    assert robot.state is WAKE
    robot.live(2.0)
    assert robot.state is REST
    assert robot.metabolism.reason == "nothing salient for 30 s"
    woken = robot.metabolism.hear_salience(0.5, True, "audio: surprise 0.99", robot.now_ns + NS)
    assert woken is not None and woken.state is WAKE
    assert robot.metabolism.reason == "woken by audio: surprise 0.99"


def test_less_keeps_awake_than_wakes() -> None:
    robot = Robot()
    robot.live(60.0, alarms_per_hour=100.0)
    assert robot.state is WAKE
    robot.live(40.0)
    assert robot.state is REST
    robot.live(5.0, alarms_per_hour=100.0)
    assert robot.state is REST


def test_what_goes_on_is_focused_on_and_not_for_ever() -> None:
    robot = Robot()
    robot.live(6.5, alarms_per_hour=1.0)
    assert robot.state is FOCUS
    robot.live(9.0)
    assert robot.state is FOCUS
    robot.live(2.0)
    assert robot.state is WAKE
    robot.live(600.0, alarms_per_hour=1.0)
    seen = [t.state for t in robot.metabolism.transitions]
    assert seen.count(FOCUS) > 2 and WAKE in seen[3:]


def test_focus_that_had_to_wait_for_wake_to_last_is_held_as_long() -> None:
    robot = Robot()
    robot.live(40.0)
    assert robot.state is REST
    robot.live(3.0, alarms_per_hour=1.0)  # wakes; WAKE lasts 5 s at least
    robot.live(2.5)
    assert robot.state is FOCUS
    robot.live(9.0)
    assert robot.state is FOCUS
    robot.live(2.0)
    assert robot.state is WAKE


def test_who_has_heard_little_takes_more_for_rare() -> None:
    robot = Robot()
    robot.metabolism.assume_experience(0)
    robot.live(60.0)
    assert robot.state is REST
    woken = robot.metabolism.hear_salience(150.0, True, "audio: new", robot.now_ns)
    assert woken is not None and woken.state is WAKE


def test_a_single_bang_is_not_focused_on() -> None:
    robot = Robot()
    robot.live(6.0)
    robot.live(0.1, alarms_per_hour=0.1)
    robot.live(5.0)
    assert robot.state is WAKE


def test_it_dreams_after_a_long_rest_and_wakes_by_itself() -> None:
    robot = Robot(dream_after_s=60.0, dream_s=20.0)
    robot.live(70.0)
    assert robot.state is DREAM
    assert POLICIES[DREAM].consolidation and not POLICIES[DREAM].learning
    robot.live(21.0)
    assert robot.state is WAKE and "slept" in robot.metabolism.reason


def test_at_night_it_rests_and_dreams_sooner() -> None:
    robot = Robot(night_begin_h=11.0, night_end_h=13.0)
    robot.live(16.0)
    assert robot.state is REST
    assert robot.metabolism.reason.endswith("at night")
    robot.live(151.0)
    assert robot.state is DREAM


def test_a_night_may_pass_midnight() -> None:
    rules = TransitionParameters(night_begin_h=22.0, night_end_h=6.0).rules()
    assert rules.is_night(23 * 3600 * S) and rules.is_night(5 * 3600 * S)
    assert not rules.is_night(12 * 3600 * S)


def test_it_stays_awake_while_nothing_is_known() -> None:
    robot = Robot()
    robot.live(31.0)
    assert robot.state is REST
    robot.now_ns += 3 * S
    robot.metabolism.hear_salience(36_000.0, False, "all silent", robot.now_ns)
    robot.metabolism.evaluate(robot.now_ns)
    assert robot.state is WAKE and "no valid salience" in robot.metabolism.reason
    for _ in range(100):
        robot.now_ns += S
        robot.metabolism.evaluate(robot.now_ns)
    assert robot.state is WAKE


@pytest.mark.parametrize("plugins", [(), ("",), ("look", " ")])
def test_a_policy_that_forbids_everything_is_refused(plugins: tuple[str, ...]) -> None:
    parameters = OrchestratorParameters.groups()["states.rest"](plugins=plugins)
    with pytest.raises(InvalidInput, match=r"states\.rest\.plugins"):
        check_policies({**POLICIES, REST: parameters.policy()})
    with pytest.raises(ParameterError, match=r"states\.rest\.plugins = \["):
        build(OrchestratorParameters, {"states.rest.plugins": plugins})


def test_a_policy_that_learns_nothing_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"states\.wake\.learning"):
        blind = OrchestratorParameters.groups()["states.wake"](learning=False)
        check_policies({**POLICIES, WAKE: blind.policy()})


def test_a_policy_makes_the_cycle() -> None:
    nominal = CyclePolicy(100, 1000, 0.05, 7)
    cycle = POLICIES[REST].cycle(nominal)
    assert (cycle.period_ns, cycle.budget_ns, cycle.admitted) == (500, 1000, None)
    assert cycle.alarms_share == 0.2  # a fifth of the compute, for what is five times rarer
    assert POLICIES[FOCUS].cycle(nominal).alarms_share == 1.0
    assert POLICIES[CRISIS].cycle(nominal).admitted == {"look"}
    assert POLICIES[WAKE].cycle(nominal) == nominal


def test_a_clock_that_goes_back_begins_anew() -> None:
    robot = Robot()
    robot.live(35.0)
    robot.metabolism.force(FOCUS, 5.0, robot.now_ns)
    robot.now_ns -= 3600 * S
    robot.live(4.0)
    assert robot.state is FOCUS
    robot.live(2.0)
    assert robot.state is WAKE


def test_its_state_can_be_left_and_resumed_exactly() -> None:
    left = Robot(dream_after_s=20.0)
    left.live(37.0)
    resumed = Robot(dream_after_s=20.0)
    unpack(resumed.metabolism, pack(left.metabolism))
    resumed.now_ns = left.now_ns
    left.live(120.0)
    resumed.live(120.0)
    assert list(left.metabolism.transitions) == list(resumed.metabolism.transitions)
    assert left.energy.reading(left.now_ns) == resumed.energy.reading(resumed.now_ns)


@pytest.mark.parametrize("seed", range(4))
def test_random_lives_have_no_trap(seed: int) -> None:
    """25,000 cycles each of random salience, load, pressure and battery, and now and then quiet."""
    rng = np.random.default_rng(seed)
    robot = Robot(dream_after_s=60.0, dream_every_s=300.0)
    shares: Counter[MetabolicState] = Counter()
    for _ in range(150):
        quiet = bool(rng.random() < 0.15)
        rate = 36_000.0 if quiet else float(10.0 ** rng.uniform(-2.0, 4.5))
        level = 0 if quiet else int(rng.choice([0, 0, 0, 1, RED]))
        robot.metabolism.hear_pressure(level, "x")
        if rng.random() < 0.1:
            share, charging = float(rng.uniform(-0.2, 1.2)), bool(rng.random() < 0.3)
            robot.energy.hear_battery(share, charging, robot.now_ns)
        robot.live(110.0 if quiet else 1.0, rate, float(rng.uniform(0.0, 1.0)))
        shares[robot.state] += 1
    robot.metabolism.hear_pressure(0, "green")
    robot.energy.hear_battery(1.0, True, robot.now_ns)
    robot.live(60.0)
    robot.live(1.0, 0.01)
    assert robot.state in (WAKE, FOCUS)
    assert shares[DREAM] and shares[REST] and shares[CRISIS]
