"""Standard robot messages in a real graph: played into it, recorded, and replayed in lock-step."""

from __future__ import annotations

import signal
from pathlib import Path

import graph_command
import pytest
from graph_command import UP_TIMEOUT_S, experiences, run, summary, wait_until
from mcap_for_foxglove import check_for_foxglove
from robot_bag import TOPICS, write_bag, write_config

from sage.bags.reader import open_bag

pytestmark = [pytest.mark.graph, pytest.mark.slow]


def test_a_robot_is_recorded_and_replayed_the_same_each_time(
    home: Path, start: graph_command.Start, tmp_path: Path
) -> None:
    config = str(write_config(tmp_path / "robot.yaml"))
    bag = str(write_bag(tmp_path / "bag"))
    graph = start("replay", bag, "--config", config, "--loop")
    wait_until(lambda: experiences(home) > 0, UP_TIMEOUT_S, "first experience")
    recorded = tmp_path / "recorded"
    done = run(home, "record", "-o", str(recorded), "--duration", "8")
    assert done.returncode == 0, done.stderr
    graph.send_signal(signal.SIGINT)
    graph.communicate(timeout=60.0)
    # Of every topic, each with its own definitions; Foxglove would open it.
    assert check_for_foxglove(recorded / "recorded_0.mcap") > 20
    counts = {name: count_of(recorded, name) for name in open_bag(recorded).topics}
    for name, (topic, _) in TOPICS.items():
        assert counts[topic] > 2, counts
        assert counts[f"/sage/{name}/puzzle"] > 2, counts
        assert counts[f"/sage/{name}/salience"] > 2, counts
    words = ("replay", str(recorded), "--lockstep", "--json", "--config", config)
    first, second = (summary(run(home, *words).stdout) for _ in range(2))
    assert first["digest"] == second["digest"]
    assert all(first["messages"][f"/sage/{name}/puzzle"] > 2 for name in TOPICS)


def count_of(bag: Path, topic: str) -> int:
    return sum(1 for _ in open_bag(bag).messages((topic,)))
