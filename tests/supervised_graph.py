"""Run a graph of processes, kill, stop and hang some, and print what came of it as JSON.

`python supervised_graph.py HOME`. A process is quarantined at its second end here.
"""

from __future__ import annotations

import json
import sys
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from diagnostic_msgs.msg import DiagnosticArray

from sage.graph.description import GraphOptions, describe
from sage.run.restart_policy import RestartLimits
from sage.run.session import RunOptions, Session
from sage_bench.faults.inflicting import left, segments_of
from sage_bench.operate.hanging_node import HANGING
from sage_bench.operate.trials import DEADLOCK, HANG, KILL, STOP, Trials, with_hanging_node
from sage_common.core.diagnosis.node_status import SUPERVISOR
from sage_common.core.state.arrays import json_of
from sage_common.core.state.file import load

VICTIM, OTHER = "language_encoder", "memory"
PLAN = ((KILL, VICTIM), (HANG, HANGING), (STOP, VICTIM), (DEADLOCK, HANGING), (KILL, OTHER))
PATIENCE_S = 120.0


class Watched:
    """Ends the session once it is known where one looks that the graph is degraded."""

    def __init__(self) -> None:
        self.diagnosed: list[str] = []
        self.fused_after = 0
        self.segments: set[str] = set()
        self.trials = Trials(PLAN, then=self._begin)
        self._hears = False
        self._begin_s = 0.0
        self._fused = 0

    def tick(self, session: Session) -> None:
        if not self._hears:
            self._hears = True
            session.observer.subscribe_foreign(
                "/diagnostics", "diagnostic_msgs/msg/DiagnosticArray", self._hear,
                stamp_checked=False,
            )  # fmt: skip
        for child in session.supervisor.children:
            if child.name in (VICTIM, OTHER) and child.runs:
                with suppress(OSError):  # it ends just now
                    self.segments |= set(segments_of(child.process.pid or 0))
        self.trials.tick(session)
        if not self._begin_s:
            return
        self.fused_after = session.observer.tally.fused.n - self._fused
        is_back = all(e.process in (VICTIM, HANGING) for e in session.ended)
        is_told = any(VICTIM in words for words in self.diagnosed)
        late = time.monotonic() - self._begin_s > PATIENCE_S
        if late or (self.fused_after > 0 and is_back and is_told):
            session.stop()

    def _begin(self, session: Session) -> None:
        self._begin_s = time.monotonic()
        self._fused = session.observer.tally.fused.n

    def _hear(self, message: DiagnosticArray) -> None:
        for status in message.status:
            if status.name.endswith(f"/{SUPERVISOR}") and status.level == b"\x02":
                self.diagnosed.append(status.message)


def starts_of(node: str, home: Path) -> int:
    """How often it was started, as its saved state says."""
    return int(json_of(load(home / "state" / f"{node}.state").arrays["fields.json"])["starts"])


def main() -> None:
    home = Path(sys.argv[1])
    graph = with_hanging_node(describe(GraphOptions(home=str(home))))
    options = RunOptions(composed=False, log_level="warn", limits=RestartLimits(most_ends=2))
    session = Session(graph, options, on_event=lambda event: print(event, file=sys.stderr))
    watched = Watched()
    session.on_tick = watched.tick
    told = session.run()
    kept = {name: told[name] for name in ("outages", "restarts", "causes")}
    beside = {
        "trials": [asdict(trial) for trial in watched.trials.done],
        "diagnosed": watched.diagnosed[-1:],
        "fused_after": watched.fused_after,
        "segments": len(watched.segments),
        "left": left(watched.segments),
        "starts_of_hanging": starts_of(HANGING, home),
    }
    print(json.dumps({**kept, **beside}))


if __name__ == "__main__":
    main()
