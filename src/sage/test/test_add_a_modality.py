"""The example of docs/add_a_modality.md does what the page says."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from rclpy.serialization import serialize_message
from sensor_msgs.msg import Temperature

from sage.bags.metadata import QOS_BY_PROFILE
from sage.bags.selection import Selection
from sage.bags.writer import BagWriter
from sage.cli import main
from sage.graph.description import GraphOptions, describe
from sage.run.supervisor import commands
from sage.sources.bag_plan import plan_playing
from sage_common.core.clock import NS_PER_S
from sage_common.core.errors import InvalidInput
from sage_common.core.specs.modality import ModalitySpec
from sage_common.ros.conversions.stamps import stamp_ns, to_stamp
from sage_common.ros.lockstep.host import LockstepHost
from sage_msgs.msg import Utterance
from sage_snarc.nodes.fusion_node import FusionNode
from sage_snarc.nodes.scorer_node import ScorerNode

PAGE = Path(__file__).resolve().parents[3] / "docs" / "add_a_modality.md"
START_NS = 1_700_000_000 * NS_PER_S
TOPIC, TYPE = "/thermometer", "sensor_msgs/msg/Temperature"


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


@pytest.fixture
def config(example: ModuleType, tmp_path: Path) -> Path:
    """The parameter file of the page; its encoder can be imported."""
    path = tmp_path / "temperature.yaml"
    path.write_text(block("yaml"))
    return path


def test_the_parameter_file_of_the_page_makes_the_graph(config: Path) -> None:
    described = describe(GraphOptions(config=str(config), source="topics"))
    nodes = {node.name: node for node in described.nodes}
    for name in ("fusion", "memory", "orchestrator"):
        assert "vision" in nodes[name].parameters["modalities"]
        assert nodes[name].parameters["modalities"][-1] == "temperature"
    assert nodes["temperature_scorer"].parameters["modality"] == "temperature"
    encoder = nodes["temperature_encoder"]
    assert encoder.parameters["topic"] == "/thermometer"
    assert encoder.container_entry("info")["class"] == "temperature_encoder:TemperatureEncoderNode"
    sensors = ["temperature /thermometer sensor_msgs/msg/Temperature"]
    assert nodes["memory"].parameters["own_sensors"] == sensors
    assert described.warnings == ()
    alone = commands(described, composed=False, log_level="info")["temperature_encoder"]
    assert "container" in alone[1] and "TemperatureEncoderNode" in alone[3]


def test_a_list_in_the_file_wins_and_parameters_of_the_encoder_are_its_own(
    config: Path, tmp_path: Path
) -> None:
    more = "fusion: {ros__parameters: {modalities: [vision]}}\n"
    more += "temperature_encoder: {ros__parameters: {high_c: 90.0}}\n"
    config.write_text(config.read_text() + more)
    nodes = {n.name: n for n in describe(GraphOptions(config=str(config), source="topics")).nodes}
    assert nodes["fusion"].parameters["modalities"] == ["vision"]
    assert nodes["temperature_encoder"].parameters["high_c"] == 90.0
    config.write_text(config.read_text().replace("high_c", "highest_c"))
    with pytest.raises(ValueError, match="temperature_encoder: highest_c"):
        describe(GraphOptions(config=str(config), source="topics"))


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("      temperature:", "      vision:", "graph.modalities.vision.topic"),
        ("      temperature:", "      Warm-1:", "small letters"),
        ("encoder:", "encodes:", "one of encoder, like, topic, type"),
        ("temperature_encoder:Temp", "no_such_module:Temp", "PYTHONPATH"),
        ("/thermometer", "thermometer", "an absolute name"),
        ("sensor_msgs/msg/Temperature", "sensor_msgs/msg/Heat", "an installed interface"),
        ("/thermometer", "7", "a string"),
    ],
)
def test_a_mistake_in_the_file_is_refused_by_name(
    config: Path, before: str, after: str, words: str
) -> None:
    config.write_text(config.read_text().replace(before, after))
    with pytest.raises(InvalidInput, match=re.escape(words)):
        describe(GraphOptions(config=str(config), source="topics"))


def temperature_bag(folder: Path, seconds: int = 8) -> Path:
    """Five readings a second, hot in the last one; and no other sensor."""
    rng = np.random.default_rng(0)
    with BagWriter(folder) as writer:
        writer.add_topic(TOPIC, TYPE, QOS_BY_PROFILE["sensor"])
        for i in range(5 * seconds):
            time_ns = START_NS + i * NS_PER_S // 5
            message = Temperature(temperature=21.0 + float(rng.normal(0.0, 0.05)))
            if i >= 5 * seconds - 5:
                message.temperature = 55.0
            message.header.stamp = to_stamp(time_ns)
            writer.write(TOPIC, time_ns, serialize_message(message))
    return folder


def replay(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["replay", *arguments, "--lockstep", "--json"]) == 0
    summary: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return summary


def test_an_own_modality_goes_through_lockstep_the_same_each_time(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bag = str(temperature_bag(tmp_path / "bag"))
    first = replay(capsys, bag, "--config", str(config))
    assert first["messages"]["/sage/temperature/puzzle"] == 40
    assert first["messages"]["/sage/temperature/salience"] >= 40
    assert first["warnings"] == [] and first["backends"]["temperature"] == f"bag:{TOPIC}"
    assert replay(capsys, bag, "--config", str(config))["digest"] == first["digest"]


def test_puzzles_of_an_own_modality_are_played_where_the_bag_has_only_these(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bag = str(temperature_bag(tmp_path / "bag", seconds=3))
    puzzles = str(tmp_path / "puzzles")
    whole = replay(capsys, bag, "--config", str(config), "-o", puzzles)
    bare = "graph: {ros__parameters: {modalities: {temperature: {type: ''}}}}\n"
    config.write_text(bare)
    again = replay(capsys, puzzles, "--config", str(config))
    name = "/sage/temperature/salience"
    assert again["messages"][name] == whole["messages"][name]
    assert again["backends"]["temperature"] == "bag:/sage/temperature/puzzle"
    assert again["warnings"] == []


def test_what_a_file_asks_for_in_vain_is_warned_of(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    others = tmp_path / "others"
    with BagWriter(others) as writer:
        writer.add_topic("/sage/text", "sage_msgs/msg/Utterance", QOS_BY_PROFILE["standard"])
        words = Utterance(text="warm", confidence=1.0)
        words.header.stamp = to_stamp(START_NS)
        writer.write("/sage/text", START_NS, serialize_message(words))
    lacking = replay(capsys, str(others), "--config", str(config))["warnings"]
    assert "temperature: the bag has no /thermometer and no temperature/puzzle" in lacking
    config.write_text("fusion: {ros__parameters: {modalities: [language, scan]}}\n")
    unknown = replay(capsys, str(others), "--config", str(config))["warnings"]
    assert any(w.startswith("scan: no encoder or scorer of this graph") for w in unknown)


def test_a_bag_with_another_type_of_that_name_is_not_taken_for_it(tmp_path: Path) -> None:
    bag = temperature_bag(tmp_path / "bag", seconds=1)
    own = ModalitySpec("warm", topic=TOPIC, type="sensor_msgs/msg/FluidPressure")
    right = ModalitySpec("temperature", topic=TOPIC, type=TYPE)
    plan = plan_playing(bag, "/sage", [own, right])
    assert f"{TOPIC} is of {TYPE}, not sensor_msgs/msg/FluidPressure" in plan.sensors.warnings
    assert list(plan.routes) == [TOPIC] and plan.routes[TOPIC].target == TOPIC


def test_the_sensor_of_an_own_modality_is_recorded_by_default() -> None:
    assert not Selection("/sage").takes(TOPIC, TYPE)
    assert Selection("/sage", own=(TOPIC,)).takes(TOPIC, TYPE)
    assert Selection("/sage").takes("/sage/temperature/puzzle", "sage_msgs/msg/Puzzle")
