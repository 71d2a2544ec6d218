"""Figures of the development half for whoever tunes the core; the test half is not for that.

`SAGE_BENCH_CACHE=DIR python -m sage_bench.salience.tuning [DETECTOR ...]` encodes the streams
once; from then on a run takes as long as the core itself.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.table import Table

from sage_bench.encoders.section import Setting
from sage_bench.salience.finding import ALONE, judged
from sage_bench.salience.measures import average_precision
from sage_bench.salience.outcomes import carried_over, learned_along
from sage_bench.salience.played import Judged, Played, play
from sage_bench.salience.streams.percepts import MODALITIES
from sage_bench.salience.streams.sources import DEVELOPMENT
from sage_bench.salience.trace import DIMENSIONS, EQUAL, FUSED, LEARNED, fuse
from sage_encoders.backends.models_folder import VARIABLE, models_folder
from sage_sensors.backends.recording import data_folder
from sage_snarc.core.fusion import Fusion

DETECTORS = (FUSED, *DIMENSIONS, *MODALITIES)


def main() -> None:
    """Print AUROC, average precision and delay of detectors by family of events."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "detectors", nargs="*", default=DETECTORS, help="as `trace.fuse` names them"
    )
    parser.add_argument("--quick", action="store_true", help="one stream of 90 s")
    parser.add_argument("--baselines", action="store_true", help="also every baseline")
    parser.add_argument("--learned", action="store_true", help="also learn from outcomes")
    parser.add_argument("--missed", type=int, default=0, help="list so many worst missed events")
    options = parser.parse_args()
    models = models_folder(os.environ.get(VARIABLE, "models"))
    setting = Setting(data_folder(), models, options.quick)
    played = play(setting, DEVELOPMENT)
    console = Console(width=200)
    if options.baselines:
        found = judged(setting, DEVELOPMENT)
    else:
        found = Judged(played.windows, tuple(fuse(scored) for scored in played.scored))
    others = [name for name in found.beside if name not in ALONE.values()]
    console.print(table(found, (*options.detectors, *others)))
    if options.learned:
        show_learned(console, played)
    if options.missed:
        show_missed(console, found, played, options.missed)


def table(found: Judged, detectors: Sequence[str]) -> Table:
    """AUROC overall with interval, then AUROC by family, average precision and detection."""
    families = found.windows.families
    made = Table("detector", "AUROC", "", *families, "AP", "found", "delay")
    for name in detectors:
        whole, detected = found.estimate(name), found.detection(name)
        made.add_row(
            name,
            f"{whole.value:.3f}",
            f"{whole.low:.3f}..{whole.high:.3f}",
            *(f"{found.value(name, family=family):.3f}" for family in families),
            f"{found.value(name, average_precision):.3f}",
            f"{detected.share:.2f}",
            f"{detected.median_delay_s:.2f} s",
        )
    return made


def show_learned(console: Console, played: Played) -> None:
    """Learned along all streams; and learned on the first half of them, carried to the second."""
    middle, end = len(played.scored) // 2, len(played.scored)
    before, after = played.part(0, middle), played.part(middle, end)
    along, taught = Fusion(MODALITIES), Fusion(MODALITIES)
    learned_along(before.scored, before.percepts, taught)
    runs = {
        "learned along": (played, along, learned_along(played.scored, played.percepts, along)),
        "carried over": (after, taught, carried_over(after.scored, taught.state())),
    }
    for title, (streams, fusion, traces) in runs.items():
        found = Judged(streams.windows, tuple(traces))
        console.print(title, fusion.weights.report())
        console.print(table(found, (FUSED, EQUAL, LEARNED)))
        for detector in (FUSED, LEARNED):
            gain = found.gain(detector, EQUAL)
            console.print(
                f"{detector} - equal: {gain.value:+.3f} {gain.low:+.3f}..{gain.high:+.3f}"
            )


def show_missed(console: Console, found: Judged, played: Played, count: int) -> None:
    """The least salient events and the loudest background."""
    windows, scores = found.windows, found.scores(FUSED)
    chosen = {
        "least salient events": np.where(windows.positive, scores, np.inf),
        "loudest background": np.where(windows.positive, np.inf, -scores),
    }
    for title, order in chosen.items():
        console.print(title)
        for place in np.argsort(order)[:count]:
            console.print(
                f"  {played.percepts[windows.stream[place]].name}, {windows.start_s[place]:.1f} s: "
                f"{windows.family[place] or 'background'} {scores[place]:.3f}"
            )


if __name__ == "__main__":
    main()
