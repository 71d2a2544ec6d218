"""Parameter files change the modalities of the graph; mistakes in them are refused by name."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest
from installed_package import blocks, install
from thermometer_bag import TYPE

from sage.graph.description import Graph, GraphOptions, describe
from sage_common.core.errors import InvalidInput

pytestmark = pytest.mark.usefixtures("defaults_without_packages")


def write(folder: Path, text: str) -> str:
    path = folder / "changes.yaml"
    path.write_text(text)
    return str(path)


def changed(folder: Path, modalities: str) -> Graph:
    """The graph with changes under graph: modalities."""
    text = f"graph: {{ros__parameters: {{modalities: {modalities}}}}}\n"
    return describe(GraphOptions(config=write(folder, text), source="topics"))


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
