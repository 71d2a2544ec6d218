"""Kills, stops and hangs of a running graph's processes, one after another, and how long each took
to be seen and to be over."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sage.graph.catalogue import CONTAINER, NodeKind
from sage.graph.description import Graph, NodeSpec
from sage.run.child import Child
from sage.run.hang_detection import NO_BEAT, NO_TURN, STOPPED
from sage.run.session import Session
from sage_bench.operate.hanging_node import EXECUTOR, HANGING, INTERPRETER, order
from sage_common.heartbeat import Phase

KILL, STOP, HANG, DEADLOCK = "kill -9", "SIGSTOP", "executor hangs", "deadlock"
KINDS = (KILL, STOP, HANG, DEADLOCK)
SAID = {KILL: "killed by SIGKILL", STOP: STOPPED, HANG: NO_TURN, DEADLOCK: NO_BEAT}
"""What the supervisor says of each."""
QUIET_S = 5.0
"""Before the first trial nothing is done and nothing looked at, and what supervision takes is."""
SETTLE_S = 0.3
PATIENCE_S = 120.0
"""A trial that takes longer has failed."""


@dataclass(frozen=True)
class Trial:
    """What was done to which process, and when [s, monotonic] it was seen, and active again."""

    kind: str
    process: str
    begin_s: float
    seen_s: float
    active_s: float


def with_hanging_node(graph: Graph) -> Graph:
    """The graph with a node that hangs when it is told to."""
    module = "sage_bench.operate.hanging_node"
    kind = NodeKind(
        "sage_bench", CONTAINER, f"{module}:HangingNode", f"{module}:HangingParameters", False
    )
    parameters = {"home": graph.options.home} if graph.options.home else {}
    node = NodeSpec(HANGING, HANGING, graph.options.namespace, parameters, declared=kind)
    return replace(graph, nodes=(*graph.nodes, node))


class Trials:
    """Carries them out beside a session that ends with the last; `tick` is its `on_tick`.

    Args:
        plan: a kind and the name of a process each; only the hanging node hangs.
        then: called after the last; by default the session ends.

    Attributes:
        done: those that are over.
        cpu_share: of a core that the thread which supervises took before the first.
    """

    def __init__(
        self, plan: Sequence[tuple[str, str]], then: Callable[[Session], None] = Session.stop
    ) -> None:
        self._plan = list(plan)
        self._then = then
        self.done: list[Trial] = []
        self.cpu_share = 0.0
        self._quiet_s = self._used_s = 0.0
        self._settled_s = self._waits_s = 0.0
        self._begin_s = self._seen_s = 0.0
        self._pid: int | None = None

    def tick(self, session: Session) -> None:
        """Go on with the plan.

        Raises:
            TimeoutError: a process did not come back.
        """
        now_s = time.monotonic()
        if not self._plan or self._is_quiet(now_s):
            return
        kind, name = self._plan[0]
        child = next(child for child in session.supervisor.children if child.name == name)
        if not self._begin_s:
            if self._is_settled(session, now_s):
                self._inflict(kind, child, session.home)
        elif self._is_over(kind, child, now_s):
            self._plan.pop(0)
            if not self._plan:
                self._then(session)

    def _is_quiet(self, now_s: float) -> bool:
        """Whether what supervision takes is still looked at; it is from `_quiet_s` on."""
        if not self._quiet_s or self.cpu_share:
            return False
        passed_s = now_s - self._quiet_s
        if passed_s >= QUIET_S:
            self.cpu_share = (time.thread_time() - self._used_s) / passed_s
        return passed_s < QUIET_S

    def _is_settled(self, session: Session, now_s: float) -> bool:
        """Whether every node has reported since the last trial, and some time has passed.

        Raises:
            TimeoutError: one does not.
        """
        out = {ended.process for ended in session.ended} - session.supervisor.quarantined.keys()
        self._waits_s = self._waits_s or now_s
        if now_s - self._waits_s > PATIENCE_S:
            raise TimeoutError(f"not every node reports within {PATIENCE_S:g} s")
        if session.elapsed_s <= 0.0 or out or not session.all_heard():
            self._settled_s = now_s
        is_settled = now_s - self._settled_s >= SETTLE_S and self._settled_s > 0.0
        if is_settled and not self._quiet_s:
            self._quiet_s, self._used_s = now_s, time.thread_time()
            return False
        return is_settled

    def _inflict(self, kind: str, child: Child, home: Path) -> None:
        self._pid, self._seen_s = child.process.pid, 0.0
        assert self._pid is not None
        self._begin_s = time.monotonic()
        if kind in (HANG, DEADLOCK):
            order(home).write_text(EXECUTOR if kind == HANG else INTERPRETER)
        else:
            os.kill(self._pid, signal.SIGKILL if kind == KILL else signal.SIGSTOP)

    def _is_over(self, kind: str, child: Child, now_s: float) -> bool:
        if now_s - self._begin_s > PATIENCE_S:
            raise TimeoutError(f"{child.name} is not back {PATIENCE_S:g} s after: {kind}")
        has_ended = child.restart_at is not None or child.process.pid != self._pid
        if not self._seen_s and (child.hang or has_ended):
            self._seen_s = now_s
        back = child.process.pid not in (None, self._pid)
        is_active = back and child.heartbeat.read().phase == Phase.RUNNING
        if self._seen_s and (is_active or child.policy.quarantined):
            self.done.append(Trial(kind, child.name, self._begin_s, self._seen_s, now_s))
            self._settled_s, self._begin_s, self._waits_s = now_s, 0.0, 0.0
            return True
        return False
