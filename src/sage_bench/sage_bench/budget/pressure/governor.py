"""The governor beside processes that take memory in several ways, and the graph without it.

The levels were chosen beside one of them; the others report.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from sage_bench.budget.pressure.memory_scene import (
    FILE_MB,
    HOG_MB,
    ROOM_MB,
    Hog,
    SceneRun,
    run_scene,
)
from sage_bench.encoders.section import Figures, Setting
from sage_bench.result import Row, row_of_samples
from sage_common.core.health import PressureLevel

CHOSEN = Hog("200 MB/s", 4, 0.02)
"""Beside which the levels were chosen."""
REPORTED = (
    Hog("400 MB/s", 4, 0.01),
    Hog("100 MB/s", 4, 0.04),
    Hog("50 MB every 0.5 s", 50, 0.5),
    Hog("10 MB/s", 4, 0.4),
)
"""Of which nothing was chosen."""
CALM_S, HOLD_S = 10.0, 10.0
REACTION_MS, RETURN_GOAL_S, SLOWER = 500.0, 60.0, 2.0
OFF = {"MEMORY_PRESSURE_WATCH": "/dev/null"}
ALONE, ON_CHOSEN = f"without governor, {CHOSEN.name}", CHOSEN.name


def rows(setting: Setting) -> Figures:
    """Kills, memories lost, levels, latency and what was given back, with and without governor."""
    reported = REPORTED[:1] if setting.quick else REPORTED
    try:
        alone = run_scene(CHOSEN, CALM_S, HOLD_S, OFF)
        chosen = run_scene(CHOSEN, CALM_S, HOLD_S, {})
        runs = [run_scene(hog, CALM_S, HOLD_S, {}) for hog in reported]
    except OSError as error:
        return Figures(errors=(f"governor: no cgroup v1 of memory can be written ({error})",))
    notes = [_scene_note(reported), *map(_run_note, [alone, chosen, *runs])]
    return Figures(tuple(_rows(runs, chosen, alone)), tuple(notes))


def _rows(runs: Sequence[SceneRun], chosen: SceneRun, alone: SceneRun) -> Iterator[Row]:
    yield Row("processes killed by the kernel under a memory limit", sum(run.kills for run in runs),
              "", 0.0, baselines={ALONE: alone.kills, ON_CHOSEN: chosen.kills},
              samples=len(runs))  # fmt: skip
    stored = sum(len(run.heard.stored) for run in runs)
    yield Row("acknowledged experiences lost", sum(run.lost for run in runs), "", 0.0,
              baselines={ALONE: alone.lost, ON_CHOSEN: chosen.lost}, samples=stored)  # fmt: skip
    turns = [run.heard.turns(run.began_s) for run in (chosen, *runs)]
    yield Row("turns from down to up again, the most of a run", max(turns[1:]), "", 1.0,
              baselines={ON_CHOSEN: turns[0]}, samples=len(runs))  # fmt: skip
    reactions = [reaction for run in runs for reaction in run.heard.reactions_ms()]
    if reactions:
        beside = chosen.heard.reactions_ms()
        baselines = {ON_CHOSEN: float(np.percentile(beside, 99))} if beside else {}
        yield row_of_samples("from what calls for a level to the level", reactions, "ms",
                             goal=REACTION_MS, rank=99, baselines=baselines)  # fmt: skip
    back = [_back_s(run) for run in (chosen, *runs)]
    yield Row("from release to normal, the longest", float(np.max(back[1:])), "s", RETURN_GOAL_S,
              baselines={ON_CHOSEN: back[0]}, samples=len(runs))  # fmt: skip
    slower = [_slower(run) for run in (alone, chosen, *runs)]
    yield Row("salience p99 under pressure over p99 before, the most",
              float(np.max(slower[2:])), "", SLOWER,
              baselines={ALONE: slower[0], ON_CHOSEN: slower[1]}, samples=len(runs))  # fmt: skip
    least = min(runs, key=lambda run: run.given_mb)
    could = {"held by caches and models before": least.held_mb}
    yield Row("given back by the graph, as the kernel counts its memory, the least",
              least.given_mb, "MB", float(HOG_MB - ROOM_MB), "higher",
              baselines={**could, ON_CHOSEN: chosen.given_mb}, samples=len(runs))  # fmt: skip


def _back_s(run: SceneRun) -> float:
    """From the release to green [s]; NaN: it was not reached, or not left."""
    climbed = [entry for entry in run.heard.levels if entry[0] >= run.began_s]
    green_s = [at_s for at_s, level, _ in climbed if level == PressureLevel.GREEN]
    return max(green_s[-1] - run.released_s, 0.0) if green_s else float("nan")


def _slower(run: SceneRun) -> float:
    before = run.heard.latencies_between(0.0, run.began_s)
    during = run.heard.latencies_between(run.began_s, run.released_s)
    if not (before and during):
        return float("nan")
    return float(np.percentile(during, 99) / np.percentile(before, 99))


def _scene_note(reported: Sequence[Hog]) -> str:
    names = ", ".join(hog.name for hog in reported)
    return (
        f"governor: the recorded walk at 1080p in a cgroup v1 with {ROOM_MB} MB free, beside a "
        f"process that takes {HOG_MB} MB and then reads a file of {FILE_MB} MB, so that "
        f"{HOG_MB - ROOM_MB} MB must be given back; levels chosen beside {CHOSEN.name}, figures of "
        f"{names}. This kernel has no memory controller of cgroup v2: files of it are tested only"
    )


def _run_note(run: SceneRun) -> str:
    steps = ", ".join(
        f"{at_s - run.began_s:.1f} s {level.word} ({why})"
        for at_s, level, why in run.heard.levels
        if at_s >= run.began_s
    )
    given = ", ".join(f"{name} {mb:.1f}" for name, mb in run.heard.given_mb.items() if mb)
    return (
        f"governor, {run.hog.name}: caches and models held {run.held_mb:.0f} MB before; "
        f"released after {run.released_s - run.began_s:.1f} s; levels: {steps or 'none'}; "
        f"{run.kills} killed, processes that ended: {run.ended}; "
        f"nodes say that they gave back (pictures lie in slots, too) [MB]: {given or 'nothing'}"
    )
