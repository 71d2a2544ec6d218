"""What a user could do instead of salience: raw scores of a stream, and the forms reported."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np

from sage_bench.salience.baselines import anomaly, opencv_saliency, running, signals
from sage_bench.salience.baselines.running import Values
from sage_bench.salience.streams.percepts import (
    ENCODERS,
    GENERATOR,
    Percepts,
    fingerprint,
    words_of,
    write_arrays,
)
from sage_bench.salience.streams.stream import Stream

CODE = (*GENERATOR, *ENCODERS, signals, opencv_saliency, anomaly, running)
ENERGIES = (
    "sound energy",
    "image energy",
    "brightness",
    "acceleration energy",
    "rotation energy",
)
SIMPLE = ("frame difference", "spectral flux", "sound energy", "jerk", "rotation energy")
LARGEST_ENERGY = "signal energy, largest"
LARGEST_SIMPLE = "simple signals, largest"
FORMS = (
    "baselines: every signal and every map of OpenCV is scored by the size of its running z-score "
    "over 5 s, which on the development half finds more than its value or its rise, and makes the "
    "strongest of them stronger than other horizons from 1 to 100 s do; OpenCV's maps by their "
    "change from tick to tick, which finds more than their "
    f"mean; '{LARGEST_ENERGY}' is the largest of {', '.join(ENERGIES)}, and '{LARGEST_SIMPLE}' of "
    f"{', '.join(SIMPLE)}: the best that we found to do by hand; anomaly detectors (25 half-space "
    "trees of height 8; 100 isolation trees, made anew every 10 s of the last 1,000 embeddings) by "
    "the largest running z-score of the three modalities"
)


def check_packages() -> None:
    """See that everything is installed that salience is measured beside.

    Raises:
        FileNotFoundError: something is not.
    """
    missing = [name for name in ("river", "sklearn", "stumpy") if find_spec(name) is None]
    if not hasattr(cv2, "saliency"):
        missing.append("cv2.saliency")
    if missing:
        raise FileNotFoundError(
            f"{', '.join(missing)}: not installed; `make bench` installs requirements/bench.in"
        )


def baselines(raw: Mapping[str, Values]) -> dict[str, Values]:
    """The baselines in the form in which they are reported, float64 [T] by name."""
    scores = {
        name: values if name in anomaly.DETECTORS else np.abs(running.z_scores(values))
        for name, values in raw.items()
    }
    scores[LARGEST_ENERGY] = np.max([scores[name] for name in ENERGIES], axis=0)
    scores[LARGEST_SIMPLE] = np.max([scores[name] for name in SIMPLE], axis=0)
    return scores


def raw_scores(stream: Stream, percepts: Percepts, cache: Path | None = None) -> dict[str, Values]:
    """What each baseline says at each tick of a stream, float64 [T] by name.

    Raises:
        FileNotFoundError: a recording is missing, or a package of requirements/bench.in.
    """
    check_packages()
    if cache is None:
        return _measured(stream, percepts)
    encoder_ids = (sensed.encoder_id for sensed in percepts.sensed.values())
    key = fingerprint((*words_of(stream), *encoder_ids), CODE)
    path = cache / f"baselines-{key}.npz"
    if not path.is_file():
        write_arrays(path, dict(_measured(stream, percepts)))
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def _measured(stream: Stream, percepts: Percepts) -> dict[str, Values]:
    signals_and_maps = [kind() for kind in (*signals.SIGNALS, *opencv_saliency.MAPS)]
    found: dict[str, list[float]] = {signal.name: [] for signal in signals_and_maps}
    for moment in stream.moments():
        for signal in signals_and_maps:
            found[signal.name].append(signal.score(moment))
    scores = {name: np.array(values) for name, values in found.items()}
    for name, detector in anomaly.DETECTORS.items():
        scores[name] = anomaly.largest(percepts, detector)
    return scores
