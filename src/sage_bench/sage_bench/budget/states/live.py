"""The graph in real processes on a quiet scene: what rest costs, and how soon a bang wakes it."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import replace

import numpy as np
import psutil

from sage.graph.runtime_file import RunningGraph
from sage.observe.graph_calls import call_service
from sage_bench.budget.states.scene_graph import START_S, graph_on
from sage_bench.budget.states.waking import SOFT, Woken, woken
from sage_bench.encoders.section import Figures, Setting
from sage_bench.result import Row, row_of_samples
from sage_msgs.srv import SetState

PAIRS, MEASURED_S, SETTLE_S, FIRST_S = 6, 8.0, 2.0, 10.0
"""Of six pairs the least and the greatest hold the median with 97 %."""
PAIRS_QUICK = 1
GOAL_SHARE, GOAL_MS = 0.4, 200.0
FROM_BANG = "states, live: from a bang to WAKE"
NOTE = (
    "states, live: `sage run` in processes of its own on a generated quiet scene (a still picture "
    "with sensor noise, near silence). CPU: of all processes of the graph, WAKE and REST forced "
    f"by turns, for {MEASURED_S:g} s each. Waking: lives of 80 s, five at a time, each with a "
    "sound of ESC-10, a photograph that moves, and a sound that is "
    f"{1.0 / SOFT:g} times softer, 15 s apart; more of them in one life would not be rare, and "
    "what is not rare wakes nobody. The robot falls asleep by itself (rest_after_s 2); from the "
    "first loud sample, or the first frame of the motion, by its capture stamp, to the message of "
    "state WAKE; what came while it was awake anyway is not counted. The governor sheds nothing"
)


def rows(setting: Setting) -> Figures:
    """CPU of REST beside WAKE, and the time from a bang to WAKE."""
    pairs = _cpu(PAIRS_QUICK if setting.quick else PAIRS)
    loads = [os.getloadavg()[0]]
    found = woken(setting.data, setting.quick)
    loads.append(os.getloadavg()[0])
    load = (
        f"states, live: load of the machine after CPU {loads[0]:.1f}, after waking {loads[1]:.1f}"
    )
    return Figures((*_cpu_rows(pairs), *_waking_rows(found)), (NOTE, load))


def _cpu(pairs: int) -> list[tuple[float, float]]:
    """CPU of the graph in WAKE and in REST, forced by turns [% of a core]."""
    length_s = round(2.0 * START_S + FIRST_S + 2.0 * pairs * (MEASURED_S + SETTLE_S))
    with graph_on(length_s, []) as (process, running):
        time.sleep(FIRST_S)
        return [
            (_cpu_percent(running, process, "WAKE"), _cpu_percent(running, process, "REST"))
            for _ in range(pairs)
        ]


def _cpu_rows(pairs: list[tuple[float, float]]) -> list[Row]:
    wake, rest = (float(np.median(values)) for values in zip(*pairs, strict=True))
    shares = [asleep / awake for awake, asleep in pairs]
    name = "states, live: CPU of the graph in REST on a quiet scene, of a core"
    share = row_of_samples("states, live: that over CPU in WAKE", shares, "", goal=GOAL_SHARE)
    bounded = replace(share, low=min(shares), high=max(shares)) if len(pairs) == PAIRS else share
    return [Row(name, rest, "%", baselines={"WAKE": wake}, samples=len(pairs)), bounded]


def _waking_rows(found: Woken) -> list[Row]:
    rows = [
        row_of_samples(
            f"states, live: from a bang to WAKE, p{rank}",
            found.delays_ms,
            "ms",
            goal=goal,
            rank=rank,
        )
        for rank, goal in ((50, None), (99, GOAL_MS))
        if found.delays_ms
    ]
    loud = (found.missed, found.missed + len(found.delays_ms))
    soft = (found.soft_missed, found.soft_missed + found.soft_woke)
    for name, (missed, came), goal in (("bangs", loud, 0.0), ("soft sounds", soft, None)):
        share = 100.0 * missed / came if came else float("nan")
        name = f"states, live: {name} in REST that did not wake"
        rows.append(Row(name, share, "%", goal, samples=came))
    return rows


def _cpu_percent(running: RunningGraph, process: subprocess.Popen[bytes], state: str) -> float:
    """CPU of the processes of the graph while a state is forced [% of a core]."""
    request = SetState.Request(state=state, duration_s=600.0)
    response = call_service(running, "orchestrator/set_state", request)
    if not response.success:
        raise RuntimeError(response.message)
    time.sleep(SETTLE_S)
    before_s, begin = _cpu_s(process.pid), time.monotonic()
    time.sleep(MEASURED_S)
    return 100.0 * (_cpu_s(process.pid) - before_s) / (time.monotonic() - begin)


def _cpu_s(pid: int) -> float:
    """CPU time of the graph's processes, without the command that watches them [s]."""
    times = [child.cpu_times() for child in psutil.Process(pid).children(recursive=True)]
    return float(sum(item.user + item.system for item in times))
