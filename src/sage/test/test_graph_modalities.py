"""Parameter files change the modalities of the graph; mistakes in them are refused by name."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest
from installed_package import blocks, install
from thermometer_bag import TYPE

from sage.graph.catalogue import NODES
from sage.graph.description import Graph, GraphOptions, describe
from sage_common.core.diagnosis.node_status import AT_FAULT
from sage_common.core.errors import InvalidInput
from sage_common.core.specs.modality import RESERVED
from sage_common.ros.container import node_class
from sage_common.ros.diagnostics import DIAGNOSTICS
from sage_common.ros.lockstep.host import LockstepHost

pytestmark = pytest.mark.usefixtures("defaults_without_packages")


def write(folder: Path, text: str) -> str:
    path = folder / "changes.yaml"
    path.write_text(text)
    return str(path)


def changed(folder: Path, modalities: str) -> Graph:
    """The graph with changes under graph: modalities."""
    text = f"graph: {{ros__parameters: {{modalities: {modalities}}}}}\n"
    return describe(GraphOptions(config=write(folder, text), source="topics"))


def test_no_modality_can_have_the_name_of_a_node() -> None:
    assert set(NODES) <= RESERVED


def test_the_parameter_file_of_the_page_changes_the_graph(
    installed_thermometer: ModuleType, tmp_path: Path
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
    told = {tuple(parameters["instances"]) for parameters in nodes.values()}
    assert told == {("battery_temperature temperature",)}
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
    installed_thermometer: ModuleType, tmp_path: Path, modalities: str, words: str
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


def test_nothing_is_demanded_of_senses_that_are_switched_off(tmp_path: Path) -> None:
    off = "vision: false, audio: false, language: false, proprioception: false"
    laser_only = changed(tmp_path, f"{{{off}, scan: true}}")
    at_fault = inputs_at_fault(laser_only, tmp_path / "laser")
    own = {"/sage/scan/puzzle", "/sage/scan/salience", "/sage/salience", "/sage/attention"}
    assert {topic for topics in at_fault.values() for topic in topics} <= own, at_fault
    camera_only = changed(tmp_path, "{audio: false, language: false, proprioception: false}")
    at_fault = inputs_at_fault(camera_only, tmp_path / "camera")
    for node in ("memory", "orchestrator"):
        assert "/sage/camera/front/image_raw" in at_fault[node]
    assert "/sage/camera/front/camera_info" in at_fault["attention"]
    assert not [t for topics in at_fault.values() for t in topics if "microphone" in t]


def inputs_at_fault(graph: Graph, home: Path) -> dict[str, list[str]]:
    """Which topics each node misses, by its name, where nobody publishes anything for 3 s."""
    host = LockstepHost(home=home)
    for node in graph.nodes:
        kind = node_class(node.type.node_class)
        host.add(kind, node.name, node.own_parameters, node.remappings)
    host.run_for(3.0)
    host.close()
    found = {}
    for delivered in host.outputs:
        if delivered.topic == DIAGNOSTICS.name:
            (status,) = delivered.message().status
            values = {item.key: item.value for item in status.values}
            topics = values.get(AT_FAULT, "").split(", ")
            found[status.name.rpartition("/")[2]] = [topic for topic in topics if topic]
    return found


def test_a_list_in_the_file_wins_and_parameters_of_the_encoder_are_its_own(
    thermometer_config: Path,
) -> None:
    more = "fusion: {ros__parameters: {modalities: [vision]}}\n"
    more += "temperature_encoder: {ros__parameters: {high_c: 90.0}}\n"
    thermometer_config.write_text(thermometer_config.read_text() + more)
    described = describe(GraphOptions(config=str(thermometer_config), source="topics"))
    nodes = {node.name: node for node in described.nodes}
    assert nodes["fusion"].parameters["modalities"] == ["vision"]
    assert nodes["temperature_encoder"].parameters["high_c"] == 90.0
    thermometer_config.write_text(thermometer_config.read_text().replace("high_c", "highest_c"))
    with pytest.raises(ValueError, match="temperature_encoder: highest_c"):
        describe(GraphOptions(config=str(thermometer_config), source="topics"))


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
    thermometer_config: Path, before: str, after: str, words: str
) -> None:
    thermometer_config.write_text(thermometer_config.read_text().replace(before, after))
    with pytest.raises(InvalidInput, match=re.escape(words)):
        describe(GraphOptions(config=str(thermometer_config), source="topics"))
