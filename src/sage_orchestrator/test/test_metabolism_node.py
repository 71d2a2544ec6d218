"""The metabolic state on the lock-step host: what it publishes, governs, and refuses."""

from __future__ import annotations

import math

import pytest
from orchestrator_graph import MS, diagnostics, header, salience, started
from sensor_msgs.msg import BatteryState

from sage_common.core.parameters import ParameterError
from sage_common.ros.conversions.stamps import stamp_ns
from sage_common.ros.lockstep.host import LockstepHost
from sage_msgs.msg import MetabolicState, ResourcePressure
from sage_msgs.srv import SetState
from sage_sensors.nodes.camera_node import CameraNode

SOON = {"states.rest_after_s": 2.0, "states.dream_after_s": 8.0, "states.dream_s": 4.0}
QUIET, BANG = 36_000.0, 0.1


def sense(host: LockstepHost, seconds: float, alarms_per_hour: float = QUIET) -> None:
    """Salience, ten times a second."""
    begin_ns = host.clock.now_ns()
    for i in range(round(seconds * 10)):
        at_ns = begin_ns + i * 100 * MS + 5 * MS
        message = salience(at_ns, 0.1)
        message.alarms_per_hour = alarms_per_hour
        message.reason = "vision: a bang"
        host.publish("fused_salience", message)
    host.run_for(seconds)


def states(host: LockstepHost) -> list[MetabolicState]:
    return host.messages("state")


def changes(host: LockstepHost) -> list[int]:
    return [change.state for change in states(host)[-1].transitions]


def battery(share: float, charging: bool = False) -> BatteryState:
    status = "CHARGING" if charging else "DISCHARGING"
    number = getattr(BatteryState, f"POWER_SUPPLY_STATUS_{status}")
    return BatteryState(percentage=share, present=True, power_supply_status=number)


def test_it_rests_dreams_and_wakes_with_reasons(tmp_path):
    host = started(tmp_path, ["misbehaving_plugins:HALVING"], **SOON)
    sense(host, 11.0)
    assert changes(host) == [MetabolicState.REST, MetabolicState.DREAM]
    assert states(host)[-1].consolidation and not states(host)[-1].learning
    sense(host, 0.2, BANG)
    newest = states(host)[-1]
    assert newest.state == MetabolicState.WAKE and newest.reason == "woken by vision: a bang"
    assert any("DREAM -> WAKE: woken by" in line.text for line in host.logs)


def test_a_bang_wakes_in_the_middle_of_a_slow_cycle(tmp_path):
    host = started(tmp_path, [], **SOON, **{"states.rest.cycle_factor": 100})
    sense(host, 6.0)
    assert changes(host) == [MetabolicState.REST]
    message = salience(host.clock.now_ns() + 7 * MS, 0.9)
    message.alarms_per_hour = BANG
    host.publish("fused_salience", message)
    host.run_for(0.05)
    newest = states(host)[-1]
    assert newest.state == MetabolicState.WAKE
    assert stamp_ns(newest.header.stamp) == stamp_ns(message.header.stamp)


def test_a_state_governs_cycle_and_budget(tmp_path):
    host = started(tmp_path, ["misbehaving_plugins:HALVING"], **SOON)
    sense(host, 1.0)
    before = len(host.messages("budget"))
    host.call("orchestrator/set_state", SetState.Request(state="rest", duration_s=60.0))
    sense(host, 5.0)
    resting = host.messages("budget")[before:]
    assert len(resting) == pytest.approx(10, abs=2)
    assert resting[-1].cycle_ms == 500.0 and resting[-1].budget_atp == pytest.approx(1000.0)


def test_a_state_governs_which_plugins_begin(tmp_path):
    host = started(tmp_path, ["misbehaving_plugins:HALVING"])
    request = SetState.Request(state="crisis", duration_s=60.0)
    response = host.call("orchestrator/set_state", request)
    assert response.success and response.message.endswith(
        "forced for 60 s; admits none of the loaded plugins, only look"
    )
    assert states(host)[-1].reason in response.message
    sense(host, 1.0, BANG)
    (line,) = host.messages("budget")[-1].plugins
    assert "does not admit it" in line.reason


def test_a_state_governs_the_rates_of_sensors_and_gives_them_back(tmp_path):
    host = LockstepHost(home=tmp_path)
    camera = {"backend": "synthetic", "width_px": 64, "height_px": 48}
    host.add(CameraNode, parameters=camera)
    inner = started(tmp_path, [])
    assert diagnostics_of_rates(inner) == ("no", "camera, imu, recording")
    node = host.add(type(inner.nodes[-1]), parameters={"plugins": []})
    rates = []
    for state in ("rest", "auto"):
        host.call("orchestrator/set_state", SetState.Request(state=state, duration_s=60.0))
        host.run_for(1.0)  # what was read ahead is still played
        before = len(host.messages("camera/info", name="front"))
        host.run_for(4.0)
        rates.append((len(host.messages("camera/info", name="front")) - before) / 4.0)
    assert rates == [pytest.approx(5.0, abs=0.5), pytest.approx(30.0, abs=1.0)]
    host.call("orchestrator/set_state", SetState.Request(state="rest", duration_s=60.0))
    node.deactivate()
    assert host.nodes[0].parameters.max_camera_rate_hz == 0.0


def diagnostics_of_rates(host: LockstepHost) -> tuple[str, str]:
    host.run_for(1.5)
    shown = diagnostics(host)
    return shown["sensors_limited"], shown["sensors_absent"]


def test_at_orange_pressure_most_plugins_pause(tmp_path):
    host = started(tmp_path, [], plugins_under_pressure=["read"])
    sense(host, 1.0)
    node = host.nodes[-1]
    for level, admits in ((1, True), (2, False), (0, True)):
        pressure = ResourcePressure(level=level, power_w=-1.0)
        pressure.header = header(host.clock.now_ns())
        host.publish("pressure", pressure)
        host.run_for(0.1)
        policy = node._governor.cycle_policy
        assert policy.admits("recall") is admits and policy.admits("read")


def test_red_pressure_and_an_empty_battery_are_a_crisis(tmp_path):
    host = started(tmp_path, [])
    sense(host, 1.0)
    pressure = ResourcePressure(level=3, power_w=-1.0)
    pressure.header = header(host.clock.now_ns())
    host.publish("pressure", pressure)
    host.run_for(0.1)
    assert states(host)[-1].reason == "memory pressure is red"
    other = started(tmp_path, [])
    other.publish("battery_state", battery(0.05))
    sense(other, 1.0)
    newest = states(other)[-1]
    assert newest.state == MetabolicState.CRISIS and newest.energy_source == "battery"


@pytest.mark.parametrize("share", [math.nan, -1.0, 2.0])
def test_a_battery_that_says_nonsense_is_said(tmp_path, share):
    host = started(tmp_path, [])
    host.publish("battery_state", battery(share))
    sense(host, 1.5)
    newest = states(host)[-1]
    assert newest.state == MetabolicState.WAKE and newest.energy_source == "budget use"
    assert "the battery says" in newest.energy_fault
    assert "the battery says" in diagnostics(host)["energy"]


def test_a_battery_that_is_not_present_is_said_so(tmp_path):
    host = started(tmp_path, [])
    host.publish("battery_state", BatteryState(percentage=math.nan, present=False))
    sense(host, 1.5)
    assert states(host)[-1].energy_fault == "the battery is not present"


def test_the_newer_of_two_forced_states_wins_and_says_so(tmp_path):
    host = started(tmp_path, [])
    for state in ("REST", "FOCUS"):
        request = SetState.Request(state=state, duration_s=30.0)
        response = host.call("orchestrator/set_state", request)
    assert response.message == "FOCUS: forced for 30 s, instead of REST, which was forced"
    host.run_for(29.0)
    assert states(host)[-1].state == MetabolicState.FOCUS
    host.run_for(2.0)
    assert states(host)[-1].reason == "the forced state has ended"
    response = host.call("orchestrator/set_state", SetState.Request(state="auto"))
    assert response.success and response.message == "no state was forced"


@pytest.mark.parametrize(
    ("state", "duration_s", "field"),
    [
        ("SLEEP", 10.0, "state = 'SLEEP'"),
        ("", 10.0, "state = ''"),
        ("REST", 0.0, "duration_s = 0.0"),
        ("REST", -5.0, "duration_s"),
        ("REST", math.nan, "duration_s = nan"),
        ("REST", 1e9, "duration_s"),
    ],
)
def test_what_cannot_be_forced_is_refused(tmp_path, state, duration_s, field):
    host = started(tmp_path, [])
    request = SetState.Request(state=state, duration_s=duration_s)
    response = host.call("orchestrator/set_state", request)
    assert not response.success and field in response.message
    assert states(host)[-1].state == MetabolicState.WAKE


def test_a_policy_of_a_plugin_that_is_not_there_is_warned_about(tmp_path):
    wake = {"states.wake.plugins": ["nosuch"], "states.rest.plugins": ["halving"]}
    host = started(tmp_path, ["misbehaving_plugins:HALVING"], **wake)
    sense(host, 1.0)
    warned = [line.text for line in host.logs if "is installed" in line.text]
    assert warned == ["states.wake.plugins: no plugin nosuch is installed"]
    assert states(host)[-1].reason.endswith("; admits none of the loaded plugins, only nosuch")


def test_a_policy_that_forbids_everything_is_refused_by_name(tmp_path):
    with pytest.raises(ParameterError, match=r"states\.rest\.plugins = \[\]"):
        started(tmp_path, [], **{"states.rest.plugins": []})


def test_an_orchestrator_that_is_not_active_governs_nothing(tmp_path):
    host = started(tmp_path, [])
    host.call("orchestrator/set_state", SetState.Request(state="rest", duration_s=60.0))
    host.nodes[-1].deactivate()
    newest = states(host)[-1]
    assert (list(newest.plugins), newest.budget_atp, newest.max_camera_rate_hz) == ([], 0.0, 0.0)
    host.nodes[-1].activate()
    assert list(states(host)[-1].plugins) == ["*"]


def test_a_forced_state_goes_on_after_a_restart(tmp_path):
    host = started(tmp_path, [])
    host.call("orchestrator/set_state", SetState.Request(state="rest", duration_s=60.0))
    host.run_for(10.0)
    host.nodes[-1].deactivate()
    other = started(tmp_path, [])
    newest = states(other)[-1]
    assert newest.state == MetabolicState.REST
    assert newest.reason.startswith("forced before a restart, for ")


def test_a_forced_state_goes_on_after_a_kill(tmp_path):
    """What was forced is saved before the answer: the first orchestrator is never deactivated."""
    killed = started(tmp_path, [])
    killed.call("orchestrator/set_state", SetState.Request(state="rest", duration_s=60.0))
    other = started(tmp_path, [])
    assert states(other)[-1].reason.startswith("forced before a restart, for ")
    killed.call("orchestrator/set_state", SetState.Request(state="auto"))
    assert states(started(tmp_path, []))[-1].reason == "the graph has started"


def test_two_runs_are_the_same(tmp_path):
    digests = []
    for name in ("first", "second"):
        host = started(tmp_path / name, ["misbehaving_plugins:HALVING"], **SOON)
        sense(host, 7.0)
        sense(host, 0.5, BANG)
        digests.append(host.digest())
    assert digests[0] == digests[1]
