"""Whom a run evicts, in which order, and with which words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sage_common.core.clock import NS_PER_S
from sage_memory.core.sleep.selection.retention_plan import Plan
from sage_memory.core.sleep.selection.survey import Survey

BAND = 32_768
"""Evictions that are made in the order of the file, which touches each of its pages once."""


@dataclass(frozen=True)
class Eviction:
    """One experience to evict from.

    Attributes:
        identifier: 16 bytes.
        rung: how deep, see `plan`.
        reason: why, in words; without content.
        summary: 16 bytes of the summary that covers it; empty: none.
        last_user: no other experience has its payload.
    """

    identifier: bytes
    rung: int
    reason: str
    summary: bytes = b""
    last_user: bool = True


def evictions_of(seen: Survey, decided: Plan, now_ns: int) -> list[Eviction]:
    """All evictions of a plan, with their ages at a stamp [ns]."""
    holders: dict[str, int] = {}
    for sha in seen.payload:
        holders[sha] = holders.get(sha, 0) + 1
    evictions = []
    for row in _in_bands(decided.order):
        sha = seen.payload[row]
        holders[sha] -= 1
        summary = int(seen.summary[row])
        days = (now_ns - int(seen.start_ns[row])) / (86400 * NS_PER_S)
        reason = f"salience {seen.total[row]:.2f}, {days:.1f} d old"
        if summary >= 0:
            reason += f", 1 of {seen.covers[summary]}"
        evictions.append(
            Eviction(
                identifier=bytes(seen.identifier[row]),
                rung=int(decided.depth[row]),
                reason=reason,
                summary=bytes(seen.identifier[summary]) if summary >= 0 else b"",
                last_user=bool(sha) and holders[sha] == 0,
            )
        )
    return evictions


def _in_bands(order: NDArray[np.int64]) -> NDArray[np.int64]:
    """The least valuable first, a band at a time, and those of a band as they lie in the file."""
    bands = [np.sort(order[k : k + BAND]) for k in range(0, len(order), BAND)]
    return np.concatenate(bands) if bands else order
