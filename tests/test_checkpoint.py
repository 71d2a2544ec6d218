"""What the whole graph has learned outlives a checkpoint, a stop and a kill."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import graph_command
import pytest
from graph_command import UP_TIMEOUT_S, Start, processes_of, wait_until, wait_until_up

from sage_common.core.state import file as state_file
from sage_common.core.state.packing import VALUES

pytestmark = pytest.mark.graph

LEARNERS = {"memory", "fusion", "orchestrator", "governor"} | {
    f"{modality}_scorer" for modality in ("vision", "audio", "proprioception", "language")
}
ASK = """
import json, sys
from pathlib import Path
from sage.graph.runtime_file import running_graph
from sage.observe.graph_calls import call_service
from sage_msgs.srv import Checkpoint
running = running_graph(Path(sys.argv[1]))
answer = call_service(running, "memory/checkpoint", Checkpoint.Request())
print(json.dumps([answer.success, answer.message, list(answer.paths)]))
"""


def checkpoint(home: Path) -> tuple[bool, str, list[str]]:
    """Call memory/checkpoint of the running graph."""
    result = subprocess.run(
        [sys.executable, "-c", ASK, str(home)],
        env=graph_command.environment(home),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if result.returncode != 0:
        return False, result.stderr, []
    success, message, paths = json.loads(result.stdout.splitlines()[-1])
    return success, message, paths


def states(home: Path) -> dict[str, dict[str, Any]]:
    """What every node has on the disk; a file that is not whole is an error."""
    return {p.stem: state_file.load(p).arrays for p in (home / "state").glob("*.state")}


def seen(home: Path) -> int:
    """Pictures that the saved scorer of vision has seen; 0 without one."""
    arrays = states(home).get("vision_scorer", {})
    stream = json.loads(arrays[VALUES].tobytes())["scorer"]["stream"] if arrays else None
    return 0 if stream is None else int(stream["count"])


def saves_all(home: Path) -> bool:
    """True once every learner is there, answers, and has seen something."""
    names = {f"{name}.state" for name in LEARNERS} | {"memory.db"}
    success, _, paths = checkpoint(home)
    return success and {Path(path).name for path in paths} == names and seen(home) > 0


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["--composed", "--processes"])
def test_a_checkpoint_and_a_stop_leave_the_state_of_every_node(
    home: Path, start: Start, mode: str
) -> None:
    graph = start("run", mode, "--log-level", "warn")
    wait_until_up(home)  # asking a graph that is starting would only slow it down
    wait_until(lambda: saves_all(home), UP_TIMEOUT_S, "a checkpoint of every node")
    saved = seen(home)
    stopped_ns = time.time_ns()
    graph.send_signal(signal.SIGTERM)
    _, errors = graph.communicate(timeout=60)
    assert graph.returncode == 0, errors
    assert set(states(home)) == LEARNERS
    for path in (home / "state").glob("*.state"):
        assert path.stat().st_mtime_ns >= stopped_ns, f"{path.name} is older than the stop"
    assert seen(home) > saved


@pytest.mark.slow
def test_a_kill_leaves_whole_states_that_the_next_start_takes_up(
    tmp_path: Path, home: Path, start: Start
) -> None:
    config = tmp_path / "often.yaml"
    sections = (
        f"/**/{name}: {{ros__parameters: {{checkpoint_period_s: 1.0}}}}\n" for name in LEARNERS
    )
    config.write_text("".join(sections))
    graph = start("run", "--config", str(config), "--log-level", "warn")
    wait_until(lambda: seen(home) > 0 and set(states(home)) == LEARNERS, UP_TIMEOUT_S, "states")
    for process in processes_of(graph.pid):
        process.kill()
    graph.kill()
    graph.communicate()
    kept = seen(home)
    assert kept > 0 and set(states(home)) == LEARNERS
    again = graph_command.run(home, "run", "--duration", "1", "--json", "--log-level", "warn")
    assert again.returncode == 0, again.stderr
    assert "without the saved state" not in again.stderr
    assert list((home / "state").glob("*.refused")) == []
    assert seen(home) > kept
