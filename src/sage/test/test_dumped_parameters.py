"""What `ros2 param dump` writes of a node is a parameter file that the graph takes again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import rclpy
import yaml
from rclpy.parameter import PARAMETER_SEPARATOR_STRING
from rclpy.signals import SignalHandlerOptions

from sage.graph.description import GraphOptions, NodeSpec, describe
from sage_common.ros.container import node_class, ros_arguments
from sage_common.ros.rclpy_host.host import RosHost

QOS = {"/parameter_events": {"publisher": {"depth": 1000, "reliability": "reliable"}}}


def dump(host: RosHost) -> str:
    """As ros2param writes it: names split at their dots, everything declared."""
    values: dict[str, Any] = {"qos_overrides": QOS}
    for name in sorted(host._parameters):
        *above, last = name.split(PARAMETER_SEPARATOR_STRING)
        place = values
        for part in above:
            place = place.setdefault(part, {})
        place[last] = host.get_parameter(name).value
    full_name = host.get_fully_qualified_name()
    return yaml.dump({full_name: {"ros__parameters": values}}, default_flow_style=False)


def make(spec: NodeSpec) -> RosHost:
    entry = spec.container_entry("warn")
    return RosHost(node_class(entry["class"]), spec.name, ros_arguments(entry))


@pytest.fixture
def ros() -> Any:
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    yield
    rclpy.shutdown()


@pytest.mark.usefixtures("ros")
def test_the_dump_of_every_kind_of_node_is_loaded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAGE_HOME", str(tmp_path / "home"))
    path = tmp_path / "dump.yaml"
    options = GraphOptions(namespace="/robot1", source="live", camera="synthetic")
    for kind in ("fusion", "scorer", "memory", "proprioception_encoder", "microphone"):
        spec = next(node for node in describe(options).nodes if node.kind == kind)
        host = make(spec)
        host.node.configure()
        path.write_text(dump(host))
        graph = describe(GraphOptions(**{**vars(options), "config": str(path)}))
        assert [note for note in graph.notes if str(path) in note] == []
        again = next(node for node in graph.nodes if node.name == spec.name)
        assert again.parameters["qos_overrides./parameter_events.publisher.depth"] == 1000
        second = make(again)
        second.node.configure()
        assert second.node.parameters == host.node.parameters
        host.stop()
        second.stop()
