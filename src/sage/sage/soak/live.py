"""A soak of a graph on ROS 2: of one that it runs, or of one that runs already."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

from sage.graph.description import Graph
from sage.graph.runtime_file import LAUNCHED, RunningGraph, running_graph
from sage.observe.attached import Attached, enter_domain
from sage.observe.observer_node import ObserverNode
from sage.observe.statuses import wait_for_statuses
from sage.replay.playback import Playback
from sage.run.session import RunOptions, Session
from sage.run.summary import failures_of
from sage.soak.progress import progress_line
from sage.soak.samples_file import Look, SamplesFile
from sage.soak.watch import look_at
from sage.sources.planning import is_bag
from sage_common.core.errors import InvalidInput

PERIOD_S, SHORTEST_PERIOD_S = 10.0, 1.0
FEWEST_LOOKS = 20
REPORT_PERIOD_S = 60.0
GONE_S, HEARD_TIMEOUT_S = 1.0, 10.0


def period_s(judged_s: float) -> float:
    """Time between two looks of a soak that judges `judged_s`: ten seconds, of a short one less."""
    return min(PERIOD_S, max(judged_s / FEWEST_LOOKS, SHORTEST_PERIOD_S))


class Recorder:
    """Writes looks into a file, which the first one makes, and says now and then how it goes.

    Args:
        path: of the file.
        header: its first line; in it `duration_s`, how long the soak is to last, and `period_s`,
            the time between two looks [s].
    """

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        self.path = path
        self._header = header
        self._next_s = self._next_report_s = 0.0
        self._file: SamplesFile | None = None
        self._reported: Look | None = None

    def tick(self, time_s: float, look: Callable[[float], Look]) -> None:
        """Look if it is due at `time_s`, since the start [s]."""
        if time_s < self._next_s:
            return
        period: float = self._header["period_s"]
        self._next_s = (time_s // period + 1.0) * period
        if self._file is None:
            self._file = SamplesFile(self.path, self._header)
        seen = look(time_s)
        self._file.add(seen)
        if time_s >= self._next_report_s:
            self._next_report_s = time_s + REPORT_PERIOD_S
            line = progress_line(self._reported, seen, self._header["duration_s"])
            print(line, file=sys.stderr, flush=True)
            self._reported = seen

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


def soak_own(graph: Graph, options: RunOptions, recorder: Recorder) -> list[str]:
    """Run a graph and look at it until its duration is over; what went wrong, in words.

    Raises:
        InvalidInput: another graph runs in this home, or no ROS domain is free.
    """
    playback = None
    if is_bag(Path(graph.options.source).expanduser()):
        playback = Playback(graph, options, rate=1.0, loop=True)
    session = playback.session if playback else Session(graph, options, on_event=_print)
    ticked = session.on_tick

    def tick(running: Session) -> None:
        ticked(running)
        if running.elapsed_s > 0.0:
            look = partial(look_at, os.getpid(), running.observer, running.home)
            recorder.tick(running.elapsed_s, look)

    session.on_tick = tick
    summary = playback.run() if playback else session.run()
    recorder.close()
    failures = failures_of(summary)
    if summary["signal"] is not None:
        failures.append(_cut_short(summary["signal"], summary["duration_s"]))
    elif options.duration_s is not None and summary["duration_s"] < options.duration_s:
        failures.append(f"the graph ended by itself after {summary['duration_s']:.0f} s")
    return failures


def running_here(home: Path) -> RunningGraph:
    """The graph that runs in a home folder.

    Raises:
        InvalidInput: none does, or `sage run` does not run it: its processes are not known.
    """
    running = running_graph(home)
    if running is None or running.profile == LAUNCHED:
        raise InvalidInput("home", str(home), "a running graph that sage run has started")
    return running


def soak_running(
    running: RunningGraph, home: Path, duration_s: float, recorder: Recorder
) -> list[str]:
    """Look at a running graph until the duration is over or it ends; what went wrong, in words."""
    enter_domain(running)
    parameters = {
        "modalities": running.modalities,
        "instances": running.instances,
        "use_sim_time": running.use_sim_time,
    }
    stopped = threading.Event()
    signals: list[int] = []

    def on_signal(number: int, frame: object) -> None:
        signals.append(number)
        stopped.set()

    previous = {s: signal.signal(s, on_signal) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        with Attached(ObserverNode, running.namespace, parameters) as attached:
            look = partial(look_at, running.pid, attached.node, home)
            wait_for_statuses(attached, running.namespace, HEARD_TIMEOUT_S)
            begin_s, time_s = monotonic(), 0.0
            while time_s < duration_s and not signals:
                recorder.tick(time_s, look)
                stopped.wait(GONE_S)
                now = running_graph(home)
                if now is None or now.pid != running.pid:
                    return [f"the graph ended after {time_s:.0f} s"]
                time_s = monotonic() - begin_s
    finally:
        recorder.close()
        for number, handler in previous.items():
            signal.signal(number, handler)
    return [_cut_short(signals[0], time_s)] if signals else []


def _cut_short(number: int, time_s: float) -> str:
    return f"cut short by {signal.Signals(number).name} after {time_s:.0f} s"


def _print(event: str) -> None:
    print(event, file=sys.stderr, flush=True)
