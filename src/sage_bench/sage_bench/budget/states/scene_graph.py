"""`sage run` on a generated scene, in processes and in a home of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sage.graph.runtime_file import RunningGraph, running_graph
from sage.observe.attached import enter_domain
from sage_bench.budget.states.quiet_scene import Event, write_scene

START_S = 30.0
DOMAIN = "ROS_DOMAIN_ID"
"""Without it each graph takes a ROS domain of its own."""
CONFIG = """
orchestrator:
  ros__parameters:
    states: {rest_after_s: 2.0, dream_after_s: 3600.0, crisis_pressure: 4}
governor:
  ros__parameters: {shed_modalities: [], optional_nodes: []}
"""


@contextmanager
def graph_on(
    length_s: int, events: Sequence[Event]
) -> Iterator[tuple[subprocess.Popen[bytes], RunningGraph]]:
    """`sage run` on a scene, in a home of its own."""
    with tempfile.TemporaryDirectory(prefix="sage_states_") as name:
        folder = Path(name)
        home, scene, config = folder / "home", folder / "scene.mkv", folder / "states.yaml"
        write_scene(scene, length_s, events)
        config.write_text(CONFIG)
        environment = {name: value for name, value in os.environ.items() if name != DOMAIN}
        environment |= {"SAGE_HOME": str(home), "ROS_LOG_DIR": str(folder / "log")}
        words = ["run", "--source", str(scene), "--config", str(config), "--json"]
        program = [sys.executable, str(Path(sys.prefix, "bin", "sage")), *words]
        with (folder / "said.txt").open("wb") as said:
            process = subprocess.Popen(program, stdout=said, stderr=said, env=environment)
            try:
                running = _started(process, home, folder / "said.txt")
                enter_domain(running)
                yield process, running
            finally:
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(START_S)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def _started(process: subprocess.Popen[bytes], home: Path, said: Path) -> RunningGraph:
    end_s = time.monotonic() + START_S
    while (running := running_graph(home)) is None:
        if time.monotonic() > end_s or process.poll() is not None:
            raise RuntimeError(said.read_text(errors="replace")[-2000:])
        time.sleep(0.1)
    return running
