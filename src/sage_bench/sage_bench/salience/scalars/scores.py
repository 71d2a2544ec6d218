"""What every detector says of every stream, kept in a cache where there is one."""

from __future__ import annotations

import sys

import numpy as np

from sage_bench.salience.baselines import anomaly
from sage_bench.salience.scalars.detectors import columns
from sage_bench.salience.scalars.detectors.registry import DETECTORS
from sage_bench.salience.scalars.ours import TOTAL, score
from sage_bench.salience.scalars.stream import LabelledStream, Values
from sage_bench.salience.streams.percepts import cache_folder, fingerprint, write_arrays

SAGE = "SAGE"
RANKED = (SAGE, *DETECTORS)
SHARED = columns, anomaly
"""What detectors have in common: with their own source it is what their scores depend on."""


def all_scores(stream: LabelledStream) -> dict[str, Values]:
    """Scores float64 [T] of SAGE's total, of its dimensions and of each detector, by name.

    Only the detectors' are taken from the cache, which `SAGE_BENCH_CACHE` names.
    """
    ours = score(stream.stamps_ns, stream.values)
    beside = {name: _beside(name, stream) for name in DETECTORS}
    return {SAGE: ours.pop(TOTAL), **beside, **ours}


def _beside(name: str, stream: LabelledStream) -> Values:
    folder = cache_folder()
    if folder is None:
        return DETECTORS[name](stream.values, stream.warm_up)
    path = folder / f"scalars-{_key(name, stream)}.npz"
    if not path.is_file():
        write_arrays(path, {"scores": DETECTORS[name](stream.values, stream.warm_up)})
    with np.load(path, allow_pickle=False) as arrays:
        return np.asarray(arrays["scores"], np.float64)


def _key(name: str, stream: LabelledStream) -> str:
    own = sys.modules[DETECTORS[name].__module__]
    return fingerprint((name, str(stream.warm_up), stream.digest), (own, *SHARED))
