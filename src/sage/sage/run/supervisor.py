"""Processes of a graph: started together, watched, restarted, and stopped without a trace."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from ament_index_python import get_package_prefix

from sage.graph.description import Graph, NodeSpec
from sage.graph.environment import without_pictures
from sage.graph.outages import Outages
from sage.run.forked_process import ForkedProcess, ForkServer
from sage_common.parent import PARENT_VARIABLE
from sage_common.ros.container import ros_arguments
from sage_common.ros.process import EXIT_USAGE

STOP_TIMEOUT_S = 10.0
FIRST_RESTART_S = 0.5
LONGEST_RESTART_S = 10.0
POLL_S = 0.05
CONTAINER, FORK_SERVER = "container", "fork_server"
LOG_LEVELS = ("debug", "info", "warn", "error", "fatal")


@dataclass
class Child:
    """One process of the graph.

    Attributes:
        name: of the node, or "container", or "fork_server".
        command: program and arguments; of the fork server none.
        process: the running process.
        environment: what it gets on top of the environment of all.
        restarts: how often it had to be started again.
        restart_at: monotonic time of the next start, or None while it runs.
    """

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | ForkedProcess
    environment: Mapping[str, str] = field(default_factory=dict)
    restarts: int = 0
    restart_at: float | None = None


@dataclass
class Supervisor:
    """Starts a graph's processes and keeps them running.

    One process a node comes from a fork server, so that they share what all of them load. It is a
    process of the graph like them; what was asked of one that ended is asked of the next.

    Args:
        graph: what to start.
        composed: True: all nodes in one process; False: one process a node.
        environment: variables on top of this process's own.
        log_level: debug, info, warn or error.
        log: where the processes write; None: where this process writes.
        respawn: start a process again after it ended by itself.

    Attributes:
        outages: from the end of a process until it reports again.
    """

    graph: Graph
    composed: bool
    environment: Mapping[str, str]
    log_level: str = "info"
    log: IO[bytes] | None = None
    respawn: bool = True
    children: list[Child] = field(default_factory=list)

    def __post_init__(self) -> None:
        everything = frozenset(node.name for node in self.graph.nodes)
        alone = {node.name: frozenset({node.name}) for node in self.graph.nodes}
        served = {FORK_SERVER: frozenset[str](), **alone}
        self.outages = Outages({CONTAINER: everything} if self.composed else served)
        self._server: ForkServer | None = None

    def start(self) -> None:
        """Start every process."""
        if not self.composed:
            self._server = self._fork_server()
            self.children.append(Child(FORK_SERVER, [], self._server.process))
        small = without_pictures(self.environment)
        modest = {node.name for node in self.graph.nodes if not node.type.sends_pictures}
        for name, command in commands(self.graph, self.composed, self.log_level).items():
            environment = small if name in modest else {}
            process = self._spawn(command, environment)
            self.children.append(Child(name, command, process, environment))

    def poll(self) -> list[str]:
        """Restart what has ended; what happened since the last call, in words."""
        events = []
        for child in self.children:
            if child.restart_at is None and child.process.poll() is not None:
                child.restart_at = time.monotonic() + _restart_delay_s(child)
                cause = _cause(child.process.returncode)
                self.outages.ended(child.name, cause, time.monotonic())
                events.append(f"{child.name} ended ({cause})")
            if self.respawn and child.restart_at and time.monotonic() >= child.restart_at:
                self._restart(child)
                events.append(f"{child.name} started again")
        return events

    def _restart(self, child: Child) -> None:
        if child.name == FORK_SERVER:
            self._server = self._fork_server()
            child.process = self._server.process
            for unforked in self._nodes:
                if unforked.process.pid is None:
                    unforked.process = self._spawn(unforked.command, unforked.environment)
        else:
            child.process = self._spawn(child.command, child.environment)
        child.restart_at = None
        child.restarts += 1
        self.outages.restarted(child.name, time.monotonic())

    def stop(self) -> list[str]:
        """SIGTERM, wait, SIGKILL what is left; names of those that had to be killed."""
        if self._server is not None:
            self._server.stop()
            self._server = None
        running = [c for c in self._nodes if c.process.pid is not None and c.process.poll() is None]
        for child in running:
            child.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        killed = []
        for child in running:
            try:
                child.process.wait(max(deadline - time.monotonic(), 0.0))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
                killed.append(child.name)
        self.children.clear()
        return killed

    @property
    def alive(self) -> bool:
        """True while at least one process runs, or what ended is started again."""
        if self.respawn:
            return any(child.restart_at != math.inf for child in self._nodes)
        return any(child.process.poll() is None for child in self._nodes)

    @property
    def _nodes(self) -> list[Child]:
        """Those that run nodes."""
        return [child for child in self.children if child.name != FORK_SERVER]

    def pss_mb(self) -> float:
        """Proportional set size of all processes [MB]."""
        pids = (child.process.pid for child in self.children)
        return sum(process_pss_mb(pid) for pid in pids if pid is not None)

    def _spawn(
        self, command: list[str], environment: Mapping[str, str]
    ) -> subprocess.Popen[bytes] | ForkedProcess:
        if self._server is None:
            return self._popen(command)
        return self._server.fork(command, environment)

    def _fork_server(self) -> ForkServer:
        own = (node.type.node_class for node in self.graph.nodes if not node.type.is_contained)
        modules = dict.fromkeys(path.partition(":")[0] for path in own)
        program = executable("sage_common", FORK_SERVER)
        return ForkServer(program, list(modules), self._popen)

    def _popen(
        self, command: list[str], descriptors: tuple[int, ...] = ()
    ) -> subprocess.Popen[bytes]:
        environment = {**os.environ, **self.environment, PARENT_VARIABLE: str(os.getpid())}
        return subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
            pass_fds=descriptors,
        )


def commands(graph: Graph, composed: bool, log_level: str) -> dict[str, list[str]]:
    """The command of each process, by name."""
    if composed:
        return {CONTAINER: container_command(graph.nodes, log_level)}
    return {node.name: node_command(node, log_level) for node in graph.nodes}


def container_command(nodes: Iterable[NodeSpec], log_level: str) -> list[str]:
    """The command that runs nodes in one process."""
    entries = [node.container_entry(log_level) for node in nodes]
    program = executable("sage_common", "container")
    return [sys.executable, program, "--graph", json.dumps(entries)]


def node_command(node: NodeSpec, log_level: str) -> list[str]:
    """The command that runs one node in a process of its own, as launch_ros would."""
    if node.type.is_contained:
        return container_command([node], log_level)
    program = executable(node.type.package, node.type.executable)
    arguments = ros_arguments(node.container_entry(log_level))
    return [sys.executable, program, *arguments, "--log-level", log_level]


def executable(package: str, name: str) -> str:
    """Path of an executable of a ROS package.

    Raises:
        FileNotFoundError: the package does not install it.
    """
    path = Path(get_package_prefix(package), "lib", package, name)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected the executable {name} of package {package}")
    return str(path)


def process_pss_mb(pid: int) -> float:
    """Proportional set size of one process [MB]; 0 if it has ended."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024.0
    except (FileNotFoundError, ProcessLookupError):
        pass
    return 0.0


def _restart_delay_s(child: Child) -> float:
    """How long to wait [s]; for ever where it was started wrongly."""
    if child.process.returncode == EXIT_USAGE:
        return math.inf
    return float(min(FIRST_RESTART_S * 2**child.restarts, LONGEST_RESTART_S))


def _cause(returncode: int) -> str:
    if returncode == EXIT_USAGE:
        return f"exit status {returncode}: started wrongly, not started again"
    if returncode < 0:
        return f"killed by {signal.Signals(-returncode).name}"
    return f"exit status {returncode}"
