"""What a user could do instead of salience: raw scores of a stream, and the forms reported."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sage.bench.salience import anomaly, opencv_saliency, running, signals
from sage.bench.salience.percepts import (
    ENCODERS,
    GENERATOR,
    Percepts,
    fingerprint,
    words_of,
    write_arrays,
)
from sage.bench.salience.running import Values
from sage.bench.salience.stream import Stream

CODE = (*GENERATOR, *ENCODERS, signals, opencv_saliency, anomaly, running)


def raw_scores(stream: Stream, percepts: Percepts, cache: Path | None = None) -> dict[str, Values]:
    """What each baseline says at each tick of a stream, float64 [T] by name.

    The maps of OpenCV have two: "..., mean" and "..., change".

    Raises:
        FileNotFoundError: a recording is missing.
        ImportError: a package of requirements/bench.in is not installed.
    """
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
    found: dict[str, list[float]] = {}
    simple = [kind() for kind in signals.SIGNALS]
    maps = [kind() for kind in opencv_saliency.MAPS]
    for moment in stream.moments():
        for signal in simple:
            found.setdefault(signal.name, []).append(signal.score(moment))
        for saliency in maps:
            for part, value in zip(("mean", "change"), saliency.scores(moment), strict=True):
                found.setdefault(f"{saliency.name}, {part}", []).append(value)
    scores = {name: np.array(values) for name, values in found.items()}
    for name, detector in anomaly.DETECTORS.items():
        scores[name] = anomaly.largest_rank(percepts, detector)
    return scores
