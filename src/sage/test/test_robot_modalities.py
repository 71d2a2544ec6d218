"""Standard robot messages, each named in a file by its topic only: graph, bag, lock-step."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lockstep_replay import replay
from rclpy.serialization import deserialize_message
from robot_bag import EVENT_S, SECONDS, TOPICS, write_bag, write_config
from robot_streams import START_NS, S

from sage.bags.reader import open_bag
from sage.bags.selection import Selection
from sage.graph.description import GraphOptions, describe
from sage_common.core.specs.modality import ModalitySpecs
from sage_common.ros.conversions.stamps import stamp_ns
from sage_msgs.msg import Puzzle, Salience

PAGE = Path(__file__).resolve().parents[3] / "docs" / "robot_messages.md"


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bag(tmp_path_factory.mktemp("robot") / "bag")


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_config(tmp_path_factory.mktemp("robot") / "robot.yaml")


@dataclass(frozen=True)
class Run:
    """A run over the whole bag: where it wrote, and its summary."""

    home: Path
    outputs: Path
    summary: dict[str, Any]


@pytest.fixture(scope="module")
def first(bag: Path, config: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("first")
    home, written = folder / "home", folder / "outputs"
    words = ("--config", str(config), "--home", str(home), "-o", str(written))
    return Run(home, written, replay(str(bag), *words))


def test_without_a_file_none_of_them_is_part_of_the_graph() -> None:
    names = {node.name for node in describe(GraphOptions(source="topics")).nodes}
    assert not any(f"{name}_encoder" in names for name in TOPICS)


def test_a_topic_in_a_file_is_all_that_it_takes(config: Path) -> None:
    described = describe(GraphOptions(config=str(config), source="topics"))
    assert described.warnings == ()
    nodes = {node.name: node for node in described.nodes}
    for name, (topic, type_name) in TOPICS.items():
        assert nodes[f"{name}_encoder"].parameters["topic"] == topic
        assert nodes[f"{name}_scorer"].parameters["modality"] == name
        assert f"{name} {topic} {type_name}" in nodes["memory"].parameters["own_sensors"]
        for other in ("fusion", "memory", "orchestrator"):
            assert name in nodes[other].parameters["modalities"]
    assert set(nodes["fusion"].parameters["events"]) >= {"battery", "diagnostics"}
    taken = Selection("/sage", own=tuple(topic for topic, _ in TOPICS.values()))
    assert all(taken.takes(*topic_and_type) for topic_and_type in TOPICS.values())


def test_the_file_of_the_page_makes_the_graph(tmp_path: Path) -> None:
    found = re.search(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None
    path = tmp_path / "robot.yaml"
    path.write_text(found[1])
    described = describe(GraphOptions(config=str(path), source="topics"))
    assert described.warnings == ()
    topics = {n.name: n.parameters.get("topic") for n in described.nodes}
    assert [topics[f"{name}_encoder"] for name in TOPICS] == [
        ModalitySpecs()[name].topic for name in TOPICS
    ]


def test_a_second_scanner_is_like_the_first(tmp_path: Path) -> None:
    path = tmp_path / "two.yaml"
    path.write_text(
        "graph: {ros__parameters: {modalities: "
        "{scan: true, rear_scan: {like: scan, topic: /rear/scan}}}}\n"
    )
    nodes = {n.name: n for n in describe(GraphOptions(config=str(path), source="topics")).nodes}
    assert nodes["scan_encoder"].parameters["topic"] == "/scan"
    rear = nodes["rear_scan_encoder"].parameters
    assert (rear["topic"], rear["modality"]) == ("/rear/scan", "rear_scan")


def test_a_bag_goes_through_in_lockstep_the_same_each_time_and_the_event_stands_out(
    first: Run, bag: Path, config: Path, tmp_path: Path
) -> None:
    summary = first.summary
    assert summary["warnings"] == []
    for name, (topic, _) in TOPICS.items():
        assert summary["backends"][name] == f"bag:{topic}"
        rate_hz = min(2.0, ModalitySpecs()[name].rate_hz or 0.0)
        assert summary["messages"][f"/sage/{name}/puzzle"] >= rate_hz * SECONDS - 2
    second = replay(str(bag), "--config", str(config), "-o", str(tmp_path / "second"))
    assert second["digest"] == summary["digest"]
    salience, puzzles = outputs(first.outputs)
    for name in TOPICS:
        quiet = [m.total for m in salience[name] if 5.0 < seconds(m) < EVENT_S]
        event = [m for m in salience[name] if EVENT_S <= seconds(m) < EVENT_S + 2]
        assert np.mean(quiet) < 0.1, name
        assert max(m.total for m in event) > 0.5, name
    worst = max(salience["diagnostics"], key=lambda m: (seconds(m) >= EVENT_S, m.total))
    assert "ERROR of base/motor: level 2" in worst.reason
    assert puzzles["diagnostics"][-1].text == "ERROR of base/motor: level 2"
    kept = experiences(first.home)
    assert {(name, media) for name, media, _ in kept} == {(n, "application/x-mcap") for n in TOPICS}
    assert ("diagnostics", "application/x-mcap", "ERROR of base/motor: level 2") in kept


def test_puzzles_of_a_bag_that_has_only_these_are_played(first: Run, config: Path) -> None:
    again = replay(str(first.outputs), "--config", str(config))
    assert again["backends"]["scan"] == "bag:/sage/scan/puzzle"
    name = "/sage/scan/salience"
    assert again["messages"][name] == first.summary["messages"][name]


def experiences(home: Path) -> set[tuple[str, str, str]]:
    """Modality, kind of payload, and words of what memory keeps."""
    (path,) = home.rglob("memory.db")
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        return set(connection.execute("SELECT modality, payload_media_type, text FROM experiences"))


def seconds(message: Any) -> float:
    return (stamp_ns(message.header.stamp) - START_NS) / S


def outputs(folder: Path) -> tuple[dict[str, list[Salience]], dict[str, list[Puzzle]]]:
    """Salience after the first, and puzzles, by modality."""
    salience: dict[str, list[Salience]] = {name: [] for name in TOPICS}
    puzzles: dict[str, list[Puzzle]] = {name: [] for name in TOPICS}
    opened = open_bag(folder)
    for name in TOPICS:
        for item in opened.messages((f"/sage/{name}/salience",)):
            salience[name].append(deserialize_message(item.data, Salience))
        for item in opened.messages((f"/sage/{name}/puzzle",)):
            puzzles[name].append(deserialize_message(item.data, Puzzle))
    return salience, puzzles
