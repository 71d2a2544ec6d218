"""The whole graph as a user runs it: through kills and interruptions, and from run to run."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import psutil
import pytest
from graph_command import (
    UP_TIMEOUT_S,
    Start,
    experiences,
    processes_of,
    run,
    summary,
    wait_until,
    wait_until_up,
)

from sage_common.core.state.arrays import json_of
from sage_common.core.state.file import load

pytestmark = pytest.mark.graph


def is_called(name: str, process: psutil.Process) -> bool:
    try:
        words = process.cmdline()
    except psutil.NoSuchProcess:
        return False
    return f"__node:={name}" in words or any(word.endswith(f"/{name}") for word in words)


def is_whole(home: Path) -> bool:
    """Whether `sage run` knows of no process that is not back."""
    return not json.loads((home / "run" / "graph.json").read_text())["ended"]


def test_any_killed_process_comes_back_and_nothing_acknowledged_is_lost(
    home: Path, start: Start
) -> None:
    graph = start("run", "--processes", "--json", "--log-level", "warn")
    wait_until_up(home)
    kept = experiences(home)
    victims = {"fork_server", "vision_encoder", "memory", "fusion", "recording"}
    killed = {}
    for process in processes_of(graph.pid):
        name = next((v for v in victims if is_called(v, process)), None)
        if name:
            process.kill()
            killed[name] = process.pid
    assert set(killed) == victims

    def replaced() -> bool:
        running = list(processes_of(graph.pid))
        return all(any(is_called(v, p) for p in running) for v in victims)

    wait_until(replaced, UP_TIMEOUT_S, "restart of the killed processes")
    wait_until(lambda: experiences(home) > kept, UP_TIMEOUT_S, "an experience after the kills")
    # A node works before others have found it: let them see all of them before it ends.
    looked = run(home, "status", "--json")
    assert looked.returncode == 0, looked.stderr
    wait_until(lambda: is_whole(home), UP_TIMEOUT_S, "a status of every node")
    graph.send_signal(signal.SIGINT)
    output, errors = graph.communicate(timeout=UP_TIMEOUT_S)
    assert graph.returncode == 0, errors
    told = summary(output)
    assert told["restarts"] >= len(victims)
    assert {outage["process"] for outage in told["outages"]} >= victims
    assert "pictures" in told["transport"]["vision_encoder"]
    assert not list(processes_of(graph.pid))
    asked = run(home, "recall", "--limit", "1000", "--json")
    assert len(json.loads(asked.stdout)["answers"]) == experiences(home)


@pytest.mark.parametrize("words", [(), ("--processes",)], ids=["composed", "processes"])
def test_ctrl_c_at_once_leaves_nothing_behind_and_the_next_start_works(
    home: Path, start: Start, words: tuple[str, ...]
) -> None:
    graph = start("run", "--log-level", "warn", *words)
    wait_until(lambda: any(processes_of(graph.pid)), UP_TIMEOUT_S, "first process")
    os.killpg(graph.pid, signal.SIGINT)
    _, errors = graph.communicate(timeout=60)
    assert graph.returncode == 128 + signal.SIGINT, errors
    assert not list(processes_of(graph.pid))
    again = run(home, "run", "--duration", "1", "--json", "--log-level", "warn")
    assert again.returncode == 0, again.stderr
    assert summary(again.stdout)["fused"]["n"] > 0


def test_a_killed_container_is_named_and_comes_back(home: Path, start: Start) -> None:
    graph = start("run", "--json", "--log-level", "warn")
    wait_until_up(home)
    kept = experiences(home)
    for process in processes_of(graph.pid):
        process.kill()
    wait_until(lambda: experiences(home) > kept, UP_TIMEOUT_S, "an experience after the kill")
    # Memory works before others have found the new process: let them see it before it ends.
    looked = run(home, "status", "--json")
    assert looked.returncode == 0, looked.stderr
    wait_until(lambda: is_whole(home), UP_TIMEOUT_S, "a status of every node")
    graph.send_signal(signal.SIGTERM)
    output, errors = graph.communicate(timeout=60)
    assert graph.returncode == 0, errors
    assert summary(output)["restarts"] == 1
    assert "container ended (killed by SIGKILL)" in errors


def test_a_memory_that_cannot_be_opened_is_a_failure_of_the_run(home: Path) -> None:
    home.mkdir()
    (home / "memory.db").write_bytes(b"junk")
    ran = run(home, "run", "--duration", "1", "--json", "--log-level", "warn")
    assert ran.returncode == 1
    assert summary(ran.stdout)["failed_nodes"] == ["memory"]
    assert "failed: memory" in ran.stderr


def test_a_killed_command_takes_its_processes_with_it(home: Path, start: Start) -> None:
    graph = start("run", "--log-level", "warn")
    wait_until_up(home)
    children = list(processes_of(graph.pid))
    assert children
    graph.kill()
    graph.communicate()
    _, alive = psutil.wait_procs(children, timeout=30)
    assert not alive
    again = run(home, "run", "--duration", "1", "--json", "--log-level", "warn")
    assert again.returncode == 0, again.stderr


def percepts_scored(home: Path) -> int:
    """How many the vision scorer has seen, as its saved state says."""
    state = load(home / "state" / "vision_scorer.state")
    fields = json_of(state.arrays["fields.json"])
    return int(fields["scorer"]["stream"]["memory"]["seen_total"])


def test_learned_state_is_saved_at_the_end_and_taken_up_again(home: Path) -> None:
    assert run(home, "run", "--duration", "2", "--log-level", "warn").returncode == 0
    saved = {path.stem for path in (home / "state").glob("*.state")}
    assert {"vision_scorer", "audio_scorer", "fusion", "memory", "orchestrator"} <= saved
    first = percepts_scored(home)
    words = ("run", "--duration", "2", "--json", "--log-level", "warn")
    resumed = summary(run(home, *words).stdout)
    both = percepts_scored(home)
    assert both >= first + resumed["salience"]["vision"]["n"]
    fresh = summary(run(home, *words, "--fresh").stdout)
    assert fresh["salience"]["vision"]["n"] <= percepts_scored(home) < both


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
