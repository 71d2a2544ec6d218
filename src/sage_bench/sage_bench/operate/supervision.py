"""How soon an ended or hung process is seen, and active again; what watching costs."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle, islice
from typing import Any

from sage.graph.description import GraphOptions, describe
from sage.run.process_commands import CONTAINER
from sage.run.restart_policy import RestartLimits
from sage.run.session import RunOptions, Session
from sage_bench.encoders.section import Figures, Setting
from sage_bench.operate.hanging_node import HANGING
from sage_bench.operate.trials import (
    DEADLOCK,
    HANG,
    KILL,
    KINDS,
    SAID,
    STOP,
    Trial,
    Trials,
    with_hanging_node,
)
from sage_bench.result import Row, row_of_samples

TRIALS, TRIALS_QUICK = 50, 2
"""Of each kind."""
COMPOSED, COMPOSED_QUICK = 20, 1
SEEN_GOALS_MS = {KILL: 100.0, STOP: 1000.0, HANG: 1000.0, DEADLOCK: 1000.0}
ACTIVE_GOAL_S = 3.0
COST_GOAL = 1.0
BUSY, BUSY_S, BUSY_QUICK_S = 10, 40.0, 5.0
ALWAYS = RestartLimits(most_ends=1_000_000, clean_s=0.0)
"""Each trial is the first of its process."""
NOTES = (
    "supervision: `kill -9` and SIGSTOP reach the processes of the nodes in turn; a callback that "
    "sleeps for ever, and one that holds the interpreter meanwhile, are those of a node that is "
    "there for it; seen: the supervising loop knows it; active again: all nodes of the process "
    "are, with their saved state, the delay before the start (0.5 s) included",
    "supervision: its cost is that of the thread of `sage run` that supervises and publishes, a "
    "process a node; the heartbeats of the processes are not in it",
)


def rows(setting: Setting) -> Figures:
    """Trials with a process a node and with one process; restarts for which there was no reason."""
    quick = setting.quick
    many, told = processes_trials(TRIALS_QUICK if quick else TRIALS)
    one, _ = composed_trials(COMPOSED_QUICK if quick else COMPOSED)
    found = [row for kind in KINDS for row in rows_of(kind, many.done)]
    found += rows_of(KILL, one.done, "one process: ")
    found.append(
        Row("supervision, a process a node", 100.0 * many.cpu_share, "% of a core", COST_GOAL)
    )
    needless = [*without_reason(told, many.done), *without_reason(under_load(quick), ())]
    name = f"ends of processes without a reason, in the trials and beside {BUSY} busy processes"
    found.append(Row(name, len(needless), "", 0.0))
    return Figures(tuple(found), (*NOTES, *(f"without a reason: {end}" for end in needless)))


def without_reason(told: Mapping[str, Any], trials: Sequence[Trial]) -> list[str]:
    """Ends of processes in a run that no trial explains, in words."""
    unseen = list(trials)
    found = []
    for outage in told["outages"]:
        process, cause = outage["process"], outage["cause"]
        trial = next((t for t in unseen if t.process == process and SAID[t.kind] in cause), None)
        if trial is None:
            found.append(f"{process} ({cause})")
        else:
            unseen.remove(trial)
    return found


def rows_of(kind: str, trials: Sequence[Trial], where: str = "") -> list[Row]:
    """When those of a kind were seen, and when the process was active again."""
    of_kind = [trial for trial in trials if trial.kind == kind]
    seen_ms = [1e3 * (trial.seen_s - trial.begin_s) for trial in of_kind]
    active_s = [trial.active_s - trial.begin_s for trial in of_kind]
    return [
        row_of_samples(
            f"{where}{kind}: seen, p99", seen_ms, "ms", goal=SEEN_GOALS_MS[kind], rank=99
        ),
        row_of_samples(
            f"{where}{kind}: active again, p99", active_s, "s", goal=ACTIVE_GOAL_S, rank=99
        ),
    ]


def processes_trials(count: int) -> tuple[Trials, dict[str, Any]]:
    """So many of each kind, with a process a node; and the summary of the run."""
    with tempfile.TemporaryDirectory() as home:
        graph = with_hanging_node(describe(GraphOptions(home=home)))
        names = cycle(node.name for node in graph.nodes if node.name != HANGING)
        plan = []
        for _ in range(count):
            kill, stop = islice(names, 2)
            plan += [(KILL, kill), (HANG, HANGING), (STOP, stop), (DEADLOCK, HANGING)]
        trials = Trials(plan)
        session = Session(graph, options(composed=False))
        session.on_tick = trials.tick
        return trials, session.run()


def composed_trials(count: int) -> tuple[Trials, dict[str, Any]]:
    """So many kills of the one process; and the summary of the run."""
    with tempfile.TemporaryDirectory() as home:
        trials = Trials([(KILL, CONTAINER)] * count)
        session = Session(describe(GraphOptions(home=home)), options(composed=True))
        session.on_tick = trials.tick
        return trials, session.run()


def under_load(quick: bool) -> dict[str, Any]:
    """The run of a graph of processes that nobody touches, beside others that take the cores."""
    with tempfile.TemporaryDirectory() as home, busy_processes():
        seconds = BUSY_QUICK_S if quick else BUSY_S
        session = Session(describe(GraphOptions(home=home)), options(False, seconds))
        return session.run()


def options(composed: bool, seconds: float | None = None) -> RunOptions:
    """How the graph is run."""
    return RunOptions(composed, duration_s=seconds, log_level="error", limits=ALWAYS)


@contextlib.contextmanager
def busy_processes() -> Iterator[None]:
    """Processes that compute without end."""
    command = [sys.executable, "-c", "while True: pass"]
    started = [subprocess.Popen(command) for _ in range(BUSY)]
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()
