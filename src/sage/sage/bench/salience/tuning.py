"""Figures of the development half for whoever tunes the core; the test half is not for that.

`SAGE_BENCH_CACHE=DIR python -m sage.bench.salience.tuning [DETECTOR ...]` encodes the streams
once; from then on a run takes as long as the core itself.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.table import Table

from sage.bench.salience.measures import (
    average_precision,
    detection,
    estimate,
    estimate_of_difference,
)
from sage.bench.salience.outcomes import carried_over, learned_along
from sage.bench.salience.percepts import MODALITIES, Percepts, cache_folder, percepts_of
from sage.bench.salience.sources import DEVELOPMENT
from sage.bench.salience.stream import streams
from sage.bench.salience.trace import (
    DIMENSIONS,
    EQUAL,
    FUSED,
    LEARNED,
    Scored,
    Scores,
    Trace,
    fuse,
    score,
)
from sage.bench.salience.windows import Windows, judged_windows, window_scores
from sage.graph.sources import data_folder
from sage_encoders.backends.models_folder import VARIABLE, models_folder
from sage_snarc.core.fusion import Fusion

DETECTORS = (FUSED, *DIMENSIONS, "vision", "audio", "proprioception")


def main() -> None:
    """Print AUROC, average precision and delay of detectors by family of events."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "detectors", nargs="*", default=DETECTORS, help="as `trace.fuse` names them"
    )
    parser.add_argument("--quick", action="store_true", help="one stream of 90 s")
    parser.add_argument("--learned", action="store_true", help="also learn from outcomes")
    parser.add_argument("--missed", type=int, default=0, help="list so many worst missed events")
    options = parser.parse_args()
    models = models_folder(os.environ.get(VARIABLE, "models"))
    played = streams(DEVELOPMENT, data_folder(), options.quick)
    sensed = [percepts_of(stream, models, cache_folder()) for stream in played]
    scored = [score(percepts, number) for number, percepts in enumerate(sensed)]
    traces = [fuse(stream) for stream in scored]
    windows = judged_windows(sensed)
    console = Console(width=200)
    console.print(table(windows, traces, options.detectors))
    if options.learned:
        show_learned(console, sensed, scored)
    if options.missed:
        scores = scores_of(windows, traces, FUSED)
        order = np.argsort(np.where(windows.positive, scores, np.inf))[: options.missed]
        loud = np.argsort(np.where(windows.positive, np.inf, -scores))[: options.missed]
        for title, places in (("least salient events", order), ("loudest background", loud)):
            console.print(title)
            for place in places:
                console.print(
                    f"  {sensed[windows.stream[place]].name}, {windows.start_s[place]:.1f} s: "
                    f"{windows.family[place] or 'background'} {scores[place]:.3f}"
                )


def show_learned(console: Console, sensed: Sequence[Percepts], scored: Sequence[Scored]) -> None:
    """Learned along all streams; and learned on the first half of them, carried to the second."""
    fusion = Fusion(MODALITIES)
    middle = len(sensed) // 2
    runs = {"learned along": (sensed, learned_along(scored, sensed, fusion))}
    if middle:
        fusion = Fusion(MODALITIES)
        learned_along(scored[:middle], sensed[:middle], fusion)
        runs["carried over"] = (sensed[middle:], carried_over(scored[middle:], fusion.state()))
    for title, (percepts, traces) in runs.items():
        windows = judged_windows(percepts)
        console.print(title, fusion.weights.report())
        console.print(table(windows, traces, (FUSED, EQUAL, LEARNED)))
        for detector in (FUSED, LEARNED):
            ours, equal = (scores_of(windows, traces, name) for name in (detector, EQUAL))
            gain = estimate_of_difference(windows, ours, equal)
            console.print(
                f"{detector} - equal: {gain.value:+.3f} {gain.low:+.3f}..{gain.high:+.3f}"
            )


def table(windows: Windows, traces: Sequence[Trace], detectors: Sequence[str]) -> Table:
    """AUROC overall with interval, then AUROC by family, average precision and detection."""
    made = Table("detector", "AUROC", "", *windows.families, "AP", "found", "delay")
    times_s = [trace.times_s for trace in traces]
    for name in detectors:
        scores = scores_of(windows, traces, name)
        whole = estimate(windows, scores)
        found = detection(windows, times_s, [trace.scores[name] for trace in traces])
        made.add_row(
            name,
            f"{whole.value:.3f}",
            f"{whole.low:.3f}..{whole.high:.3f}",
            *(f"{estimate(windows, scores, family=f).value:.3f}" for f in windows.families),
            f"{estimate(windows, scores, average_precision).value:.3f}",
            f"{found.share:.2f}",
            f"{found.median_delay_s:.2f} s",
        )
    return made


def scores_of(windows: Windows, traces: Sequence[Trace], name: str) -> Scores:
    """A detector's score of each window, float64 [N]."""
    return window_scores(
        windows, [trace.times_s for trace in traces], [trace.scores[name] for trace in traces]
    )


if __name__ == "__main__":
    main()
