"""The example of docs/add_a_modality.md does what the page says."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from installed_package import blocks, install, installed_with_pip, write_package
from rclpy.serialization import serialize_message
from sensor_msgs.msg import Temperature

from sage.bags.metadata import QOS_BY_PROFILE
from sage.bags.selection import Selection
from sage.bags.writer import BagWriter
from sage.cli import main
from sage.doctor.packages import offered
from sage.graph.description import Graph, GraphOptions, NodeSpec, describe
from sage.run.launching import ARGUMENTS, node_actions
from sage.run.supervisor import commands
from sage.sources.bag_plan import plan_playing
from sage_common.core.clock import NS_PER_S
from sage_common.core.errors import InvalidInput
from sage_common.core.parameters import build
from sage_common.core.specs.modality import ModalitySpec, usual_modalities
from sage_common.ros.conversions.stamps import stamp_ns, to_stamp
from sage_common.ros.lockstep.host import LockstepHost
from sage_msgs.msg import Utterance
from sage_snarc.nodes.fusion_node import FusionNode
from sage_snarc.nodes.scorer_node import ScorerNode

START_NS = 1_700_000_000 * NS_PER_S
TOPIC, TYPE = "/thermometer", "sensor_msgs/msg/Temperature"


OWN_CONFIG = """
graph:
  ros__parameters:
    modalities:
      temperature:
        encoder: thermometer.encoder_node:TemperatureEncoderNode
        topic: /thermometer
        type: sensor_msgs/msg/Temperature
"""
"""The same as a modality that no package declares."""


@pytest.fixture(scope="module", autouse=True)
def _defaults_without_packages() -> None:
    """Nodes' parameters are imported before anything is installed: their defaults stay the same."""
    describe(GraphOptions(source="topics"))


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pip has installed the package of the page."""
    return installed_with_pip(tmp_path_factory.mktemp("thermometer"))


@pytest.fixture
def installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The encoder's module; this process and its children find the package."""
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("PYTHONPATH", str(site))
    return importlib.import_module("thermometer.encoder_node")


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The encoder's module, which can be imported; no package declares a modality."""
    monkeypatch.syspath_prepend(write_package(tmp_path / "package"))
    return importlib.import_module("thermometer.encoder_node")


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
    """A parameter file with a modality of its own; the encoder can be imported."""
    path = tmp_path / "temperature.yaml"
    path.write_text(OWN_CONFIG)
    return path


def test_an_installed_modality_is_part_of_the_graph(installed: ModuleType) -> None:
    described = describe(GraphOptions(source="topics"))
    check_graph(described)
    assert described.backends["temperature"] == "topic:/thermometer"


def test_a_parameter_file_makes_the_same_of_a_modality_of_its_own(config: Path) -> None:
    check_graph(describe(GraphOptions(config=str(config), source="topics")))


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


def write(folder: Path, text: str) -> str:
    path = folder / "changes.yaml"
    path.write_text(text)
    return str(path)


def changed(folder: Path, modalities: str) -> Graph:
    """The graph with changes under graph: modalities."""
    text = f"graph: {{ros__parameters: {{modalities: {modalities}}}}}\n"
    return describe(GraphOptions(config=write(folder, text), source="topics"))


def test_the_parameter_file_of_the_page_changes_the_graph(
    installed: ModuleType, tmp_path: Path
) -> None:
    config = write(tmp_path, blocks("yaml")[0])
    described = describe(GraphOptions(config=config, source="topics"))
    nodes = {node.name: node.parameters for node in described.nodes}
    names = ["vision", "audio", "language", "temperature", "battery_temperature"]
    assert [modality.name for modality in described.modalities] == names
    assert nodes["fusion"]["modalities"] == nodes["memory"]["modalities"] == names
    assert "proprioception_encoder" not in nodes and "proprioception_scorer" not in nodes
    assert nodes["temperature_encoder"]["topic"] == "/engine/temperature"
    second = nodes["battery_temperature_encoder"]
    assert (second["topic"], second["modality"]) == ("/battery/temperature", "battery_temperature")
    assert second["high_c"] == nodes["temperature_encoder"]["high_c"] == 90.0
    assert nodes["battery_temperature_scorer"]["like"] == "temperature"
    assert nodes["attention"]["instances"] == ["battery_temperature temperature"]
    assert f"battery_temperature /battery/temperature {TYPE}" in nodes["memory"]["own_sensors"]
    assert described.warnings == ()


@pytest.mark.parametrize(
    ("modalities", "words"),
    [
        ("{temperature: {like: vision}}", "temperature is installed"),
        ("{rear: {like: scent}}", "graph.modalities.rear.like = 'scent'"),
        ("{rear: {like: vision}}", "one whose encoder has a parameter `modality`"),
        ("{rear: true}", "the name of one that is installed"),
        ("{temperature: 1}", "true, false, or fields"),
        ("{vision: {topic: /other}}", "it comes from the camera"),
    ],
)
def test_a_change_that_cannot_be_is_refused_by_name(
    installed: ModuleType, tmp_path: Path, modalities: str, words: str
) -> None:
    with pytest.raises(InvalidInput, match=re.escape(words)):
        changed(tmp_path, modalities)


def test_a_modality_that_is_off_waits_until_a_file_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = "from sage_common.core.specs.modality import ModalitySpec\n"
    spec += f"QUIET = ModalitySpec('quiet', topic='/quiet', type='{TYPE}', on=False)"
    install(
        tmp_path / "site",
        "quiet-sensor",
        {"quiet_spec": spec},
        {"sage.modalities": {"quiet": "quiet_spec:QUIET"}},
    )
    monkeypatch.syspath_prepend(tmp_path / "site")

    def names(graph: Graph) -> list[str]:
        return [modality.name for modality in graph.modalities]

    assert "quiet" not in names(changed(tmp_path, "{}"))
    assert "quiet" in names(changed(tmp_path, "{quiet: true}"))
    assert "quiet" in names(changed(tmp_path, "{quiet: {topic: /still}}"))


def test_a_modality_that_cannot_be_imported_is_left_out_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = "from sage_common.core.specs.modality import ModalitySpec\n"
    spec += "GONE = ModalitySpec('gone', encoder='no_such_module:Encoder')\n"
    spec += "ODD = ModalitySpec('odd', topic='/odd', type='odd_msgs/msg/Odd', rate_hz=1.0)"
    points = {name: f"strange_spec:{name.upper()}" for name in ("gone", "odd", "lost")}
    points["sound"] = "strange_spec:sound"
    install(tmp_path, "strange", {"strange_spec": spec}, {"sage.modalities": points})
    monkeypatch.syspath_prepend(tmp_path)
    described = describe(GraphOptions(source="topics"))
    assert [modality.name for modality in described.modalities] == list(usual_modalities())[:4]
    assert {"vision_encoder", "vision_scorer"} <= {node.name for node in described.nodes}
    said = "\n".join(described.warnings)
    for words in (
        "sage.modalities gone of package strange is left out: encoder = 'no_such_module:Encoder'",
        "odd of package strange is left out: type = 'odd_msgs/msg/Odd': expected an installed",
        "lost of package strange is left out",
        "an attribute LOST in strange_spec",
    ):
        assert words in said, said
    assert main(["doctor", "--json"]) in (0, 1)
    found = json.loads(capsys.readouterr().out)
    warned = [item["text"] for item in found if item["name"] == "package strange"]
    assert len(warned) == 4 and all(item in said for item in warned)


def test_the_doctor_lists_what_packages_offer(
    installed: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    effector = "from sage_common.core.specs.effector import EffectorSpec\n"
    effector += "HEAD = EffectorSpec('head', 'robot:Head', 'turns the head', 2.0, True, "
    effector += "{'pan_rad': (-1.5, 1.5)})\nHead = create = object\n"
    install(
        tmp_path,
        "robot-parts",
        {"robot": effector},
        {
            "sage.effectors": {"head": "robot:HEAD"},
            "sage.camera_backends": {"eyes": "robot:create", "blind": "robot:nothing"},
        },
    )
    monkeypatch.syspath_prepend(tmp_path)
    found = {finding.name: finding for finding in offered()}
    assert "temperature (thermometer)" in found["modalities"].text
    assert "vision (sage_encoders)" in found["modalities"].text
    assert "recall (sage_plugins)" in found["plugins"].text
    assert found["camera backends"].text == "eyes (robot-parts)"
    said = "turns the head; can be undone; at most 2 s; pan_rad -1.5 to 1.5"
    assert found["effector head (robot-parts)"].text == said
    broken = found["package robot-parts"]
    assert broken.level == "warn" and "sage.camera_backends blind" in broken.text


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
        ("thermometer.encoder_node:Temp", "no_such_module:Temp", "PYTHONPATH"),
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


def words_bag(folder: Path) -> Path:
    """One word, and nothing else."""
    with BagWriter(folder) as writer:
        writer.add_topic("/sage/text", "sage_msgs/msg/Utterance", QOS_BY_PROFILE["standard"])
        words = Utterance(text="warm", confidence=1.0)
        words.header.stamp = to_stamp(START_NS)
        writer.write("/sage/text", START_NS, serialize_message(words))
    return folder


def replay(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["replay", *arguments, "--lockstep", "--json"]) == 0
    summary: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return summary


def test_an_installed_modality_goes_through_lockstep_the_same_each_time(
    installed: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bag = str(temperature_bag(tmp_path / "bag"))
    first = replay(capsys, bag)
    assert first["messages"]["/sage/temperature/puzzle"] == 40
    assert first["messages"]["/sage/temperature/salience"] >= 40
    assert first["warnings"] == [] and first["backends"]["temperature"] == f"bag:{TOPIC}"
    assert replay(capsys, bag)["digest"] == first["digest"]


def test_two_instances_of_a_modality_go_through_lockstep(
    installed: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bag = str(temperature_bag(tmp_path / "bag", seconds=3))
    text = "graph: {ros__parameters: {modalities: {heat: {like: temperature}}}}\n"
    found = replay(capsys, bag, "--config", write(tmp_path, text))
    assert found["messages"]["/sage/heat/puzzle"] == 15
    assert found["messages"]["/sage/temperature/puzzle"] == 15
    assert found["warnings"] == [] and found["errors"] == []


def test_a_bag_without_an_installed_modality_is_no_reason_for_a_warning(
    installed: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = replay(capsys, str(words_bag(tmp_path / "others")))
    assert found["warnings"] == [] and found["backends"]["temperature"] == "absent"
    assert "temperature: the bag has no /thermometer and no temperature/puzzle" in found["notes"]


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
    others = words_bag(tmp_path / "others")
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
