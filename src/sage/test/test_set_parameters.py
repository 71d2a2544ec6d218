"""`ros2 param set` on every kind of node: refused while it would not take effect, else it does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import rclpy
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.signals import SignalHandlerOptions

from sage.graph.catalogue import CATALOGUE
from sage_common.core.parameters import ParameterSpec, specs
from sage_common.ros.container import node_class
from sage_common.ros.rclpy_host.host import RosHost
from sage_common.ros.rclpy_host.parameters import IN_USE

ROS_SWITCHES = ("use_sim_time", "start_type_description_service")


@pytest.fixture(autouse=True)
def ros() -> Iterator[None]:
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    yield
    rclpy.shutdown()


def another(spec: ParameterSpec, now: Any) -> Any:
    """A value that the parameter may have, another than its present one where there is one."""
    if isinstance(now, bool):
        return not now
    if isinstance(now, (int, float)):
        return type(now)(spec.high if spec.high not in (None, now) else spec.low or now)
    return next((choice for choice in spec.choices or () if choice != now), now)


@pytest.mark.parametrize("kind", CATALOGUE)
def test_a_parameter_is_refused_while_it_would_not_take_effect(kind: str, tmp_path: Path) -> None:
    given = {"home": tmp_path, **({"modality": "audio"} if kind == "scorer" else {})}
    arguments = [word for name, value in given.items() for word in ("-p", f"{name}:={value}")]
    node_type = node_class(CATALOGUE[kind].node_class)
    host = RosHost(node_type, f"{kind}_set", ["--ros-args", *arguments])
    try:
        assert host.trigger_configure() == TransitionCallbackReturn.SUCCESS
        table = {spec.name: spec for spec in specs(node_type.parameters_type)}
        before = {name: host.get_parameter(name).value for name in (*table, *ROS_SWITCHES)}
        for name, value in before.items():
            spec = table.get(name)
            wanted = not value if spec is None else another(spec, value)
            if spec is not None and spec.changeable:
                (accepted,) = host.set_parameters([Parameter(name, value=wanted)])
                assert accepted.successful and getattr(host.node.parameters, name) == wanted
                continue
            (refused,) = host.set_parameters([Parameter(name, value=wanted)])
            assert not refused.successful and refused.reason, name
            assert spec is None or refused.reason == f"{name}: {IN_USE}"
            assert host.get_parameter(name).value == value
        assert host.trigger_cleanup() == TransitionCallbackReturn.SUCCESS
        wanted_s = another(table["checkpoint_period_s"], before["checkpoint_period_s"])
        for name, value in {**before, "checkpoint_period_s": wanted_s}.items():
            if name in table:
                (accepted,) = host.set_parameters([Parameter(name, value=value)])
                assert accepted.successful, accepted.reason
        assert host.trigger_configure() == TransitionCallbackReturn.SUCCESS
        assert host.node.parameters.checkpoint_period_s == wanted_s
    finally:
        assert host.stop()
