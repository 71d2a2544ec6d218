"""The whole graph as a user runs it: on a recording, through kills and interruptions."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import graph_command
import psutil
import pytest
from graph_command import processes_of, run, summary, wait_until

MODALITIES = {"vision", "audio", "proprioception", "language"}
KEYS = {
    "profile", "source", "duration_s", "frames", "frames_dropped", "puzzles", "salience", "fused",
    "experiences", "latency_ms", "stages_ms", "pss_mb", "backends", "weights",
}  # fmt: skip
UP_TIMEOUT_S = 90.0


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def start(home: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts `sage WORDS` in the home folder; what is still running at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def start_one(*words: str) -> subprocess.Popen[str]:
        started.append(graph_command.start(home, *words))
        return started[-1]

    yield start_one
    for process in started:
        for child in processes_of(process.pid):
            child.kill()
        process.kill()
        process.communicate()


def up(home: Path) -> bool:
    """True once the running graph keeps experiences: every stage of it works."""
    return experiences(home) > 0


def experiences(home: Path) -> int:
    path = home / "memory.db"
    if not path.is_file():
        return 0
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        try:
            return int(connection.execute("SELECT count(*) FROM experiences").fetchone()[0])
        except sqlite3.OperationalError:
            return 0


def predicts_its_senses(home: Path) -> bool:
    """True once the running graph explains its newest moment with an error to compare with.

    A modality has a usual error from its second percept on, and comes alive at its own pace.
    """
    newest = run(home, "explain", "--json")
    if newest.returncode != 0:  # a busy machine may have nothing yet, or answer late
        return False
    found = summary(newest.stdout)
    assert found["origin"] == "graph"
    compared = {
        item["modality"]
        for item in found["modalities"]
        if item["live"] and item["predicted"]["usual_error"] > 0.0
    }
    return compared >= {"vision", "audio", "proprioception"}


def test_a_recording_becomes_salience_and_memories_that_can_be_recalled(home: Path) -> None:
    ran = run(home, "demo", "--headless", "--duration", "14")
    assert ran.returncode == 0, ran.stderr
    found = summary(ran.stdout)
    assert set(found) >= KEYS
    assert set(found["puzzles"]) == MODALITIES
    assert all(found["puzzles"].values()), found["puzzles"]
    assert found["frames"] > 200
    for modality in ("vision", "audio"):
        assert found["salience"][modality]["std"] > 0.05, found["salience"]
        assert len(found["weights"][f"{modality}_encoder"]) == 64
    assert found["experiences"] > 0
    assert experiences(home) >= found["experiences"]

    asked = run(home, "recall", "somebody walks", "--json")
    assert asked.returncode == 0, asked.stderr
    answers = json.loads(asked.stdout)["answers"]
    assert answers and all(-1.0 <= answer["score"] <= 1.0 for answer in answers)
    assert [a["score"] for a in answers] == sorted((a["score"] for a in answers), reverse=True)
    similar = run(home, "recall", "--like", answers[0]["id"], "--json")
    assert similar.returncode == 0, similar.stderr
    assert answers[0]["id"] not in similar.stdout


def test_any_killed_process_comes_back_and_nothing_acknowledged_is_lost(
    home: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    graph = start("run", "--processes", "--json", "--log-level", "warn")
    try:
        wait_until(lambda: up(home), UP_TIMEOUT_S, "first experience")
        kept = experiences(home)
        victims = {"vision_encoder", "memory", "fusion", "recording"}
        killed = {}
        for process in processes_of(graph.pid):
            name = next((v for v in victims if f"__node:={v}" in process.cmdline()), None)
            if name:
                process.kill()
                killed[name] = process.pid
        assert set(killed) == victims

        def replaced() -> bool:
            running = [p.cmdline() for p in processes_of(graph.pid)]
            return all(any(f"__node:={v}" in words for words in running) for v in victims)

        wait_until(replaced, UP_TIMEOUT_S, "restart of the killed processes")
        wait_until(lambda: experiences(home) > kept, UP_TIMEOUT_S, "an experience after the kills")
    finally:
        graph.send_signal(signal.SIGINT)
        output, errors = graph.communicate(timeout=60)
    assert graph.returncode == 0, errors
    assert summary(output)["restarts"] >= len(victims)
    assert not list(processes_of(graph.pid))
    asked = run(home, "recall", "--limit", "1000", "--json")
    assert len(json.loads(asked.stdout)["answers"]) == experiences(home)


@pytest.mark.parametrize("moment", ["at once", "while it runs"])
def test_ctrl_c_leaves_nothing_behind_and_the_next_start_works(
    home: Path, start: Callable[..., subprocess.Popen[str]], moment: str
) -> None:
    graph = start("run", "--log-level", "warn")
    if moment == "while it runs":
        wait_until(lambda: up(home), UP_TIMEOUT_S, "first experience")
    else:
        wait_until(lambda: any(processes_of(graph.pid)), UP_TIMEOUT_S, "first process")
    os.killpg(graph.pid, signal.SIGINT)
    graph.communicate(timeout=60)
    assert not list(processes_of(graph.pid))
    again = run(home, "run", "--duration", "2", "--json", "--log-level", "warn")
    assert again.returncode == 0, again.stderr
    assert summary(again.stdout)["fused"]["n"] > 0


def test_a_killed_container_is_named_and_comes_back(
    home: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    graph = start("run", "--json", "--log-level", "warn")
    wait_until(lambda: up(home), UP_TIMEOUT_S, "first experience")
    kept = experiences(home)
    for process in processes_of(graph.pid):
        process.kill()
    wait_until(lambda: experiences(home) > kept, UP_TIMEOUT_S, "an experience after the kill")
    # Memory works before others have found the new process: let them see it before it ends.
    looked = run(home, "status", "--json")
    assert looked.returncode == 0, looked.stderr
    graph.send_signal(signal.SIGTERM)
    output, errors = graph.communicate(timeout=60)
    assert graph.returncode == 0, errors
    assert summary(output)["restarts"] == 1
    assert "container ended (killed by SIGKILL)" in errors


def test_a_memory_that_cannot_be_opened_is_a_failure_of_the_run(home: Path) -> None:
    home.mkdir()
    (home / "memory.db").write_bytes(b"junk")
    ran = run(home, "run", "--duration", "3", "--json", "--log-level", "warn")
    assert ran.returncode == 1
    assert summary(ran.stdout)["failed_nodes"] == ["memory"]
    assert "failed: memory" in ran.stderr


def test_a_killed_command_takes_its_processes_with_it(
    home: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    graph = start("run", "--log-level", "warn")
    wait_until(lambda: up(home), UP_TIMEOUT_S, "first experience")
    children = list(processes_of(graph.pid))
    assert children
    graph.kill()
    graph.communicate()
    _, alive = psutil.wait_procs(children, timeout=30)
    assert not alive
    again = run(home, "run", "--duration", "2", "--json", "--log-level", "warn")
    assert again.returncode == 0, again.stderr


def test_learned_state_is_saved_at_the_end_and_taken_up_again(home: Path) -> None:
    assert run(home, "run", "--duration", "4", "--log-level", "warn").returncode == 0
    saved = {path.stem for path in (home / "state").glob("*.state")}
    assert {"vision_scorer", "audio_scorer", "fusion", "memory", "orchestrator"} <= saved
    # The same walk again, remembered: what was new the first time is not new now.
    fresh = run(home, "run", "--duration", "4", "--json", "--fresh", "--log-level", "warn")
    assert run(home, "run", "--duration", "4", "--log-level", "warn").returncode == 0
    resumed = run(home, "run", "--duration", "4", "--json", "--log-level", "warn")
    first, second = summary(fresh.stdout), summary(resumed.stdout)
    assert second["salience"]["vision"]["mean"] < first["salience"]["vision"]["mean"]


def test_a_second_graph_in_the_same_home_is_refused(
    home: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    graph = start("run", "--log-level", "warn")
    try:
        wait_until(lambda: up(home), UP_TIMEOUT_S, "first experience")
        second = run(home, "run", "--duration", "2")
        assert second.returncode == 2
        assert f"pid {graph.pid}" in second.stderr
        looked = run(home, "status", "--json")
        assert looked.returncode == 0, looked.stderr
        state = summary(looked.stdout)
        assert set(state["salience"]) >= {"vision", "audio"}
    finally:
        graph.send_signal(signal.SIGTERM)
        graph.communicate(timeout=60)


def test_the_running_graph_sleeps_and_takes_it_back_pins_and_forgets(
    home: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    graph = start("run", "--log-level", "warn")

    def memory(*words: str) -> dict[str, Any]:
        done = run(home, "memory", *words, "--json")
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    try:
        wait_until(lambda: experiences(home) > 3, UP_TIMEOUT_S, "experiences")
        kept = json.loads(run(home, "recall", "--limit", "2", "--json").stdout)["answers"]
        assert memory("pin", kept[0]["id"])["pinned"]
        night = memory("sleep", "--target", "0.5")
        assert night["bytes_after"] <= night["bytes_before"]
        if night["night_id"]:
            memory("undo", night["night_id"])
        assert memory("forget", kept[1]["id"], "--yes")["forgotten"] == 1
        refused = run(home, "memory", "pin", kept[1]["id"])
        assert refused.returncode == 2 and "not forgotten" in refused.stderr
    finally:
        graph.send_signal(signal.SIGINT)
        _, errors = graph.communicate(timeout=60)
    assert graph.returncode == 0, errors


def test_the_running_graph_explains_its_moments_and_the_memory_those_it_kept(
    home: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    graph = start("run", "--log-level", "warn")
    try:
        wait_until(lambda: up(home), UP_TIMEOUT_S, "first experience")
        kept = json.loads(run(home, "recall", "--limit", "1", "--json").stdout)["answers"][0]
        wait_until(lambda: predicts_its_senses(home), UP_TIMEOUT_S, "usual errors of three senses")
        said = run(home, "explain", kept["id"])
        assert said.returncode == 0, said.stderr
        assert f"experience {kept['id']}" in said.stdout
        assert "known to the running graph since" in said.stdout
        assert "nearest to what was asked for" not in said.stdout
        long_ago = run(home, "explain", "1h")
        assert long_ago.returncode == 1
        assert "the running graph: nothing within 1 s" in long_ago.stderr
        assert "keeps nothing within 60 s" in long_ago.stderr
    finally:
        graph.send_signal(signal.SIGTERM)
        graph.communicate(timeout=60)
    after = run(home, "explain", kept["id"], "--json")
    assert after.returncode == 0, after.stderr
    assert summary(after.stdout)["origin"] == "memory"


def test_wrong_messages_on_every_input_are_counted_and_the_others_go_on(
    home: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    graph = start("run", "--json", "--log-level", "warn")
    wait_until(lambda: up(home), UP_TIMEOUT_S, "first experience")
    domain = run(home, "status", "--domain").stdout.strip()
    ran = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("hostile_publisher.py"))],
        env={**graph_command.environment(home), "ROS_DOMAIN_ID": domain},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    found = summary(ran.stdout)
    for name in (
        "camera/front/image_raw", "camera/front/camera_info", "microphone/front/audio",
        "imu/body/data", "joint_states", "text", "vision/puzzle", "vision/salience", "salience",
        "attention", "outcome",
    ):  # fmt: skip
        assert found["rejected"].get(f"/sage/{name}", 0) > 0, (name, found)
    assert found["puzzles_after"] > found["puzzles_before"] + 10
    graph.send_signal(signal.SIGTERM)
    _, errors = graph.communicate(timeout=60)
    assert graph.returncode == 0
    assert "Traceback" not in errors
    assert "encoding = 'cmyk'" in errors or "data = '5 bytes'" in errors


def test_wrong_words_are_answered_in_one_line(home: Path) -> None:
    for words, named in (
        (("run", "--source", "/nowhere.mp4"), "source"),
        (("run", "--config", "/nowhere.yaml"), "/nowhere.yaml"),
        (("recall", "anything"), str(home)),
        (("fly",), "fly"),
        (("bench", "nothing"), "name"),
    ):
        ran = run(home, *words)
        assert ran.returncode == 2, (words, ran)
        assert named in ran.stderr
        assert "Traceback" not in ran.stderr
