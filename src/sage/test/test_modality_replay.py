"""Modalities that packages and parameter files add: played, replayed in lock-step, recorded."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from lockstep_replay import replay
from thermometer_bag import TOPIC, TYPE, temperature_bag, words_bag

from sage.bags.selection import Selection
from sage.sources.bag_plan import plan_playing
from sage_common.core.specs.modality import ModalitySpec


def test_an_installed_modality_goes_through_lockstep_the_same_each_time(
    installed_thermometer: ModuleType, tmp_path: Path
) -> None:
    bag = str(temperature_bag(tmp_path / "bag"))
    first = replay(bag)
    assert first["messages"]["/sage/temperature/puzzle"] == 40
    assert first["messages"]["/sage/temperature/salience"] >= 40
    assert first["warnings"] == [] and first["backends"]["temperature"] == f"bag:{TOPIC}"
    assert replay(bag)["digest"] == first["digest"]


def test_two_instances_of_a_modality_go_through_lockstep(
    installed_thermometer: ModuleType, tmp_path: Path
) -> None:
    bag = str(temperature_bag(tmp_path / "bag", seconds=3))
    config = tmp_path / "heat.yaml"
    config.write_text("graph: {ros__parameters: {modalities: {heat: {like: temperature}}}}\n")
    found = replay(bag, "--config", str(config))
    assert found["messages"]["/sage/heat/puzzle"] == 15
    assert found["messages"]["/sage/temperature/puzzle"] == 15
    assert found["warnings"] == [] and found["errors"] == []


def test_a_bag_without_an_installed_modality_is_no_reason_for_a_warning(
    installed_thermometer: ModuleType, tmp_path: Path
) -> None:
    found = replay(str(words_bag(tmp_path / "others")))
    assert found["warnings"] == [] and found["backends"]["temperature"] == "absent"
    assert "temperature: the bag has no /thermometer and no temperature/puzzle" in found["notes"]


def test_an_own_modality_goes_through_lockstep_the_same_each_time(
    thermometer_config: Path, tmp_path: Path
) -> None:
    bag = str(temperature_bag(tmp_path / "bag"))
    first = replay(bag, "--config", str(thermometer_config))
    assert first["messages"]["/sage/temperature/puzzle"] == 40
    assert first["messages"]["/sage/temperature/salience"] >= 40
    assert first["warnings"] == [] and first["backends"]["temperature"] == f"bag:{TOPIC}"
    assert replay(bag, "--config", str(thermometer_config))["digest"] == first["digest"]


def test_puzzles_of_an_own_modality_are_played_where_the_bag_has_only_these(
    thermometer_config: Path, tmp_path: Path
) -> None:
    bag = str(temperature_bag(tmp_path / "bag", seconds=3))
    puzzles = str(tmp_path / "puzzles")
    whole = replay(bag, "--config", str(thermometer_config), "-o", puzzles)
    bare = "graph: {ros__parameters: {modalities: {temperature: {type: ''}}}}\n"
    thermometer_config.write_text(bare)
    again = replay(puzzles, "--config", str(thermometer_config))
    name = "/sage/temperature/salience"
    assert again["messages"][name] == whole["messages"][name]
    assert again["backends"]["temperature"] == "bag:/sage/temperature/puzzle"
    assert again["warnings"] == []


def test_what_a_file_asks_for_in_vain_is_warned_of(
    thermometer_config: Path, tmp_path: Path
) -> None:
    others = words_bag(tmp_path / "others")
    lacking = replay(str(others), "--config", str(thermometer_config))["warnings"]
    assert "temperature: the bag has no /thermometer and no temperature/puzzle" in lacking
    thermometer_config.write_text("fusion: {ros__parameters: {modalities: [language, scan]}}\n")
    unknown = replay(str(others), "--config", str(thermometer_config))["warnings"]
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
