"""Rows of the bench: time of a score, and growth of time and memory."""

from __future__ import annotations

from collections.abc import Sequence

from sage_bench.encoders.section import Figures, Setting
from sage_bench.result import Row
from sage_bench.salience.endurance import measured_growth, measured_latency
from sage_bench.salience.score_latency import ScoreLatency

SIZES = {"vision": 128, "audio": 64, "proprioception": 92}
"""Components of each modality's embedding."""
FEW, USUAL, MANY = 100, 1_000, 10_000
SAMPLES, SAMPLES_QUICK = 2_000, 300
RUNS = 5
FRAMES, FRAMES_QUICK = 100_000, 5_000
GOAL_MS, GOAL_RATIO, GOAL_SLOWDOWN, GOAL_GROWTH_MB = 0.2, 2.0, 1.1, 5.0
REFERENCE = (
    f"times: the median of {RUNS} processes of one thread each, independent percepts, all of them "
    "remembered (the worst case); the reference scorer took 0.8 ms with 1 remembered, 2.7 ms with "
    "100 and 7 to 16 ms with 1,000 (systems.md section 9, measured on another day on two cores)"
)


def rows(setting: Setting) -> Figures:
    """Time of a score by what is remembered, and what 100,000 frames do to time and memory."""
    modalities = list(SIZES)[:1] if setting.quick else list(SIZES)
    made = [row for modality in modalities for row in _latency(modality, setting.quick)]
    found = measured_growth(FRAMES_QUICK if setting.quick else FRAMES)
    frames = f"{found.frames:,} frames"
    made += [
        Row("fuse, p50", found.fuse_ms[-1], "ms", samples=found.frames // 10),
        Row(f"score and fuse over {frames}, last tenth to second tenth", found.slowdown, "",
            GOAL_SLOWDOWN, samples=found.frames),
        Row(f"memory over {frames}, after the second tenth", found.memory_growth_mb, "MB",
            GOAL_GROWTH_MB, samples=found.frames),
    ]  # fmt: skip
    return Figures(tuple(made), (REFERENCE,))


def _latency(modality: str, quick: bool) -> list[Row]:
    samples = SAMPLES_QUICK if quick else SAMPLES
    few, usual, many = (
        median_latency(
            [
                measured_latency(modality, SIZES[modality], remembered, samples)
                for _ in range(1 if quick else RUNS)
            ]
        )
        for remembered in (FEW, USUAL, MANY)
    )
    beside = {f"{FEW} remembered": few.p50_ms, f"{MANY:,} remembered": many.p50_ms}
    return [
        Row(f"score {modality}, {USUAL:,} remembered, p50", usual.p50_ms, "ms", GOAL_MS,
            baselines=beside, samples=usual.samples),
        Row(f"score {modality}, {MANY:,} remembered to {USUAL:,}", many.p50_ms / usual.p50_ms, "",
            GOAL_RATIO, samples=many.samples),
    ]  # fmt: skip


def median_latency(runs: Sequence[ScoreLatency]) -> ScoreLatency:
    """The run with the median p50: a shared machine is at times half as fast."""
    return sorted(runs, key=lambda run: run.p50_ms)[len(runs) // 2]
