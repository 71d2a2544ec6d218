"""A bag of a version that defined salience otherwise replays; what cannot be read says so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from lockstep_replay import replay
from old_bag import FUSED, old_bag
from rclpy.node import Node
from rclpy.serialization import deserialize_message
from small_bag import TEXT

from sage.bags.message import BagTopic
from sage.bags.reader import open_bag
from sage.cli import main
from sage.replay.player import Player
from sage.sources.bag_plan import plan_playing
from sage_msgs.msg import FusedSalience


@pytest.fixture(scope="module")
def bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return old_bag(tmp_path_factory.mktemp("old"))


def test_only_what_was_defined_otherwise_is_outdated(bag: Path) -> None:
    topics = open_bag(bag).topics
    outdated = {name for name, topic in topics.items() if topic.outdated}
    assert outdated == {"/sage/salience", "/sage/audio/salience"}
    assert not replace(topics["/sage/salience"], type_hash="").outdated
    assert BagTopic("/sage/gone", "sage_msgs/msg/Gone", 1, type_hash="RIHS01_0").outdated
    assert not BagTopic("/scan", "sensor_msgs/msg/LaserScan", 1, type_hash="RIHS01_0").outdated


def test_it_replays_in_lockstep_and_is_scored_anew(
    bag: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = replay(str(bag), "-o", str(tmp_path / "out"), "--home", str(tmp_path / "home"))
    assert (summary["errors"], summary["warnings"]) == ([], [])
    fused = [
        deserialize_message(item.data, FusedSalience)
        for item in open_bag(tmp_path / "out").messages(["/sage/salience"])
    ]
    assert fused
    assert all(message.alarms_per_hour > 0.0 for message in fused)
    assert main(["explain", "--bag", str(tmp_path / "out")]) == 0
    assert "salience 0." in capsys.readouterr().out


def test_it_is_played_into_a_graph(bag: Path, node: Node) -> None:
    plan = plan_playing(bag, "/sage")
    assert TEXT in plan.routes and "/sage/salience" not in plan.routes
    player = Player(node, plan, rate=20.0, loop=False)
    player.play()
    assert player.messages == sum(plan.bag.topics[name].count for name in plan.routes)
    assert (player.unreadable, player.error) == ({}, None)


def test_explaining_it_names_the_definition_and_the_way_out(
    bag: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", "--bag", str(bag)]) != 0
    said = capsys.readouterr().err
    assert f"expected {FUSED} on /sage/salience as this version of SAGE defines it" in said
    assert f"`sage replay {bag} --lockstep -o DIR` makes it anew" in said


def test_a_sensor_that_was_defined_otherwise_is_left_out_with_a_word(tmp_path: Path) -> None:
    plan = plan_playing(old_bag(tmp_path, {TEXT: "RIHS01_0"}), "/sage")
    assert TEXT not in plan.routes
    assert [line for line in plan.sensors.warnings if line.startswith(f"{TEXT} is left out: ")]
