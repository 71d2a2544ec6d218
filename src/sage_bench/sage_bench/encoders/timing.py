"""Times several ways to do the same thing so that noise of the machine meets all of them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from sage_bench.result import Row, row_of_samples

TURN = 10
WARM_UP = 5


@dataclass(frozen=True)
class Variant:
    """One way to do it.

    Attributes:
        run: does it once; its argument counts the runs.
        before: called before every turn, untimed.
    """

    run: Callable[[int], object]
    before: Callable[[], object] = lambda: None


def alternating_ms(
    variants: Mapping[str, Variant], runs: int, limit_s: float = math.inf
) -> dict[str, list[float]]:
    """Times of each variant in ms, in turns of ten runs each.

    Each turn begins with an untimed run, so that no variant pays for the caches that another one
    has filled; the order of the variants moves on with every turn.

    Args:
        variants: by name.
        runs: timed runs of each, at least 1; rounded up to whole turns.
        limit_s: no turn of all variants begins after this time; the first one always runs.
    """
    end_s = time.monotonic() + limit_s
    taken: dict[str, list[float]] = {name: [] for name in variants}
    for variant in variants.values():
        variant.before()
        for number in range(WARM_UP):
            variant.run(number)
    names = list(variants)
    for turn in range(-(-runs // TURN)):
        if turn > 0 and time.monotonic() > end_s:
            break
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            taken[name] += _turn_ms(variants[name], turn * TURN)
    return taken


def row_of_variants(
    name: str, taken_ms: Mapping[str, list[float]], goal: float | None = None
) -> Row:
    """A row whose value is the median of the first variant and whose baselines are the others'."""
    own, *others = taken_ms
    baselines = {other: float(np.median(taken_ms[other])) for other in others}
    return row_of_samples(name, taken_ms[own], "ms", goal=goal, baselines=baselines)


def _turn_ms(variant: Variant, first: int) -> list[float]:
    variant.before()
    variant.run(first)
    taken = []
    for number in range(first, first + TURN):
        begin = time.perf_counter()
        variant.run(number)
        taken.append((time.perf_counter() - begin) * 1e3)
    return taken
