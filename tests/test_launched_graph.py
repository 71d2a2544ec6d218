"""Commands find a graph whose processes were started as `ros2 launch` does, by the home alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sage.graph.description import GraphOptions, describe
from sage.graph.environment import graph_environment
from sage.graph.runtime_file import running_graph
from sage.run.process_commands import commands

DOMAIN, NAMESPACE = 97, "/robot1"
WAIT_S = 120.0
UNKNOWN = "01890a5d-ac96-774b-bcce-b302099a8057"


def clean_environment(home: Path) -> dict[str, str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("_ROS_WHEELS")}
    environment.pop("ROS_DOMAIN_ID", None)
    return {**environment, "SAGE_HOME": str(home), "AMENT_PREFIX_PATH": sys.prefix}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Of a container that runs memory and fusion in a domain of its own."""
    home = tmp_path / "home"
    environment = {**clean_environment(home), **graph_environment(DOMAIN, False, home)}
    graph = describe(GraphOptions(namespace=NAMESPACE, source="topics"))
    command = commands(graph, composed=True, log_level="warn")["container"]
    entries = [entry for entry in json.loads(command[-1]) if entry["name"] in ("memory", "fusion")]
    container = subprocess.Popen([*command[:-1], json.dumps(entries)], env=environment)
    try:
        wait_for(home, container)
        yield home
        container.send_signal(signal.SIGINT)
        assert container.wait(WAIT_S) == 0
        assert running_graph(home) is None
    finally:
        container.kill()
        container.wait()


def wait_for(home: Path, container: subprocess.Popen[bytes]) -> None:
    while running_graph(home) is None:
        with pytest.raises(subprocess.TimeoutExpired):
            container.wait(0.1)


def sage(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.prefix, "bin", "sage")), *words],
        env=clean_environment(home),
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )


def test_every_command_finds_it(home: Path, tmp_path: Path) -> None:
    assert sage(home, "status", "--domain").stdout == f"{DOMAIN}\n"
    explained = sage(home, "explain")
    assert "the running graph: " in explained.stderr
    pinned = sage(home, "memory", "pin", UNKNOWN)
    assert UNKNOWN in pinned.stderr and "in use by process" not in pinned.stderr
    bag = tmp_path / "bag"
    recorded = sage(home, "record", "-o", str(bag), "--duration", "1", "--all", "--json")
    assert recorded.returncode == 0, recorded.stderr
    assert any(name.startswith(NAMESPACE) for name in json.loads(recorded.stdout)["topics"])


def test_where_none_runs_it_is_said_what_was_looked_for(tmp_path: Path) -> None:
    said = sage(tmp_path, "status").stderr
    for part in (str(tmp_path), "sage run", "ros2 launch", "--home", "--namespace", "domain"):
        assert part in said
