"""Whether runs of a network are cheaper together than apart, measured on the machine that runs it.

On one core of a CPU most take as long for each row of a batch as for one alone; a GPU, or weights
that have to be read anew for each run, gain by it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_encoders.core.signature import Signature

ROWS = 4
RUNS = 3
"""Of each, of which the fastest counts: others may be at work meanwhile."""
HAND_OVER_NS = 100_000
"""What joining costs a request: it wakes another thread, and its arrays are copied twice."""
LEAST_GAIN = 0.1
"""Part of a run's time; less may be chance."""

Run = Callable[[Mapping[str, NDArray[Any]]], object]


def batching_pays(
    signature: Signature, run: Run, stopwatch_ns: Callable[[], int] = time.perf_counter_ns
) -> bool:
    """Whether a request gains more by being one row of several than it takes to join them.

    Args:
        signature: of the network, whose first axis is a batch; of one that has other axes of any
            size nothing is known, and its runs stay apart.
        run: runs it.
        stopwatch_ns: time [ns].
    """
    if any(isinstance(size, str) for t in signature.inputs.values() for size in t.shape[1:]):
        return False
    alone_ns, joined_ns = (_fastest_ns(signature, run, rows, stopwatch_ns) for rows in (1, ROWS))
    gained_ns = alone_ns - joined_ns / ROWS
    return gained_ns > max(HAND_OVER_NS, LEAST_GAIN * alone_ns)


def _fastest_ns(signature: Signature, run: Run, rows: int, stopwatch_ns: Callable[[], int]) -> int:
    inputs = {
        name: np.zeros((rows, *(int(size) for size in tensor.shape[1:])), tensor.dtype)
        for name, tensor in signature.inputs.items()
    }
    times = []
    for _ in range(RUNS):
        began_ns = stopwatch_ns()
        run(inputs)
        times.append(stopwatch_ns() - began_ns)
    return min(times)
