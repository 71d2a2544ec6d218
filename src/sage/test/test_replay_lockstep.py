"""Lock-step replay: the real graph over a bag, twice, gives the same bytes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lockstep_replay import replay
from rclpy.serialization import deserialize_message
from small_bag import SECONDS, START_NS, small_bag

from sage.bags.reader import open_bag
from sage.cli import main
from sage_common.core.clock import NS_PER_S
from sage_common.ros.conversions.stamps import stamp_ns
from sage_msgs.msg import FusedSalience, Puzzle

DATA = Path(os.environ.get("SAGE_DATA") or Path(__file__).parents[4] / "shared" / "data")


def replay_in_another(hash_seed: str, *arguments: str) -> dict[str, Any]:
    """In a process with another order of sets, and with another number of threads allowed."""
    environment = {
        **os.environ,
        "PYTHONHASHSEED": hash_seed,
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    command = "import sys; from sage.cli import main; sys.exit(main(sys.argv[1:]))"
    result = subprocess.run(
        [sys.executable, "-c", command, "replay", *arguments, "--lockstep", "--json"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    summary: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return summary


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_two_runs_over_one_bag_are_equal(tmp_path: Path) -> None:
    bag = str(small_bag(tmp_path / "bag"))
    outputs = [tmp_path / run / "out" for run in ("first", "second")]
    first = replay(bag, "-o", str(outputs[0]))
    second = replay_in_another("12345", bag, "-o", str(outputs[1]))
    assert first["digest"] == second["digest"]
    assert first["bag_sha256"] == second["bag_sha256"]
    assert files(outputs[0]) == files(outputs[1])
    assert first["errors"] == []

    counts = first["messages"]
    assert counts["/sage/vision/puzzle"] == SECONDS * 30
    assert counts["/sage/vision/salience"] == SECONDS * 30
    assert counts["/sage/audio/puzzle"] > 0
    assert counts["/sage/proprioception/puzzle"] > 0
    assert counts["/sage/language/puzzle"] == 1
    assert counts["/sage/salience"] > SECONDS * 30
    check_outputs(outputs[0], counts)


def check_outputs(folder: Path, counts: dict[str, int]) -> None:
    """The written bag holds what was published, at simulated times, with unchanged stamps."""
    written = open_bag(folder)
    assert {name: topic.count for name, topic in written.topics.items()} == counts
    assert written.start_ns >= START_NS
    assert written.end_ns <= START_NS + (SECONDS + 2) * NS_PER_S
    puzzles = [
        deserialize_message(m.data, Puzzle) for m in written.messages(["/sage/vision/puzzle"])
    ]
    stamps = [stamp_ns(p.header.stamp) for p in puzzles]
    assert stamps == [START_NS + i * NS_PER_S // 30 for i in range(SECONDS * 30)]
    fused = [
        deserialize_message(m.data, FusedSalience).total
        for m in written.messages(["/sage/salience"])
    ]
    assert np.std(fused) > 0.0


def test_other_input_gives_other_output(tmp_path: Path) -> None:
    digests = {replay(str(small_bag(tmp_path / str(seed), seed)))["digest"] for seed in (1, 2)}
    assert len(digests) == 2


def test_duration_limits_the_bag(tmp_path: Path) -> None:
    bag = str(small_bag(tmp_path / "bag"))
    summary = replay(bag, "--duration", "0.5")
    assert summary["messages"]["/sage/vision/puzzle"] == 16
    assert summary["simulated_s"] == 1.5


def test_no_home_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "tmp").mkdir()
    before = sorted(Path(os.environ["SAGE_HOME"]).iterdir())
    bag = str(small_bag(tmp_path / "bag"))
    replay(bag, "--duration", "0.3")
    assert list((tmp_path / "tmp").glob("sage-lockstep-*")) == []
    assert sorted(Path(os.environ["SAGE_HOME"]).iterdir()) == before


def test_a_home_of_its_own_keeps_its_memories(tmp_path: Path) -> None:
    bag = str(small_bag(tmp_path / "bag"))
    home = tmp_path / "home"
    replay(bag, "--duration", "0.3", "--home", str(home))
    assert any(home.iterdir())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none"], "none"),
        (["live"], "a bag, a media file, or recording"),
        (["{bag}", "--rate", "2"], "as fast as it can"),
        (["{bag}", "--profile", "nano", "-o", "{bag}"], "does not exist yet"),
    ],
)
def test_wrong_arguments_are_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    bag = str(small_bag(tmp_path / "bag"))
    words = [word.format(bag=bag) for word in arguments]
    assert main(["replay", *words, "--lockstep"]) == 2
    assert said in capsys.readouterr().err


def test_a_graph_with_its_own_sensors_repeats() -> None:
    runs = [replay("recording", "--duration", "1.5") for _ in range(2)]
    assert runs[0]["digest"] == runs[1]["digest"]
    assert runs[0]["simulated_s"] == 1.5
    assert runs[0]["messages"]["/sage/vision/puzzle"] > 0
    assert runs[0]["errors"] == []


@pytest.mark.slow
@pytest.mark.skipif(not (DATA / "bags").is_dir(), reason=f"SAGE_DATA: no bags in {DATA}")
def test_the_recorded_walk_twice(tmp_path: Path) -> None:
    bag = str(DATA / "bags" / "gopro_walk_ros2")
    outputs = [tmp_path / run / "out" for run in ("first", "second")]
    first = replay(bag, "-o", str(outputs[0]))
    second = replay_in_another("7", bag, "-o", str(outputs[1]))
    assert first["digest"] == second["digest"]
    assert files(outputs[0]) == files(outputs[1])
    assert first["messages"]["/sage/vision/puzzle"] == 158
    assert first["messages"]["/sage/imu/body/data"] == 2082
    assert first["messages"]["/sage/proprioception/salience"] > 150
    assert first["errors"] == []
