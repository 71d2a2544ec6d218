"""Whoever can be asked for the nearest moments, and how long that takes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sage_bench.memory.inputs.condition import EVERYTHING, Condition
from sage_bench.memory.inputs.corpus import Corpus, Vectors

LIMIT = 10
WARM_UP = 3
LEAST = 5
"""Questions that are asked even of the slowest."""

Search = Callable[[NDArray[np.float32], Condition], list[int]]
"""Rows of the ten moments nearest to a vector of which a condition holds, best first."""


class Peer(Protocol):
    """A store of vectors or of whole moments.

    Attributes:
        name: as it stands in tables.
        most: rows that it is filled with in reasonable time.
    """

    name: str
    most: float

    def fill(self, corpus: Corpus) -> None:
        """Take in every moment."""

    def searches(self) -> Mapping[str, Search]:
        """Ways of searching everything, by name."""

    def filters(self, condition: Condition) -> Mapping[str, Search]:
        """Ways of searching what a condition keeps, by name; none if it cannot be said."""

    def close(self) -> None:
        """Let go of all memory and files."""


@dataclass(frozen=True)
class Timed:
    """Searches, one after the other.

    Attributes:
        taken_ms: of each.
        found: rows that each gave.
    """

    taken_ms: list[float] = field(default_factory=list)
    found: list[list[int]] = field(default_factory=list)

    def percentile(self, rank: float) -> float:
        """A percentile of the times [ms]."""
        return float(np.percentile(self.taken_ms, rank))


def timed(
    search: Search,
    queries: Vectors,
    condition: Condition = EVERYTHING,
    limit_s: float = math.inf,
) -> Timed:
    """Ask one question after the other; the first few are asked once before.

    Args:
        limit_s: time after which no more are asked, except that at least 5 are.
    """
    measured = Timed()
    for query in queries[:WARM_UP]:
        search(query, condition)
    begin = time.perf_counter()
    for number, query in enumerate(queries):
        if number >= LEAST and time.perf_counter() - begin > limit_s:
            break
        before = time.perf_counter_ns()
        rows = search(query, condition)
        measured.taken_ms.append((time.perf_counter_ns() - before) * 1e-6)
        measured.found.append(rows)
    return measured
