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
from sage_bench.salience import learning
from sage_bench.salience.finding import ALONE, judged
from sage_bench.salience.measures import average_precision
from sage_bench.salience.played import HALF, Judged, Played, play
from sage_bench.salience.streams.percepts import MODALITIES
from sage_bench.salience.streams.sources import DEVELOPMENT
from sage_bench.salience.trace import DIMENSIONS, FUSED, fuse
from sage_encoders.backends.models_folder import VARIABLE, models_folder
from sage_sensors.backends.recording import data_folder

DETECTORS = (FUSED, *DIMENSIONS, *MODALITIES)


def main() -> None:
    """Print AUROC, average precision and delay of detectors by family of events."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "detectors", nargs="*", default=DETECTORS, help="as `trace.fuse` names them"
    )
    parser.add_argument("--quick", action="store_true", help="one stream of 90 s")
    parser.add_argument("--baselines", action="store_true", help="also every baseline")
    parser.add_argument("--learned", action="store_true", help="also learn from outcomes (minutes)")
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
        os.environ[HALF] = DEVELOPMENT
        show_learned(console, setting)
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


def show_learned(console: Console, setting: Setting) -> None:
    """Learned from outcomes, by what matters to a person; see `learning`."""
    found = learning.rows(setting)
    made = Table("learned from outcomes", "", "95 %", "beside it")
    for row in found.rows:
        interval = f"{row.low:+.3f}..{row.high:+.3f}" if row.low is not None else ""
        beside = ", ".join(f"{name} {value:.3f}" for name, value in row.baselines.items())
        made.add_row(row.name, f"{row.value:.3f}", interval, beside)
    console.print(made, *found.notes, sep="\n")


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
