"""The example of docs/add_a_modality.md does what the page says."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from rclpy.serialization import serialize_message
from sensor_msgs.msg import Temperature

from sage.graph.description import Graph, GraphOptions, NodeSpec, describe
from sage.run.launching import ARGUMENTS, node_actions
from sage.run.process_commands import commands
from sage_common.core.clock import NS_PER_S
from sage_common.core.parameters import build
from sage_common.ros.conversions.stamps import stamp_ns, to_stamp
from sage_common.ros.lockstep.host import LockstepHost
from sage_snarc.nodes.fusion_node import FusionNode
from sage_snarc.nodes.scorer_node import ScorerNode


def test_a_sudden_heat_stands_out_and_reaches_fusion(
    thermometer_module: ModuleType, tmp_path: Path
) -> None:
    host = graph(thermometer_module, tmp_path)
    noise = np.random.default_rng(0).normal(0.0, 0.05, 120)
    play(host, [float(21.0 + n) for n in noise])
    quiet = totals(host)[-20:]
    play(host, [45.0])
    assert totals(host)[-1] > 3 * max(np.mean(quiet), 0.05)
    fused = host.messages("fused_salience")[-1]
    assert fused.dominant_modality == "temperature"
    assert "temperature" in fused.reason


def totals(host: LockstepHost) -> list[float]:
    messages: list[Any] = host.messages("salience", modality="temperature")
    return [message.total for message in messages if message.valid]


def test_a_reading_that_is_not_a_number_is_counted_and_dropped(
    thermometer_module: ModuleType, tmp_path: Path
) -> None:
    host = graph(thermometer_module, tmp_path)
    play(host, [21.0, float("nan"), 22.0])
    assert len(host.messages("puzzle", modality="temperature")) == 2
    assert any("temperature = nan" in line.text for line in host.logs)


def graph(thermometer_module: ModuleType, tmp_path: Path) -> LockstepHost:
    host = LockstepHost(home=tmp_path)
    host.add(FusionNode, parameters={"modalities": ["temperature"]})
    host.add(ScorerNode, "temperature_scorer", {"modality": "temperature"})
    host.add(thermometer_module.TemperatureEncoderNode)
    return host


def play(host: LockstepHost, temperatures: list[float]) -> None:
    """Publish one reading a second and run the graph."""
    for value in temperatures:
        message = Temperature(temperature=value)
        message.header.stamp = to_stamp(host.clock.now_ns() + NS_PER_S)
        stamp = stamp_ns(message.header.stamp)
        data = serialize_message(message)
        host.publish_serialized(stamp, "/thermometer", "sensor_msgs/msg/Temperature", data)
        host.run_for(1.0)


def test_an_installed_modality_is_part_of_the_graph(installed_thermometer: ModuleType) -> None:
    described = describe(GraphOptions(source="topics"))
    check_graph(described)
    assert described.backends["temperature"] == "topic:/thermometer"


def test_a_parameter_file_makes_the_same_of_a_modality_of_its_own(thermometer_config: Path) -> None:
    check_graph(describe(GraphOptions(config=str(thermometer_config), source="topics")))


def check_graph(described: Graph) -> None:
    """It has the temperature's nodes, also when launched; all that list modalities have it."""
    nodes = {node.name: node for node in described.nodes}
    for name in ("fusion", "memory", "orchestrator"):
        assert modalities_of(nodes[name])[0] == "vision"
        assert modalities_of(nodes[name])[-1] == "temperature"
    assert nodes["temperature_scorer"].parameters["modality"] == "temperature"
    encoder = nodes["temperature_encoder"]
    assert encoder.parameters["topic"] == "/thermometer"
    class_path = "thermometer.encoder_node:TemperatureEncoderNode"
    assert encoder.container_entry("info")["class"] == class_path
    sensors = ["temperature /thermometer sensor_msgs/msg/Temperature"]
    assert nodes["memory"].parameters["own_sensors"] == sensors
    assert described.warnings == ()
    alone = commands(described, composed=False, log_level="info")["temperature_encoder"]
    assert "container" in alone[1] and "TemperatureEncoderNode" in alone[3]
    values = {name: default for name, (default, _) in ARGUMENTS.items()}
    actions = node_actions(described, {**values, "composed": "false"}, {}, SimpleNamespace)
    launched = [action.arguments[-1] for action in actions if action.executable == "container"]
    assert len(launched) == 1 and class_path in launched[0]


def modalities_of(node: NodeSpec) -> list[str]:
    """Those that a node works on."""
    built: Any = build(node.type.parameters_type(), node.own_parameters)
    return list(built.modalities)
