"""Parameters that may be changed while a node is active, on both hosts."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter as RosParameter

from sage_common.core.parameters import NodeParameters, parameter
from sage_common.ros.lockstep.host import LockstepHost
from sage_common.ros.node import SageNode
from sage_common.ros.rclpy_host.host import RosHost
from sage_common.ros.rclpy_host.local_bus import BUS, VARIABLE


@dataclass(frozen=True)
class TapParameters(NodeParameters):
    """A tap."""

    flow: float = parameter(1.0, doc="flow", low=0.0, high=2.0, changeable=True)
    pipe: str = parameter("copper", doc="material")


class TapNode(SageNode):
    default_name = "tap"
    parameters_type = TapParameters
    parameters: TapParameters

    def on_configure(self) -> None:
        self.flows = [self.parameters.flow]

    def on_parameters(self) -> None:
        self.flows.append(self.parameters.flow)


def request(name: str, value: float | str) -> SetParameters.Request:
    if isinstance(value, str):
        given = ParameterValue(type=ParameterType.PARAMETER_STRING, string_value=value)
    else:
        given = ParameterValue(type=ParameterType.PARAMETER_DOUBLE, double_value=value)
    return SetParameters.Request(parameters=[Parameter(name=name, value=given)])


WRONG = [
    ("flow", 3.0, "flow = 3.0: expected number from 0 to 2"),
    ("flow", float("nan"), "flow = nan: expected"),
    ("flow", "much", "flow = 'much': expected number"),
    ("pipe", "steel", "pipe: it was read when the node was configured"),
]


def test_in_lock_step_a_change_takes_effect_at_once() -> None:
    host = LockstepHost()
    node = host.add(TapNode)
    assert isinstance(node, TapNode)
    assert host.call("tap/set_parameters", request("flow", 0.5)).results[0].successful
    assert node.flows == [1.0, 0.5]


@pytest.mark.parametrize(("name", "value", "why"), [*WRONG, ("flwo", 1.0, "unknown parameter")])
def test_in_lock_step_what_is_wrong_is_refused(name: str, value: float | str, why: str) -> None:
    host = LockstepHost()
    node = host.add(TapNode)
    (result,) = host.call("tap/set_parameters", request(name, value)).results
    assert not result.successful and why in result.reason
    assert isinstance(node, TapNode) and node.flows == [1.0]


def test_on_ros_the_same_holds(ros) -> None:
    host = RosHost(TapNode)
    try:
        assert host.start()
        node = host.node
        assert isinstance(node, TapNode)
        (result,) = host.set_parameters([RosParameter("flow", value=0.5)])
        assert result.successful and node.flows == [1.0, 0.5]
        for name, value, why in WRONG:
            (result,) = host.set_parameters([RosParameter(name, value=value)])
            assert not result.successful and result.reason
            assert why in result.reason or "out of range" in result.reason  # rclpy's own check
        assert node.flows == [1.0, 0.5]
    finally:
        host.stop()


def test_a_node_of_the_same_process_sets_it(ros, monkeypatch) -> None:
    monkeypatch.setenv(VARIABLE, "1")
    host = RosHost(TapNode)
    try:
        assert host.start()
        call = BUS.service("/tap/set_parameters")
        assert call is not None and call(request("flow", 0.25), 1.0).results[0].successful
        assert host.node.parameters.flow == 0.25
    finally:
        host.stop()
