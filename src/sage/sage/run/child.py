"""One process of a graph, as its supervisor keeps it."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sage.run.hang_detection import HangDetector
from sage.run.process_ends import Process
from sage.run.process_state import ProcessState, host_state, process_state
from sage.run.restart_policy import RestartPolicy
from sage.run.transport_files import RetiredPorts, has_lost_segment, port_locks
from sage_common.heartbeat import HEARTBEAT_VARIABLE, HeartbeatMemory, Phase
from sage_common.ros.process import EXIT_USAGE

LOST = "its shared memory was removed from /dev/shm"
LOOK_PERIOD_S = 2.0
LOAD_S = 1.0
"""So long before its nodes may start what starts again is made, to load meanwhile what it needs."""


@dataclass
class Child:
    """One process of the graph.

    Attributes:
        name: of the node, or "container", or "fork_server".
        command: program and arguments; of the fork server none.
        policy: when it is started again.
        environment: what it gets on top of the environment of all.
        heartbeat: where it shows signs of life.
        restarts: how often it had to be started again.
        restart_at: monotonic time from which its nodes may start again, or None while it runs;
            infinite: never.
        load_at: monotonic time from which it may be made for that: one whose nodes had started
            before does not fail while it loads.
        hang: why it was killed; empty: it was not.
    """

    name: str
    command: list[str]
    policy: RestartPolicy
    environment: Mapping[str, str] = field(default_factory=dict)
    heartbeat: HeartbeatMemory = field(default_factory=HeartbeatMemory)
    restarts: int = 0
    restart_at: float | None = None
    load_at: float = 0.0
    hang: str = ""
    _ports: set[Path] = field(default_factory=set)
    _retired: RetiredPorts = field(default_factory=RetiredPorts)

    def __post_init__(self) -> None:
        self.environment = {**self.environment, HEARTBEAT_VARIABLE: self.heartbeat.path}

    def run_as(self, process: Process) -> None:
        """It has been started as this process, and is watched from now on."""
        self.process = process
        self.restart_at = None
        self.hang = ""
        self._next_look_s = 0.0
        self.detector = HangDetector(time.monotonic(), self._state, host_state)

    @property
    def runs(self) -> bool:
        """Whether its process has been made and has not ended."""
        return self.process.pid is not None and self.process.poll() is None

    def end_of(self, now_s: float) -> str:
        """How its process ended, in words, once; empty: it runs, or that was said.

        When it is started again, or that it is not, is decided with it.
        """
        if self.restart_at is not None or self.process.poll() is None:
            return ""
        self._retired.add(self._ports)
        self._ports = set()
        cause = f"{self.hang}: killed" if self.hang else _cause(self.process.returncode)
        if self.process.returncode == EXIT_USAGE:
            self.restart_at = self.load_at = math.inf
            return f"{cause}: started wrongly, not started again"
        had_started = self.heartbeat.read().phase >= Phase.RUNNING
        self.restart_at = now_s + self.policy.ended(now_s)
        self.load_at = self.restart_at - LOAD_S * had_started
        quarantined = self.policy.quarantined
        return f"{cause}; {quarantined}, and is not started again" if quarantined else cause

    def end_hang(self, now_s: float) -> str:
        """Kill its process if it hangs, or nobody new hears it; why, in words, once; or empty.

        Whether it has ended was asked before, by `end_of`.
        """
        if self.hang or self.process.pid is None or self.process.returncode is not None:
            return ""
        beat = self.heartbeat.read()
        if why := self.detector.look(now_s, beat):
            self.hang = f"hung: {why}"
        elif beat.phase == Phase.RUNNING and now_s >= self._next_look_s:
            self._next_look_s = now_s + LOOK_PERIOD_S
            self._ports = self._ports or port_locks(self.process.pid or 0)
            if has_lost_segment(self.process.pid or 0):
                self.hang = LOST
        if self.hang:
            self.process.kill()
        return self.hang

    def close(self) -> None:
        """Let others have what was kept; nothing of it runs any more."""
        self._retired.close()
        self.heartbeat.close()

    def _state(self) -> ProcessState | None:
        return None if self.process.pid is None else process_state(self.process.pid)


def _cause(returncode: int | None) -> str:
    if returncode is not None and returncode < 0:
        return f"killed by {signal.Signals(-returncode).name}"
    return f"exit status {returncode}"
