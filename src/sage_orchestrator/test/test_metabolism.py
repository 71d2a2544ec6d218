"""The metabolic states without ROS: how they are entered and left, and that none is a trap."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from sage_common.core.errors import InvalidInput
from sage_common.core.parameters import ParameterError, build
from sage_common.core.state.fields import LEARNED
from sage_common.core.state.packing import pack
from sage_common.core.state.restoring import unpack
from sage_orchestrator.core.metabolism.energy import RESERVE_S, EnergyReserve
from sage_orchestrator.core.metabolism.metabolism import Metabolism
from sage_orchestrator.core.metabolism.policy import check_policies
from sage_orchestrator.core.metabolism.state import MetabolicState, state_named
from sage_orchestrator.core.scheduling.policy import CyclePolicy
from sage_orchestrator.params import OrchestratorParameters
from sage_orchestrator.state_parameters import TransitionParameters, policies_of

NS, S = 1, 1_000_000_000
WAKE, FOCUS, REST, DREAM, CRISIS = MetabolicState
POLICIES = policies_of({})
NOON_NS = 12 * 3600 * S
RED = 3


class Robot:
    """A metabolism with a clock of its own."""

    def __init__(self, rated_power_w: float = 0.0, **changed: float) -> None:
        rules = TransitionParameters(**changed).rules()  # type: ignore[arg-type]
        self.energy = EnergyReserve(rated_power_w, 1.0)
        self.metabolism = Metabolism(rules, POLICIES, self.energy)
        self.now_ns = NOON_NS
        self.metabolism.assume_experience(24 * 3600 * S)
        self.loudest = 36_000.0

    def live(self, seconds: float, alarms_per_hour: float | None = None, load: float = 0.3) -> None:
        """Ten times a second something is sensed, and a cycle passes."""
        for _ in range(round(seconds * 10)):
            self.now_ns += S // 10
            rate = self.loudest if alarms_per_hour is None else alarms_per_hour
            self.metabolism.hear_salience(rate, True, "audio: a bang", self.now_ns)
            self.energy.spend(round(load * S / 10))
            self.metabolism.evaluate(self.now_ns)

    @property
    def state(self) -> MetabolicState:
        return self.metabolism.current


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
