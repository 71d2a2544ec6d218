"""A few nodes of ours, in one process or a process each, watched from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from sage.graph.environment import DomainLease, enter, graph_environment
from sage.observe.attached import Attached
from sage.run.process_commands import executable
from sage.run.process_state import process_pss_mb
from sage_common.core.parameters import NodeParameters
from sage_common.parent import PARENT_VARIABLE
from sage_common.ros.conversions.stamps import stamp_ns
from sage_common.ros.node import SageNode

NAMESPACE = "/sage"
PATIENCE_S, STOP_S = 40.0, 10.0
LOOK_PERIOD_S = 0.1


@dataclass(frozen=True)
class Entry:
    """One node: its class as `package.module:Class`, its name, its parameters."""

    node_class: str
    name: str
    parameters: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """As the container takes it."""
        return {
            "class": self.node_class,
            "name": self.name,
            "namespace": NAMESPACE,
            "parameters": dict(self.parameters),
            "log_level": "warn",
        }


class Watcher(SageNode):
    """Keeps the latency of each vision puzzle [ms], and what each node last said of itself."""

    default_name = "bench_watcher"
    parameters_type = NodeParameters

    def on_configure(self) -> None:
        self.latencies_ms: list[float] = []
        self.reported: dict[str, dict[str, str]] = {}
        self.subscribe("puzzle", self._puzzle, modality="vision")
        self.subscribe_foreign(
            "/diagnostics",
            "diagnostic_msgs/msg/DiagnosticArray",
            self._diagnostic,
            stamp_checked=False,
        )

    def _puzzle(self, message: Any) -> None:
        late_ns = self.clock.now_ns() - stamp_ns(message.header.stamp)
        self.latencies_ms.append(late_ns / 1e6)

    def _diagnostic(self, message: Any) -> None:
        for status in message.status:
            name = status.name.rsplit("/", 1)[-1]
            self.reported[name] = {pair.key: pair.value for pair in status.values}


class StagedGraph:
    """Running nodes.

    Attributes:
        watcher: sees what they publish.
        domain_id: of ROS.
    """

    def __init__(
        self, processes: Sequence[subprocess.Popen[bytes]], watcher: Watcher, domain_id: int
    ) -> None:
        self.watcher = watcher
        self.domain_id = domain_id
        self._processes = processes

    def fact(self, node: str, ending: str) -> str:
        """What a node last said under a key that ends so; empty: nothing."""
        values = self.watcher.reported.get(node, {})
        return next((value for key, value in values.items() if key.endswith(ending)), "")

    def wait_until(
        self, holds: Callable[[], bool], what: str, patience_s: float = PATIENCE_S
    ) -> None:
        """Look until something holds.

        Raises:
            RuntimeError: it does not, for too long, or a process ended.
        """
        end_s = time.monotonic() + patience_s
        while not holds():
            if any(process.poll() is not None for process in self._processes):
                raise RuntimeError(f"a process of the graph ended; waited for: {what}")
            if time.monotonic() > end_s:
                raise RuntimeError(f"not within {patience_s:g} s: {what}")
            time.sleep(LOOK_PERIOD_S)

    def cpu_percent(self, seconds: float) -> float:
        """CPU time of all processes together while that much time passes [% of a core]."""
        before_s, begin_s = self._cpu_s(), time.monotonic()
        time.sleep(seconds)
        return 100 * (self._cpu_s() - before_s) / (time.monotonic() - begin_s)

    def pss_mb(self) -> float:
        """Proportional set size of all processes together [MB]."""
        return sum(process_pss_mb(process.pid) for process in self._processes)

    def _cpu_s(self) -> float:
        seen = [psutil.Process(process.pid).cpu_times() for process in self._processes]
        return sum(float(times.user + times.system) for times in seen)


@contextmanager
def staged(entries: Sequence[Entry], composed: bool, home: Path) -> Iterator[StagedGraph]:
    """Nodes in one process, or in a process each, for as long as it lasts."""
    lease = DomainLease()
    environment, before = graph_environment(lease.domain_id, False, home), dict(os.environ)
    enter(environment)
    sources = os.pathsep.join(path for path in sys.path if path)
    variables = {**os.environ, **environment, "PYTHONPATH": sources}
    variables[PARENT_VARIABLE] = str(os.getpid())
    program = executable("sage_common", "container")
    parts = [list(entries)] if composed else [[entry] for entry in entries]
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for part in parts:
            graph = json.dumps([entry.as_dict() for entry in part])
            command = [sys.executable, program, "--graph", graph]
            processes.append(
                subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL)
            )  # fmt: skip
        with Attached(Watcher, NAMESPACE) as attached:
            yield StagedGraph(processes, attached.node, lease.domain_id)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        lease.release()
        os.environ.clear()
        os.environ.update(before)
