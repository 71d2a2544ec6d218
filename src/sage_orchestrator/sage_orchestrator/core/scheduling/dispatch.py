"""Whose turn it is: which of the runs that wait goes on, when there is a core for it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from sage_orchestrator.core.scheduling.runtime import PluginRuntime


class Rank(NamedTuple):
    """Of a run that works or waits; the greater goes first.

    Attributes:
        mandatory: its mandatory part is not done, which comes before anything that is not.
        urgent: its deadline is within a quantum.
        value: trust x salience, of a mandatory part; else that x the expected gain per ms.
    """

    mandatory: bool
    urgent: bool
    value: float


def rank(runtime: PluginRuntime, now_ns: int, quantum_ns: int) -> Rank:
    """How a plugin that has a run stands among the others."""
    if runtime.run is not None and runtime.run.is_ending:
        return Rank(True, True, math.inf)  # it only says what it has
    weight = runtime.weight
    if runtime.is_mandatory:
        deadline_ns = runtime.deadline_ns
        return Rank(True, deadline_ns is not None and now_ns + quantum_ns >= deadline_ns, weight)
    return Rank(False, False, weight * runtime.next_segment().gain_per_ms)


def first_waiting(
    runtimes: Iterable[PluginRuntime], now_ns: int, quantum_ns: int
) -> PluginRuntime | None:
    """The one whose turn it is, in order of name among equals; None: nobody waits."""
    waiting = [runtime for runtime in runtimes if runtime.waits]
    return max(waiting, key=lambda r: rank(r, now_ns, quantum_ns)) if waiting else None


def occupied_cores(runtimes: Iterable[PluginRuntime], now_ns: int, quantum_ns: int) -> int:
    """Runs at work, but for those whose step takes longer than a quantum.

    A plugin that does not come back holds nobody up for longer than that; it pays all the same.
    """
    return sum(1 for r in runtimes if r.in_flight and r.held_ns(now_ns) <= quantum_ns)
