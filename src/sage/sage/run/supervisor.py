"""Processes of a graph: started together, watched, restarted, and stopped without a trace."""

from __future__ import annotations

import math
import os
import random
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import IO

from sage.graph.description import Graph
from sage.graph.environment import without_pictures
from sage.graph.outages import Outages
from sage.run.child import Child
from sage.run.forked_process import ForkServer
from sage.run.process_commands import CONTAINER, commands, executable
from sage.run.process_ends import Process, ProcessEnds
from sage.run.process_state import process_pss_mb
from sage.run.restart_policy import RestartLimits, RestartPolicy
from sage_common.parent import PARENT_VARIABLE
from sage_common.ros.process import START_VARIABLE

STOP_TIMEOUT_S = 10.0
POLL_S = 0.05
"""Between two looks at all processes; what ends is seen at once."""
FORK_SERVER = "fork_server"


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
        respawn: start a process again after it ended by itself, and end one that hangs.
        limits: how often, and after how long.
        rng: decides the jitter of the delays.

    Attributes:
        outages: from the end of a process until it reports again.
    """

    graph: Graph
    composed: bool
    environment: Mapping[str, str]
    log_level: str = "info"
    log: IO[bytes] | None = None
    respawn: bool = True
    limits: RestartLimits = field(default_factory=RestartLimits)
    rng: random.Random = field(default_factory=random.Random)
    children: list[Child] = field(default_factory=list)

    def __post_init__(self) -> None:
        everything = frozenset(node.name for node in self.graph.nodes)
        alone = {node.name: frozenset({node.name}) for node in self.graph.nodes}
        served = {FORK_SERVER: frozenset[str](), **alone}
        self.outages = Outages({CONTAINER: everything} if self.composed else served)
        self._server: ForkServer | None = None
        self._ends = ProcessEnds()

    def start(self) -> None:
        """Start every process."""
        if not self.composed:
            self._add(FORK_SERVER, [], {})
        small = without_pictures(self.environment)
        modest = {node.name for node in self.graph.nodes if not node.type.sends_pictures}
        for name, command in commands(self.graph, self.composed, self.log_level).items():
            self._add(name, command, small if name in modest else {})

    def poll(self) -> list[str]:
        """End what hangs, restart what has ended; what happened since the last call, in words.

        What ended is not started again by the same call: who asks sees that it is gone.
        """
        events = []
        for child in self.children:
            now_s = time.monotonic()
            if cause := child.end_of(now_s):
                self.outages.ended(child.name, cause, now_s)
                events.append(f"{child.name} ended ({cause})")
            elif self.respawn and child.restart_at and now_s >= child.load_at:
                self._restart(child)
                events.append(f"{child.name} started again")
            elif self.respawn and (why := child.end_hang(now_s)):
                events.append(f"{child.name} is killed ({why})")
                for other in self.children:  # a lock in shared memory may have been held by it
                    other.detector.begin_anew()
        return events

    def wait(self, timeout_s: float) -> None:
        """Until a process has ended, or for so long."""
        running = [child.process for child in self.children if child.restart_at is None]
        self._ends.wait(running, timeout_s)

    def release(self) -> list[str]:
        """Start what is quarantined again; names of these processes."""
        released = [child for child in self.children if child.policy.quarantined]
        for child in released:
            child.policy.release()
            child.restart_at = child.load_at = time.monotonic()
        return [child.name for child in released]

    @property
    def quarantined(self) -> dict[str, str]:
        """Why a process is not started again, by its name."""
        found = ((child.name, child.policy.quarantined) for child in self.children)
        return {name: why for name, why in found if why}

    @property
    def is_well(self) -> bool:
        """Whether no process hangs that has not ended yet."""
        return not any(child.hang and child.restart_at is None for child in self.children)

    def _add(self, name: str, command: list[str], environment: Mapping[str, str]) -> None:
        child = Child(name, command, RestartPolicy(self.limits, self.rng), environment)
        self._spawn(child)
        self.children.append(child)

    def _restart(self, child: Child) -> None:
        self._spawn(child)
        child.restarts += 1
        self.outages.restarted(child.name, time.monotonic())
        if child.name == FORK_SERVER:
            for unforked in self._nodes:
                if unforked.process.pid is None:
                    self._spawn(unforked)

    def stop(self) -> list[str]:
        """SIGTERM, wait, SIGKILL what is left; names of those that had to be killed."""
        if self._server is not None:
            self._server.stop()
            self._server = None
        running = [child for child in self._nodes if child.runs]
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
        self._ends.close()
        for child in self.children:
            child.close()
        self.children.clear()
        return killed

    @property
    def alive(self) -> bool:
        """True while at least one process runs, or what ended is started again."""
        if self.respawn:  # asked at each look: the first that runs is enough
            return any(c.restart_at != math.inf for c in self.children if c.name != FORK_SERVER)
        return any(child.process.poll() is None for child in self._nodes)

    @property
    def _nodes(self) -> list[Child]:
        """Those that run nodes."""
        return [child for child in self.children if child.name != FORK_SERVER]

    def pss_mb(self) -> float:
        """Proportional set size of all processes [MB]."""
        pids = [child.process.pid for child in self.children]
        return sum(process_pss_mb(pid) for pid in pids if pid is not None)

    def _spawn(self, child: Child) -> None:
        child.heartbeat.clear()
        child.run_as(self._started(child))

    def _started(self, child: Child) -> Process:
        environment = {**child.environment, START_VARIABLE: str(child.restart_at or 0.0)}
        start = partial(self._popen, environment=environment)
        if child.name == FORK_SERVER:
            own = (node.type.node_class for node in self.graph.nodes if not node.type.is_contained)
            modules = dict.fromkeys(path.partition(":")[0] for path in own)
            self._server = ForkServer(executable("sage_common", FORK_SERVER), list(modules), start)
            return self._server.process
        if self._server is None:
            return start(child.command)
        return self._server.fork(child.command, environment)

    def _popen(
        self,
        command: list[str],
        descriptors: tuple[int, ...] = (),
        *,
        environment: Mapping[str, str],
    ) -> subprocess.Popen[bytes]:
        everyone = {**os.environ, **self.environment, PARENT_VARIABLE: str(os.getpid())}
        return subprocess.Popen(
            command,
            env={**everyone, **environment},
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
            pass_fds=descriptors,
        )
