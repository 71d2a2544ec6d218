"""Taking up a memory and a whole graph that have a past."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from sage.graph.description import GraphOptions, describe
from sage.replay.lockstep import LockstepReplay, Output
from sage_bench.encoders.section import Figures
from sage_bench.memory.peers.ours import DEVICE, limits, store_all
from sage_bench.memory.workplace import Workplace
from sage_bench.result import Row, row_of_samples
from sage_common.ros.lockstep.host import DEFAULT_START_NS
from sage_memory import Memory

GOAL_S = 1.0
RUNS = 5
PAST_S = 3.0
NOTE = (
    "resume: a graph in lock-step runs for 3 s, its memory is filled, and it is started from its "
    "states; beside it, one that starts with nothing. Their difference is what the past costs; "
    "both load the same models, play nothing, and stop"
)


def rows(place: Workplace) -> Figures:
    """Opening the memory, and starting the graph, with a past."""
    count = place.scale.resumed
    corpus = place.corpus(count)
    with place.fresh_folder() as folder:
        home, nothing = folder / "home", folder / "nothing"
        _run(home, PAST_S, resume=False)
        with Memory.open(home, device_id=DEVICE, limits=limits()) as memory:
            store_all(memory, corpus.experiences())
        opened = [_opening_s(home) for _ in range(RUNS)]
        pairs = []
        for number in range(1 if place.setting.quick else RUNS):
            empty_s = _run(nothing / str(number), 0.0, resume=False)
            pairs.append((_run(home, 0.0, resume=True), empty_s))
    with_past, without = np.median(pairs, axis=0).tolist()
    goal = GOAL_S if count == 100_000 else None
    made = (
        row_of_samples(f"opening a memory of {count:,}", opened, "s", goal=goal),
        Row(f"resume of the graph at {count:,}, beyond a start with nothing",
            max(with_past - without, 0.0), "s", goal,
            baselines={"whole start, resumed": with_past, "whole start, nothing": without},
            samples=len(pairs)),
    )  # fmt: skip
    return Figures(made, (NOTE,))


def _opening_s(home: Path) -> float:
    begin = time.perf_counter()
    with Memory.open(home, device_id=DEVICE) as memory:
        taken_s = time.perf_counter() - begin
        if not memory.statistics().experiences:
            raise RuntimeError(f"{home}: expected a filled memory")
    return taken_s


def _run(home: Path, simulated_s: float, resume: bool) -> float:
    """Start a graph, run it in lock-step, stop it; how long that took [s]."""
    graph = describe(GraphOptions(home=str(home), resume=resume))
    begin = time.perf_counter()
    LockstepReplay(graph, DEFAULT_START_NS, Output(None)).run_for(simulated_s)
    return time.perf_counter() - begin
