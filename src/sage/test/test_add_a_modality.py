"""The example of docs/add_a_modality.md does what the page says."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from rclpy.serialization import serialize_message
from sensor_msgs.msg import Temperature

from sage.graph.description import GraphOptions, describe
from sage_common.core.clock import NS_PER_S
from sage_common.ros.lockstep import LockstepHost
from sage_common.ros.stamps import stamp_ns, to_stamp
from sage_snarc.nodes.fusion_node import FusionNode
from sage_snarc.nodes.scorer_node import ScorerNode

PAGE = Path(__file__).resolve().parents[3] / "docs" / "add_a_modality.md"


def block(language: str) -> str:
    """The first code block of the page in a language."""
    found = re.search(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("temperature_encoder")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(block("python"), str(PAGE), "exec"), module.__dict__)
    return module


def play(host: LockstepHost, temperatures: list[float]) -> None:
    """Publish one reading a second and run the graph."""
    for value in temperatures:
        message = Temperature(temperature=value)
        message.header.stamp = to_stamp(host.clock.now_ns() + NS_PER_S)
        stamp = stamp_ns(message.header.stamp)
        data = serialize_message(message)
        host.publish_serialized(stamp, "/thermometer", "sensor_msgs/msg/Temperature", data)
        host.run_for(1.0)


def graph(example: ModuleType, tmp_path: Path) -> LockstepHost:
    host = LockstepHost(home=tmp_path)
    host.add(FusionNode, parameters={"modalities": ["temperature"]})
    host.add(ScorerNode, "temperature_scorer", {"modality": "temperature"})
    host.add(example.TemperatureEncoderNode)
    return host


def test_a_sudden_heat_stands_out_and_reaches_fusion(example: ModuleType, tmp_path: Path) -> None:
    host = graph(example, tmp_path)
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
    example: ModuleType, tmp_path: Path
) -> None:
    host = graph(example, tmp_path)
    play(host, [21.0, float("nan"), 22.0])
    assert len(host.messages("puzzle", modality="temperature")) == 2
    assert any("temperature = nan" in line.text for line in host.logs)


def test_the_parameter_file_of_the_page_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "temperature.yaml"
    path.write_text(block("yaml"))
    described = describe(GraphOptions(config=str(path)))
    for kind in ("fusion", "memory", "orchestrator"):
        node = next(node for node in described.nodes if node.kind == kind)
        assert "temperature" in node.parameters["modalities"]
